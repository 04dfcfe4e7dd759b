"""``molinteract embed``: vectors of a store's patches and atoms."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from molinteract.app.cli.output import Json, Quiet, emit, progress_bar


def embed(
    store: Annotated[Path, Parameter(help="Folder of a store.")],
    /,
    *,
    model: Annotated[str, Parameter(name=["--model", "-m"], help="RUN, a folder of weights, or a name such as small.")],
    out: Annotated[Path, Parameter(name=["--out", "-o"], help="Folder of the vectors.")],
    split: Annotated[str | None, Parameter(help="train, validation or test; all by default.")] = None,
    unique: Annotated[bool, Parameter(negative="", help="One patch for each contact orbit.")] = False,
    per_compound: Annotated[int | None, Parameter(help="Entries of one compound, at most.")] = None,
    nodes: Annotated[int, Parameter(help="Atoms to keep vectors of, about.")] = 20_000,
    copies: Annotated[int, Parameter(help="How often each patch is embedded, each time displaced anew.")] = 1,
    displacement: Annotated[float, Parameter(help="σ of a random displacement of every atom, Å.")] = 0.0,
    features: Annotated[
        Literal["readout", "layers"], Parameter(help="Vectors: z and last nodes, or the scalars of every layer.")
    ] = "readout",
    batch_size: Annotated[int, Parameter(help="Patches at a time.")] = 128,
    seed: Annotated[int, Parameter(help="Of the sample of atoms and of the untrained network.")] = 0,
    device: Annotated[str, Parameter(help="cpu or cuda.")] = "cpu",
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Write patch and node vectors, and those of the same network untrained, as .npy files with parquet tables.

    Example: molinteract embed DB -m RUN/best -o VECTORS
    """
    from molinteract.embeddings.embed import EmbedSettings, embed
    from molinteract.embeddings.suited import check_hydrogens
    from molinteract.network.files import read_description
    from molinteract.network.saved import load_network, network_folder
    from molinteract.store.dataset import open_dataset

    dataset = open_dataset(store)
    rows = dataset.rows(split, unique=unique, per_compound=per_compound)
    folder = network_folder(model)
    check_hydrogens(read_description(folder)["card"], dataset)
    network = load_network(folder)
    settings = EmbedSettings(
        nodes=nodes,
        batch_size=batch_size,
        seed=seed,
        device=device,
        copies=copies,
        displacement=displacement,
        features=features,
    )
    with progress_bar("embedding", unit="patches", quiet=quiet) as bar:
        table = embed(network, dataset, rows, out, settings=settings, progress=bar)
    text = f"{table.meta['patches']:,} patch vectors and {table.meta['nodes']:,} node vectors in {out}"
    emit(table.meta, text, as_json=as_json)
    return 0
