"""Shared fixtures: where the real data lie, and why a test is skipped without them."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("MOLINTERACT_SHARED_DATA", ROOT.parent / "shared" / "data"))
SAMPLE = Path(os.environ.get("MOLINTERACT_SAMPLE", ROOT / "data" / "sample"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the development crystals, which are no part of this repository."""
    if not (SHARED / "crystals" / "index.csv").is_file():
        pytest.skip(f"no development crystals at {SHARED} (set MOLINTERACT_SHARED_DATA)")
    return SHARED


@pytest.fixture(scope="session")
def sample() -> Path:
    """Folder of the embedded sample: mech.db and test.db."""
    if not (SAMPLE / "mech.db").is_file():
        pytest.skip(f"no embedded sample at {SAMPLE} (make sample)")
    return SAMPLE
