"""The demo: build, train, embed and probe the embedded sample, into one folder."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from molinteract.app.reports.report import headline, write_report
from molinteract.core.errors import StoreError
from molinteract.embeddings.embed import EmbedSettings, embed
from molinteract.embeddings.questions import ask
from molinteract.network.encoder import InteractNN
from molinteract.sources.entries import SAMPLE
from molinteract.store.build import build
from molinteract.store.dataset import open_dataset
from molinteract.store.statistics import summarise
from molinteract.training.log import read_log
from molinteract.training.loop import pretrain
from molinteract.training.recipe import DataRecipe, OptimiserRecipe, Recipe

_MARK = ".molinteract-demo"
WEIGHTS = "small"
"""Pre-trained weights that make the vectors; the training of some seconds shows how training goes."""


@dataclass(frozen=True, slots=True)
class DemoResult:
    """Path of the report, its headline figures (value, what it is), and how long it took."""

    report: Path
    headline: tuple[tuple[str, str], ...]
    seconds: float


def demo_recipe(minutes: float) -> Recipe:
    """Return the recipe of ``configs/pretrain-tiny.toml`` for some minutes."""
    return Recipe(
        network="tiny",
        max_minutes=minutes,
        max_epochs=1000,
        validate_every=100,
        threads=1,  # a second one gains nothing at this size, and on a busy machine the two wait for each other
        optimiser=OptimiserRecipe(learning_rate=0.005, warmup_steps=50),
        data=DataRecipe(batch_size=32, unique=True, validation_patches=512),
    )


def run_demo(out: Path, *, minutes: float, stage: Callable[[str], None], source: str = SAMPLE) -> DemoResult:
    """Run the chain.

    Parameters
    ----------
    out : Path
        Folder; one that an earlier demo made is replaced, another one is refused.
    minutes : float
        Training time.
    stage : callable
        Told what is being done.
    source : str
        Crystals to use.

    Raises
    ------
    StoreError
        If the folder holds something else.
    """
    start = time.perf_counter()
    _clear(out)
    stage("building the store")
    build([source], out / "store")
    dataset = open_dataset(out / "store")
    statistics = summarise(dataset)
    stage(f"training on {len(dataset):,} patches for {minutes:g} min")
    pretrain(dataset, demo_recipe(minutes), out / "run")
    stage(f"embedding with the weights {WEIGHTS!r}")
    network = InteractNN.from_pretrained(WEIGHTS)
    vectors = embed(network, dataset, dataset.rows(), out / "vectors", settings=EmbedSettings(nodes=12_000))
    result = ask(vectors, stage=stage)
    records = read_log(out / "run")
    report = write_report(
        out / "report",
        statistics=statistics,
        records=records,
        probe=result,
        title="molinteract demo",
        network=f"the weights {WEIGHTS!r} of the package, not the network trained above",
    )
    return DemoResult(report, tuple(headline(statistics, records, result)), time.perf_counter() - start)


def _clear(out: Path) -> None:
    if out.exists() and any(out.iterdir()):
        if not (out / _MARK).is_file():
            raise StoreError(
                "the folder is not empty and holds no demo",
                entry=str(out),
                remedy="choose another with --out",
            )
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / _MARK).write_text("made by molinteract demo; replaced by the next one\n", encoding="utf-8")
