"""x."""


def pretrain() -> int:
    """x."""
    return 0
