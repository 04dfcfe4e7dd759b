"""Contact orbits by a second definition: two contacts are one if all distances between their labelled atoms agree.

Shares nothing with the group algebra under test but the crystal and the list of neighbours.
"""

import numpy as np


def fingerprint(crystal, table, row):
    """Distances between all atoms of both molecules, sorted by the labels of the two atoms in either order, then by length."""
    own, other = crystal.molecules[table.i[row]], crystal.molecules[table.j[row]]
    w, t = crystal.rotations[table.operation[row]], crystal.translations[table.operation[row]] + table.lattice[row]
    image = (other.positions @ np.linalg.inv(crystal.vectors) @ w.T.astype(float) + t) @ crystal.vectors
    distances = np.linalg.norm(own.positions[:, None] - image[None], axis=2)
    first = np.array([_code(crystal, table.i[row], label) for label in own.labels])[:, None]
    second = np.array([_code(crystal, table.j[row], label) for label in other.labels])[None]
    names = np.minimum(first, second) * 100_000 + np.maximum(first, second)
    order = np.lexsort((distances.ravel(), names.ravel()))
    return names.ravel()[order], distances.ravel()[order]


def _code(crystal, molecule, label):
    """Number of the first atom with this label of the molecule; an atom completed by symmetry has its original's label."""
    return int(molecule) * 10_000 + crystal.molecules[molecule].labels.index(label)


def orbits_by_distance(crystal, table, *, tolerance):
    """Number of the first contact that each contact equals."""
    known = []
    found = []
    for row in range(len(table)):
        names, distances = fingerprint(crystal, table, row)
        for number, (other_names, other_distances) in enumerate(known):
            if (
                len(names) == len(other_names)
                and (names == other_names).all()
                and np.abs(distances - other_distances).max() < tolerance
            ):
                found.append(number)
                break
        else:
            found.append(len(known))
            known.append((names, distances))
    return found
