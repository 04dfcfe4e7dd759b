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


def upgraded(
    description: Description, tensors: Tensors, *, to: int, steps: Mapping[int, Step] = STEPS
) -> tuple[Description, Tensors]:
    """Return a saved network in format ``to``, from any earlier one.

    Raises
    ------
    KeyError
        If a step is missing: an error of the program, for every format but the first needs one.
    """
    while description["format"] < to:
        step = steps[description["format"]]
        before = description["format"]
        description, tensors = step(description, tensors)
        description = description | {"format": before + 1}
    return description, tensors
