"""``molinteract molecules``: what a crystal is made of, for other programs."""

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from molinteract.app.cli.output import Json, emit


def molecules(
    file: Annotated[str, Parameter(help="A file; FILE#BLOCK picks one block or row.")],
    /,
    *,
    what: Annotated[
        Literal["molecules", "dimers", "clusters"],
        Parameter(help="Independent molecules, one dimer a contact orbit, or molecules with all neighbours."),
    ] = "molecules",
    format_: Annotated[Literal["xyz", "sdf", "cif"], Parameter(name=["--format", "-f"], help="Format.")] = "xyz",
    out: Annotated[
        Path | None, Parameter(name=["--out", "-o"], help="Folder for one file each; without it all go to stdout.")
    ] = None,
    set_: Annotated[
        list[str] | None, Parameter(name="--set", negative="", help="One setting, such as policies.components=any.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Write molecules, dimers or clusters for Mercury, PyMOL or quantum chemistry.

    The CIF of molecules is the crystal with each independent molecule whole; dimers and clusters in CIF stand alone in a
    P 1 box. SDF has Kekulé bond orders and charges. An entry that would be rejected is named, and the exit code is 1.

    Example: molinteract molecules paracetamol.cif --what dimers -f xyz -o dimers/
    """
    from molinteract.core.settings import BuildSettings
    from molinteract.crystals.rejected import Rejected
    from molinteract.sources.single import read_structures
    from molinteract.store.export import export, write_files
    from molinteract.store.process import process

    settings = BuildSettings.load(None, set_ or [])
    files: list[tuple[str, str]] = []
    rejected = 0
    for raw in read_structures(file):
        result = raw if isinstance(raw, Rejected) else process(raw, settings)
        if isinstance(result, Rejected):
            rejected += 1
            print(f"{result.entry}: rejected, {result.reason}: {result.detail}", file=sys.stderr)
        else:
            files += export(result, what=what, format=format_)
    if out is None:
        emit(dict(files), "".join(text for _, text in files).rstrip("\n"), as_json=as_json)
    else:
        paths = [str(path) for path in write_files(files, out)]
        emit({"files": paths, "rejected": rejected}, "\n".join(paths), as_json=as_json)
    return 1 if rejected else 0
