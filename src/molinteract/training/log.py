"""The log of a run: one JSON object a line, the same as CSV, and TensorBoard on request."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from molinteract.core.optional import require

COLUMNS = (
    "step", "epoch", "seconds", "patches", "patches_per_second", "learning_rate", "loss", "clipped_share", "skipped",
    "rmse", "rmse_zero", "ev", "ev_interface", "ev_rest", "ev_rigid_nodes", "ev_H", "ev_C", "ev_N", "ev_O",
    "ev_rigid", "ev_rigid_null", "ev_rotation", "ev_rigid_distance", "ev_rigid_moved", "ev_rigid_both", "ev_rotation_both",
    "ev_rigid_moved_both",
)  # fmt: skip
"""Columns of ``log.csv``; ``log.jsonl`` has every measure."""


class RunLog:
    """Appends records to ``log.jsonl`` and ``log.csv``; on resuming, later lines than the checkpoint are dropped.

    Parameters
    ----------
    run : Path
        Run folder.
    step : int
        Step to go on from.
    tensorboard : bool
        Write ``RUN/tensorboard`` as well.

    Raises
    ------
    MissingExtraError
        If TensorBoard is asked for and not installed.
    """

    def __init__(self, run: Path, *, step: int, tensorboard: bool = False) -> None:
        self.jsonl = run / "log.jsonl"
        self.csv = run / "log.csv"
        kept = [record for record in read_log(run) if record["step"] <= step] if step else []
        self.jsonl.write_text("".join(json.dumps(r) + "\n" for r in kept), encoding="utf-8")
        with self.csv.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(kept)
        self.board: Any = None
        if tensorboard:
            require("tensorboard", extra="log", purpose="writing TensorBoard files")
            from torch.utils.tensorboard import SummaryWriter

            self.board = SummaryWriter(run / "tensorboard", purge_step=step)

    def append(self, record: Mapping[str, Any]) -> None:
        """Write one record."""
        with self.jsonl.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        with self.csv.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, COLUMNS, extrasaction="ignore").writerow(record)
        if self.board is not None:
            for name, value in record.items():
                if name != "step" and isinstance(value, int | float):
                    self.board.add_scalar(name, value, record["step"])
            self.board.flush()


def read_log(run: Path) -> list[dict[str, Any]]:
    """Return the records of a run; a last line cut short by a crash is passed over."""
    path = run / "log.jsonl"
    if not path.is_file():
        return []
    records = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            records.append(json.loads(line))
        except ValueError:
            break
    return records
