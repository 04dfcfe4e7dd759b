"""Patches on disk: schema, build, dataset, splits, statistics (SPEC 1.3)."""
