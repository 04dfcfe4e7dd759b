"""``molinteract demo``: the whole chain on the embedded sample."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from molinteract.app.cli.output import Json, Quiet, emit


def demo(
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"], help="Folder; replaced if it holds an earlier demo.")] = Path(
        "out/demo"
    ),
    minutes: Annotated[float, Parameter(help="Training time.")] = 1.5,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Build, train, embed and probe the 150 crystals of the embedded sample; print the path of the report.

    Takes three to four minutes on one core.
    """
    from molinteract.app.demo import run_demo

    def tell(stage: str) -> None:
        if not quiet:
            print(f"{stage} …", file=sys.stderr, flush=True)

    result = run_demo(out, minutes=minutes, stage=tell)
    lines = [f"{value:>9}  {what}" for value, what in result.headline]
    text = "\n".join([*lines, f"\n{result.seconds:.0f} s in all", f"report: {result.report.resolve()}"])
    facts = {"headline": [list(pair) for pair in result.headline], "seconds": result.seconds}
    emit(facts | {"report": str(result.report.resolve())}, text, as_json=as_json)
    return 0
