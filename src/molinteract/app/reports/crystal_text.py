"""One crystal in words: cell, molecules, and each contact as a crystallographer would list it."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molinteract.app.reports.plain_table import make_table
from molinteract.chemistry.flags import ACCEPTOR, DONOR
from molinteract.core.geometry import cell_volume
from molinteract.crystals.operations import operation_text
from molinteract.patches.patch import Interaction
from molinteract.store.export import image_positions
from molinteract.store.process import ProcessedEntry


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact orbit, or one neighbour.

    Attributes
    ----------
    molecule, neighbour : int
        Independent molecules, counted from 1.
    symmetry : str
        Operation that makes the neighbour from its original, lattice vector included.
    multiplicity : int
        Neighbours of the molecule in this orbit.
    shortest : str
        Labels of the nearest atoms.
    distance : float
        Between them, Å.
    centroids : float
        Distance of the two mean positions, Å.
    edges : int
        Intermolecular pairs up to d_inter inside the cut.
    label : str
        Kind of contact.
    hydrogen_bond : str
        Best D–H···A of the contact with H···A and D···A distances in Å and the angle in degrees, empty where none.
    """

    molecule: int
    neighbour: int
    symmetry: str
    multiplicity: int
    shortest: str
    distance: float
    centroids: float
    edges: int
    label: str
    hydrogen_bond: str


HYDROGEN_BOND_REACH = 2.8
"""H···A beyond this many Å, or D–H···A below ``HYDROGEN_BOND_ANGLE``, is not listed as a hydrogen bond."""
HYDROGEN_BOND_ANGLE = 110.0


def contacts(entry: ProcessedEntry, *, every: bool = False) -> list[Contact]:
    """List the contacts of a crystal, nearest first; one for each orbit, or every neighbour.

    Parameters
    ----------
    entry : ProcessedEntry
    every : bool
        All ordered pairs instead of one for each contact orbit.
    """
    table = entry.patches
    seen: set[int] = set()
    found = []
    for k in range(len(table)):
        if every or int(table.orbit[k]) not in seen:
            seen.add(int(table.orbit[k]))
            found.append(_contact(entry, k))
    return sorted(found, key=lambda contact: (contact.molecule, contact.distance))


def _contact(entry: ProcessedEntry, k: int) -> Contact:
    crystal, table = entry.crystal, entry.patches
    i, j, operation = int(table.i[k]), int(table.j[k]), int(table.operation[k])
    own = crystal.molecules[i].positions
    other = image_positions(crystal, j, operation, table.lattice[k])
    distances = np.linalg.norm(own[:, None] - other[None], axis=2)
    a, b = np.unravel_index(int(distances.argmin()), distances.shape)
    text = operation_text(crystal.rotations[operation], crystal.translations[operation] + table.lattice[k])
    return Contact(
        molecule=i + 1,
        neighbour=j + 1,
        symmetry=text,
        multiplicity=int(table.multiplicity[k]),
        shortest=f"{crystal.molecules[i].labels[a]}···{crystal.molecules[j].labels[b]}",
        distance=round(float(distances[a, b]), 4),
        centroids=round(float(np.linalg.norm(own.mean(0) - other.mean(0))), 4),
        edges=int(table.n_inter[k]),
        label=Interaction(int(table.label[k])).name.lower().replace("_", " "),
        hydrogen_bond=_hydrogen_bond(entry, i, j, own, other),
    )


def _hydrogen_bond(entry: ProcessedEntry, i: int, j: int, own: NDArray[np.float64], other: NDArray[np.float64]) -> str:
    """Return the shortest D–H···A between the two molecules, in words."""
    best: tuple[float, str] | None = None
    for giver, taker, x, y in ((i, j, own, other), (j, i, other, own)):
        found = _best_from(entry, giver, taker, x, y)
        if found is not None and (best is None or found[0] < best[0]):
            best = found
    return best[1] if best else ""


