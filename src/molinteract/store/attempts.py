"""What to do when the process that made a shard has died: find what killed it, leave it out, make the rest.

The shard is made again, now with a note on disk of what is in hand. What is in hand at two deaths is taken to be the cause (one
alone may be bad luck: a node that went down, memory that others took) and is rejected unseen at the next attempt.
"""

from dataclasses import dataclass, replace

from molinteract.core.errors import StoreError
from molinteract.store.process import INTERNAL
from molinteract.store.shards import Position, ShardTask

FRUITLESS = 4
"""Deaths without anything in hand after which it is no entry's fault."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A task and what is known of its earlier attempts.

    Attributes
    ----------
    task : ShardTask
    suspect : Position or None
        What was in hand at the last death.
    fruitless : int
        Deaths without anything in hand, one after another.
    """

    task: ShardTask
    suspect: Position | None = None
    fruitless: int = 0

    def after_death(self, cause: str) -> "Attempt":
        """Return the next attempt.

        Parameters
        ----------
        cause : str
            How the process died, in words.

        Raises
        ------
        StoreError
            If processes die without having begun.
        """
        at = _in_hand(self.task) if self.task.careful else None
        if at is None:
            if self.fruitless + 1 >= FRUITLESS:
                raise StoreError(
                    f"{FRUITLESS} worker processes died one after another ({cause})",
                    entry=f"shard {self.task.number}",
                    remedy="run again with --resume and fewer --workers; a script that builds needs if __name__ == '__main__'",
                )
            return Attempt(replace(self.task, careful=True), self.suspect, self.fruitless + 1)
        if at != self.suspect:
            return Attempt(self.task, at)
        detail = f"{INTERNAL}: the process that worked on it died twice ({cause})"
        return Attempt(replace(self.task, fatal=(*self.task.fatal, (at, detail))))


def _in_hand(task: ShardTask) -> Position | None:
    try:
        item, entry, reading = (int(word) for word in task.note_path.read_text().split())
    except (OSError, ValueError):
        return None
    finally:
        task.note_path.unlink(missing_ok=True)
    return Position(item, entry, bool(reading))
