"""Identity of a patch: stable across rebuilds, worker counts and orders (SPEC 1.3)."""

import hashlib


def patch_id(entry: str, i: int, j: int, operation: str, parameters: str) -> str:
    """Return the 32-digit id of a patch.

    Parameters
    ----------
    entry : str
        Key of the entry.
    i, j : int
        Molecules.
    operation : str
        Text of the operation that makes the image of j, lattice vector included.
    parameters : str
        Fingerprint of the patch parameters.
    """
    text = "\x1f".join((entry, str(i), str(j), operation, parameters))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
