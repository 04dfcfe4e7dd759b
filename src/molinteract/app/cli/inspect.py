"""``molinteract inspect``: one crystal in words."""

from dataclasses import asdict
from typing import Annotated, Any

from cyclopts import Parameter

from molinteract.app.cli.output import Json, emit


def inspect(
    file: Annotated[str, Parameter(help="A file; FILE#BLOCK picks one block or row.")],
    /,
    *,
    why: Annotated[
        bool, Parameter(negative="", help="Each check with its numbers instead: why kept or rejected.")
    ] = False,
    all_: Annotated[bool, Parameter(name="--all", negative="", help="Every neighbour, not one an orbit.")] = False,
    set_: Annotated[
        list[str] | None, Parameter(name="--set", negative="", help="One setting, such as policies.components=any.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Show a crystal: cell, space group, Z′, molecules, and each contact with symmetry, distance and kind.

    An entry that would be rejected is shown with its reason, and the exit code is 1.

    Example: molinteract inspect paracetamol.cif --why
    """
    from molinteract.app.reports.crystal_text import crystal_dict, crystal_text
    from molinteract.core.reasons import MEANING
    from molinteract.core.settings import BuildSettings
    from molinteract.crystals.rejected import Rejected
    from molinteract.sources.single import read_structures
    from molinteract.store.explain import explain
    from molinteract.store.process import process

    settings = BuildSettings.load(None, set_ or [])
    facts: list[dict[str, Any]] = []
    texts: list[str] = []
    rejected = 0
    for raw in read_structures(file):
        if why:
            explanation = explain(raw, settings)
            rejected += explanation.reason is not None
            texts.append(explanation.text())
            facts.append(asdict(explanation))
            continue
        result = raw if isinstance(raw, Rejected) else process(raw, settings)
        if isinstance(result, Rejected):
            rejected += 1
            texts.append(
                f"{result.entry}\n  rejected     {result.reason}: {result.detail}\n               ({MEANING[result.reason]})"
            )
            facts.append({"entry": result.entry, "reason": result.reason.value, "detail": result.detail})
        else:
            texts.append(crystal_text(result, every=all_))
            facts.append(crystal_dict(result, every=all_))
    emit({"entries": facts}, "\n\n".join(texts), as_json=as_json)
    return 1 if rejected else 0