def _best_from(
    entry: ProcessedEntry, giver: int, taker: int, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[float, str] | None:
    donor, acceptor = entry.crystal.molecules[giver], entry.crystal.molecules[taker]
    acceptors = np.flatnonzero(entry.flags[taker] & ACCEPTOR)
    best: tuple[float, str] | None = None
    for a, b in donor.bonds.tolist():
        for d, h in ((a, b), (b, a)):
            if donor.atomic_numbers[h] != 1 or not entry.flags[giver][d] & DONOR:
                continue
            for t in acceptors.tolist():
                reach = float(np.linalg.norm(x[h] - y[t]))
                angle = _angle(x[d], x[h], y[t])
                if reach <= HYDROGEN_BOND_REACH and angle >= HYDROGEN_BOND_ANGLE and (not best or reach < best[0]):
                    heavy = float(np.linalg.norm(x[d] - y[t]))
                    names = f"{donor.labels[d]}–{donor.labels[h]}···{acceptor.labels[t]}"
                    best = reach, f"{names} {reach:.2f} Å, D···A {heavy:.2f} Å, {angle:.0f}°"
    return best


def _angle(d: NDArray[np.float64], h: NDArray[np.float64], a: NDArray[np.float64]) -> float:
    u, v = d - h, a - h
    cosine = float(u @ v / (np.linalg.norm(u) * np.linalg.norm(v)))
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def crystal_dict(entry: ProcessedEntry, *, every: bool = False) -> dict[str, Any]:
    """Return everything ``crystal_text`` says as plain values."""
    crystal = entry.crystal
    return {
        "entry": crystal.entry,
        "cell": crystal.cell.tolist(),
        "volume": cell_volume(crystal.vectors),
        "space_group": crystal.space_group,
        "operations": len(crystal.rotations),
        "z": crystal.molecules_in_cell,
        "z_prime": crystal.z_prime,
        "density": crystal.density,
        "flags": list(crystal.flags),
        "molecules": [
            {
                "formula": molecule.formula,
                "smiles": perception.smiles,
                "status": perception.status,
                "atoms": len(molecule.labels),
                "site_symmetry_order": len(molecule.stabiliser),
                "in_cell": len(molecule.images),
            }
            for molecule, perception in zip(crystal.molecules, entry.perceptions, strict=True)
        ],
        "contacts": [asdict(contact) for contact in contacts(entry, every=every)],
        "neighbours": len(entry.patches),
        "empty_patches": entry.patches.n_empty,
    }


def crystal_text(entry: ProcessedEntry, *, every: bool = False) -> str:
    """Return one crystal in words."""
    facts = crystal_dict(entry, every=every)
    a, b, c, alpha, beta, gamma = facts["cell"]
    lines = [
        facts["entry"],
        f"  cell         a {a:.4f}  b {b:.4f}  c {c:.4f} Å   α {alpha:.2f}  β {beta:.2f}  γ {gamma:.2f}°   "
        f"V {facts['volume']:.1f} Å³",
        f"  space group  {facts['space_group'] or '(not named)'}, {facts['operations']} operations;  "
        f"Z {facts['z']}, Z′ {facts['z_prime']:.3g};  density {facts['density']:.3f} g/cm³",
    ]
    for number, molecule in enumerate(facts["molecules"], start=1):
        site = f", on a special position of order {molecule['site_symmetry_order']}"
        lines.append(
            f"  molecule {number}   {molecule['formula']}, {molecule['atoms']} atoms, {molecule['in_cell']} in the cell"
            f"{site if molecule['site_symmetry_order'] > 1 else ''};  {molecule['smiles'] or molecule['status']}"
        )
    lines += [f"  note         {flag}" for flag in facts["flags"]]
    lines += ["", *_contact_lines(entry, every)]
    return "\n".join(lines)


def _contact_lines(entry: ProcessedEntry, every: bool) -> list[str]:
    found = contacts(entry, every=every)
    if not found:
        return ["  no neighbour within reach"]
    several = len(entry.crystal.molecules) > 1
    rows = []
    for contact in found:
        pair = (f"{contact.molecule}–{contact.neighbour}",) if several else ()
        rows.append(
            (
                *pair, contact.symmetry, contact.multiplicity, f"{contact.distance:.2f}", contact.shortest,
                f"{contact.centroids:.2f}", contact.edges, contact.label, contact.hydrogen_bond,
            )
        )  # fmt: skip
    heading = (
        *(("molecules",) if several else ()), "neighbour", "times", "shortest/Å", "between", "centroids/Å", "pairs",
        "kind", "hydrogen bond",
    )  # fmt: skip
    orbits = len({int(orbit) for orbit in entry.patches.orbit})
    title = f"  {len(entry.patches)} neighbours in {orbits} contact orbits"
    return [title, *(f"  {line}" for line in make_table(heading, rows).text().splitlines())]
