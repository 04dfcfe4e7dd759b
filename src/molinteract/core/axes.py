"""Glossary of the named arrays: axes, type, unit and meaning, one row each.

Rendered as ``docs/glossary.md``; a test keeps the two equal.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ArrayName:
    """One row of the glossary."""

    name: str
    axes: str
    dtype: str
    unit: str
    meaning: str


GLOSSARY: tuple[ArrayName, ...] = (
    ArrayName("vectors", "(3, 3)", "float64", "Å", "cell vectors a, b, c as rows; Cartesian = fractional @ vectors"),
    ArrayName("rotations", "(operations, 3, 3)", "int8", "–", "W of each operation on fractional columns; row 0 is the identity"),
    ArrayName("translations", "(operations, 3)", "float64", "fractional", "w of each operation: x' = W x + w"),
    ArrayName(
        "positions", "(atoms, 3)", "float64 up to the store, float32 from batches on", "Å",
        "nuclei, Cartesian; molecules relative to the cell origin, patches relative to their centre",
    ),
    ArrayName("atomic_numbers", "(atoms,)", "int16", "–", "Z; deuterium is 1"),
    ArrayName("molecule_index", "(atoms,)", "int8", "–", "side of a patch: 0 = molecule i, 1 = molecule j"),
    ArrayName("atom_index", "(atoms,)", "int32", "–", "index of the atom in its whole molecule"),
    ArrayName("inter_edges", "(edges, 2)", "int32", "–", "intermolecular pairs, each once: columns (node of i, node of j)"),
    ArrayName("intra_edges", "(edges, 2)", "int32", "–", "intramolecular pairs, each once, first < second"),
    ArrayName(
        "edge_index", "(2, directed edges)", "int64", "–",
        "rows (receiver a, sender b); messages go b to a, both directions are present",
    ),
    ArrayName("edge_vectors", "(directed edges, 3)", "float32", "Å", "p_b − p_a, sender minus receiver (SPEC 2.1)"),
    ArrayName("patch_index", "(atoms,)", "int64", "–", "patch of each node in a batch"),
    ArrayName("node_features", "(atoms, 160)", "float32", "–", "irreps 32x0e + 16x1o + 16x1e + 32x0o in e3nn's layout"),
    ArrayName("node_vectors", "(atoms, 96)", "float32", "–", "orientation-free: 0e, |1o|, |1e|, |0o| (SPEC 2.3)"),
    ArrayName("patch_vectors", "(patches, 64)", "float32", "–", "z = [z_i, z_j] (Eq. 2)"),
)  # fmt: skip


def glossary_markdown() -> str:
    """Return the glossary as a Markdown table."""
    rows = ["| name | axes | type | unit | meaning |", "|---|---|---|---|---|"]
    rows += [f"| `{a.name}` | {a.axes} | {a.dtype} | {a.unit} | {a.meaning} |" for a in GLOSSARY]
    return "\n".join(rows) + "\n"
