"""Repeats of one crystal are found by compound and lattice."""

import numpy as np
from tests.strategies import pack

from molinteract.core.settings import BuildSettings
from molinteract.crystals.lattice import voronoi_lengths
from molinteract.store.duplicates import near_duplicates
from molinteract.store.process import ProcessedEntry, process


def processed(small):
    entry = process(small.raw(), BuildSettings())
    assert isinstance(entry, ProcessedEntry)
    return entry.crystal


def marked(crystals, **options):
    lengths = [voronoi_lengths(c.vectors, c.rotations, c.translations) for c in crystals]
    return near_duplicates(
        np.array([c.compound for c in crystals], dtype=object), np.array(lengths), **options
    ).tolist()


def test_a_crystal_and_its_expanded_cell_are_one():
    small = pack("urea", "P 1 21/c 1", seed=1)
    other = pack("urea", "P -1", seed=2)
    assert marked([processed(small), processed(other), processed(small.expanded())]) == [0, 1, 0]


def test_another_compound_in_the_same_lattice_is_no_repeat():
    compounds = np.array(["a", "b", "a"], dtype=object)
    assert near_duplicates(compounds, np.ones((3, 7))).tolist() == [0, 1, 0]


def test_lattices_within_the_tolerance_are_one():
    lengths = np.array([[5.0] * 7, [5.05] * 7, [5.2] * 7])
    compounds = np.array(["a"] * 3, dtype=object)
    assert near_duplicates(compounds, lengths).tolist() == [0, 0, 2]
    assert near_duplicates(compounds, lengths, tolerance=0.05).tolist() == [0, 0, 0]


def test_nothing_gives_nothing():
    assert near_duplicates(np.zeros(0, dtype=object), np.zeros((0, 7))).tolist() == []
