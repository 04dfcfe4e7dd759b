"""molinteract."""
