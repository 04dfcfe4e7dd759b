"""``molinteract benchmark-representation``: frozen vectors against their baselines."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from molinteract.app.cli.output import Json, Quiet, emit


def benchmark_representation(
    model: Annotated[str, Parameter(help="RUN, a folder of weights, or a name such as small.")],
    /,
    *,
    store: Annotated[Path | None, Parameter(help="Store: kinds of contact and bonds are asked of it.")] = None,
    dimers: Annotated[Path | None, Parameter(help="Parquet table of dimers with energies.")] = None,
    rival: Annotated[list[str] | None, Parameter(help="Another network, NAME=NETWORK; more than once.")] = None,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"], help="JSON file of every figure.")] = None,
    features: Annotated[
        Literal["readout", "layers"], Parameter(help="Vectors: z and last nodes, or the scalars of every layer.")
    ] = "readout",
    patches: Annotated[int, Parameter(help="Patches of the store to ask, about.")] = 6000,
    seeds: Annotated[int, Parameter(help="Repeats.")] = 5,
    soap: Annotated[bool, Parameter(help="SOAP vectors of DScribe as a baseline too.")] = True,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Compare frozen vectors with an untrained network, composition and SOAP; paired intervals, few-shot curves.

    Example: molinteract benchmark-representation RUN/best --store DB --dimers dimers.parquet -o scores.json
    """
    import json

    from molinteract.app.reports.tables import evidence_table
    from molinteract.core.errors import ConfigError
    from molinteract.evidence.dimers import read_dimers
    from molinteract.evidence.representation import benchmark_representation as benchmark
    from molinteract.network.saved import open_network
    from molinteract.store.dataset import open_dataset

    if store is None and dimers is None:
        raise ConfigError("nothing to ask", remedy="give --store, --dimers or both")
    named = [text.partition("=") for text in rival or []]
    scores = benchmark(
        open_network(model),
        dataset=open_dataset(store) if store else None,
        dimers=read_dimers(dimers) if dimers else None,
        rivals={name: open_network(path) for name, _, path in named},
        patches=patches,
        seeds=seeds,
        soap=soap,
        kind=features,
        stage=None if quiet else lambda text: print(f"{text} …", file=sys.stderr, flush=True),
    )
    facts = {"features": features, "scores": [asdict(score) | {"verdict": score.verdict} for score in scores]}
    if out is not None:
        out.write_text(json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8")
    emit(facts, evidence_table(scores).text(), as_json=as_json)
    return 0
