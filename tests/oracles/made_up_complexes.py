"""Small made-up proteins and ligands as text, for tests of the affinity half."""

from collections.abc import Sequence

import numpy as np

GLYCINE = (
    ("N", "N", (0.0, 0.0, 0.0)),
    ("C", "CA", (1.46, 0.0, 0.0)),
    ("C", "C", (2.0, 1.42, 0.0)),
    ("O", "O", (1.3, 2.4, 0.0)),
)
"""Element, name and position of a glycine's heavy atoms."""


def pdb_line(
    serial: int, name: str, residue: str, chain: str, number: int, position: Sequence[float], element: str, *,
    altloc: str = " ", insertion: str = " ", occupancy: float = 1.0, record: str = "ATOM",
) -> str:  # fmt: skip
    x, y, z = position
    return (
        f"{record:<6}{serial:>5} {name:<4}{altloc}{residue:>3} {chain}{number:>4}{insertion}   "
        f"{x:8.3f}{y:8.3f}{z:8.3f}{occupancy:6.2f}{10.0:6.2f}          {element:>2}"
    )


def glycines(count: int, *, chain: str = "A", spacing: float = 3.8, shifts=None) -> list[str]:
    """Lines of a row of glycines along x; ``shifts`` (4 count, 3) are added to the positions."""
    lines = []
    for k in range(count):
        for element, name, (x, y, z) in GLYCINE:
            position = np.array([x + spacing * k, y, z]) + (0.0 if shifts is None else shifts[len(lines)])
            lines.append(pdb_line(len(lines) + 1, name, "GLY", chain, k + 1, position, element))
    return lines


def sdf(positions, symbols, *, title: str = "ligand") -> str:
    """An SDF record with a chain of single bonds."""
    n = len(symbols)
    lines = [title, "", "", f"{n:>3}{n - 1:>3}  0  0  0  0            999 V2000"]
    lines += [f"{x:10.4f}{y:10.4f}{z:10.4f} {s:<3} 0  0" for (x, y, z), s in zip(positions, symbols, strict=True)]
    lines += [f"{k + 1:>3}{k + 2:>3}  1  0" for k in range(n - 1)]
    return "\n".join([*lines, "M  END", "$$$$", ""])


def chain_ligand(start=(0.0, 0.0, 3.5), atoms: str = "CCO"):
    """Positions and symbols of a straight chain with bonds of 1.5 Å along x."""
    positions = np.array(start) + np.array([[1.5 * k, 0.0, 0.0] for k in range(len(atoms))])
    return positions, list(atoms)


def write_pair(
    folder, name: str = "1abc", *, residues: int = 4, start=(0.0, 0.0, 3.5), atoms: str = "CCO", jitter: float = 0.0
):
    """Write NAME_pocket.pdb and NAME_ligand.sdf; return both paths.

    Without ``jitter`` (Å) all is planar or straight; with it nothing is, as in a real molecule.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(sum(map(ord, name)))
    protein, ligand = folder / f"{name}_pocket.pdb", folder / f"{name}_ligand.sdf"
    shifts = rng.normal(0, jitter, (4 * residues, 3))
    protein.write_text("\n".join([*glycines(residues, shifts=shifts), "END", ""]))
    positions, symbols = chain_ligand(start, atoms)
    ligand.write_text(sdf(positions + rng.normal(0, jitter, positions.shape), symbols, title=name))
    return protein, ligand


def write_set(folder, values, *, residues: int):
    """Write pairs c0, c1, … and set.csv with their values and the clusters t0 to t5; return its path."""
    rows = ["id,protein,ligand,value,cluster"]
    for k, value in enumerate(values):
        write_pair(folder, f"c{k}", residues=residues, atoms="CNO"[k % 3] * (3 + k % 4), jitter=0.2)
        rows.append(f"c{k},c{k}_pocket.pdb,c{k}_ligand.sdf,{value},t{k % 6}")
    (folder / "set.csv").write_text("\n".join(rows) + "\n")
    return folder / "set.csv"
