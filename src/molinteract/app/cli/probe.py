"""x."""


def probe() -> int:
    """x."""
    return 0
