"""What a run says of itself while it goes on and at its end."""

from collections.abc import Callable
from dataclasses import dataclass

from molinteract.training.checkpoints import Progress
from molinteract.training.measures import Values


@dataclass(frozen=True, slots=True)
class TrainingState:
    """What the progress callback is told after each step.

    Attributes
    ----------
    progress : Progress
    loss : float
        Of the last batch.
    patches_per_second : float
        Since the run (or its resumption) began, validation left out.
    seconds_left : float
        Estimate to the end of the run.
    share : float
        Of the run that is over.
    validation : dict
        The last measures; empty before the first.
    """

    progress: Progress
    loss: float
    patches_per_second: float
    seconds_left: float
    share: float
    validation: Values


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """How a run ended: where, after what, and with which measures on held-out compounds."""

    run: str
    progress: Progress
    validation: Values
    damaged_checkpoints: tuple[str, ...] = ()

    def text(self) -> str:
        """Return what happened, in words."""
        state = self.progress
        lines = [f"{state.step:,} steps, {state.patches:,} patches, {state.seconds:.0f} s", f"network: {self.run}/best"]
        if state.skipped:
            lines.append(f"{state.skipped} batches were not finite and were skipped (log.jsonl names them)")
        if self.damaged_checkpoints:
            lines.append(f"damaged checkpoints passed over: {', '.join(self.damaged_checkpoints)}")
        return "\n".join(lines)


ProgressCallback = Callable[[TrainingState], None]
