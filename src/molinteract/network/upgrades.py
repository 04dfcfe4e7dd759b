"""Saved networks of earlier formats, step by step to the present one.

A step takes description and tensors of format n to those of n + 1. Format 1 is the first: there is no step yet. Every format
keeps a small file under tests/data, which every later version must load and compute the same numbers with.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from torch import Tensor

Description = dict[str, Any]
Tensors = dict[str, Tensor]
Step = Callable[[Description, Tensors], tuple[Description, Tensors]]

STEPS: Final[Mapping[int, Step]] = {}
"""The step that leads on from each earlier format."""


def readable(description: Any, *, present: int, convention: str) -> bool:
    """Whether a description is of the present format and convention, or of a format that a step leads on from."""
    if not isinstance(description, dict):
        return False
    if description.get("format") in STEPS:
        return True
    return (description.get("format"), description.get("convention")) == (present, convention)


def upgraded(description: Description, tensors: Tensors) -> tuple[Description, Tensors]:
    """Return a saved network in the present format."""
    while (before := description["format"]) in STEPS:
        description, tensors = STEPS[before](description, tensors)
        description = description | {"format": before + 1}
    return description, tensors
