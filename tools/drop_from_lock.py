"""Remove packages from a lock file: those whose file depends on the machine (PyTorch and its CUDA parts).

Usage: drop_from_lock.py LOCK PATTERN [PATTERN ...]
"""

import re
import sys
from fnmatch import fnmatch
from pathlib import Path


def main() -> None:
    """Rewrite the lock file without the requirements whose name matches a pattern."""
    path, patterns = Path(sys.argv[1]), sys.argv[2:]
    blocks = re.split(r"(?m)^(?=[A-Za-z0-9])", path.read_text(encoding="utf-8"))
    kept = [b for b in blocks if not any(fnmatch(b.split("==")[0], pattern) for pattern in patterns)]
    path.write_text("".join(kept), encoding="utf-8")


if __name__ == "__main__":
    main()
