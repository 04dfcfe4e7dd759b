"""Train, validation and test, by compound: no compound is ever on two sides (SPEC 1.3)."""

import hashlib
from typing import Final

SPLITS: Final = ("train", "validation", "test")
_SHARES: Final = (0.90, 0.95)


def split_of(compound: str, *, seed: int = 0) -> str:
    """Return the split of a compound: 90 / 5 / 5 % by a seeded hash of its key."""
    digest = hashlib.blake2b(f"{seed}\x1f{compound}".encode(), digest_size=8).digest()
    share = int.from_bytes(digest, "big") / 2**64
    return SPLITS[0] if share < _SHARES[0] else SPLITS[1] if share < _SHARES[1] else SPLITS[2]
