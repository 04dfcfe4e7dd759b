"""x."""


def embed() -> int:
    """x."""
    return 0
