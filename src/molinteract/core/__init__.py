"""Words that every other folder uses: errors, reason codes, elements, cell geometry, settings."""
