"""Where entries come from: files, folders, globs, archives, ASE databases."""
