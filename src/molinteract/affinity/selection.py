"""A ligand inside a structure file, chosen by name, chain and number."""

import numpy as np
from numpy.typing import NDArray

from molinteract.affinity.ligand import Ligand
from molinteract.affinity.structure import Residue, ResidueKind, Structure
from molinteract.core.errors import ComplexError
from molinteract.core.reasons import ComplexReason


def split_ligand(structure: Structure, selection: str | None = None, *, where: str) -> tuple[Structure, Ligand]:
    """Take the ligand out of a structure.

    Parameters
    ----------
    structure : Structure
    selection : str, optional
        ``NAME/CHAIN/NUMBER``; a part may be ``*`` and later parts may be left out (``PRL``, ``PRL/L``, ``*/B``). Several,
        joined by commas, make one ligand of several residues. ``*/B`` takes a whole chain: two proteins are then the
        two molecules. Without a selection the file must hold one group that is neither polymer, water nor ion.

    Returns
    -------
    structure : Structure
        All else.
    ligand : Ligand

    Raises
    ------
    ComplexError
        ``ligand_missing``, or ``ligand_ambiguous`` with the list of copies.
    """
    candidates = [k for k, residue in enumerate(structure.residues) if residue.kind is ResidueKind.GROUP]
    if selection is None:
        chosen = candidates
        whole_chain = False
    else:
        parts = [part.strip() for part in selection.split(",")]
        chosen = [k for k, r in enumerate(structure.residues) if any(_matches(r, part) for part in parts)]
        whole_chain = any(part.startswith("*/") for part in parts) or len(parts) > 1
    listed = ", ".join(str(structure.residues[k]) for k in (chosen or candidates)[:20]) or "none"
    if not chosen:
        raise ComplexError(
            ComplexReason.LIGAND_MISSING,
            f"no ligand {selection or 'group'} in the file (groups: {listed})",
            entry=where,
        )
    if len(chosen) > 1 and not whole_chain:
        raise ComplexError(
            ComplexReason.LIGAND_AMBIGUOUS, f"{len(chosen)} groups where one ligand is needed ({listed})", entry=where,
            remedy="choose one as NAME/CHAIN/NUMBER",
        )  # fmt: skip
    mask = np.isin(structure.residue_index, np.array(chosen))
    return structure.take(~mask), _as_ligand(structure, mask, "+".join(str(structure.residues[k]) for k in chosen[:3]))


def _matches(residue: Residue, selection: str) -> bool:
    wanted = [*selection.split("/"), "*", "*"][:3]
    found = (residue.name, residue.chain, f"{residue.number}{residue.insertion}")
    if residue.kind is ResidueKind.WATER and wanted[0] == "*":
        return False
    return all(w in ("*", f) for w, f in zip(wanted, found, strict=True))


def _as_ligand(structure: Structure, mask: NDArray[np.bool_], name: str) -> Ligand:
    names = tuple(str(n) for n in structure.atom_names[mask])
    return Ligand(name, structure.atomic_numbers[mask], structure.positions[mask], names)
