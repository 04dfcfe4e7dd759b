"""x."""


def build() -> int:
    """x."""
    return 0
