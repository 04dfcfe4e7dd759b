"""The learning rate: linear warm-up, then half a cosine."""

import math

from molinteract.training.recipe import OptimiserRecipe


def learning_rate(recipe: OptimiserRecipe, *, step: int, done: float) -> float:
    """Return the learning rate of a step.

    Parameters
    ----------
    recipe : OptimiserRecipe
    step : int
        Steps done before this one.
    done : float
        Share of the run that is over, 0 to 1.
    """
    warm = min(1.0, (step + 1) / recipe.warmup_steps) if recipe.warmup_steps else 1.0
    cosine = 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))
    return recipe.learning_rate * warm * (recipe.final_share + (1.0 - recipe.final_share) * cosine)
