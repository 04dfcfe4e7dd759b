"""Counts of contacts, and what is held around a pocket for them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.oracles.made_up_complexes import chain_ligand, glycines

from molinteract.affinity.complexes import CONTACT, make_complex
from molinteract.affinity.contacts import contact_counts, contact_pairs, count_pairs
from molinteract.affinity.graphs import graph_of
from molinteract.affinity.ligand import Ligand
from molinteract.affinity.settings import ComplexSettings
from molinteract.affinity.structure import parse_structure

PROTEIN = parse_structure("\n".join(glycines(10)), "pdb", where="x")
POSITIONS, SYMBOLS = chain_ligand((0.0, 0.0, 3.5), "CCO")
LIGAND = Ligand("x", np.array([6, 6, 8], dtype=np.int16), POSITIONS, tuple(SYMBOLS))


def cut(pocket):
    return make_complex(PROTEIN, LIGAND, id="x", settings=ComplexSettings(pocket=pocket))


def atoms(complex_, *, around):
    """Every atom with its residue's name, in order."""
    parts = [(complex_.pocket, complex_.pocket_positions, complex_.residue_index, complex_.residues)]
    if around:
        a = complex_.around
        parts.append((a.atomic_numbers, a.positions, a.residue_index, a.residues))
    return sorted(
        (str(residues[k]), int(z), *position.tolist())
        for numbers, positions, index, residues in parts
        for z, position, k in zip(numbers, positions, index, strict=True)
    )


@given(st.floats(3.6, 10.0))
def test_pocket_and_what_is_around_it_are_the_pocket_of_10_angstrom_atom_by_atom(pocket):
    wide, narrow = cut(CONTACT), cut(pocket)
    assert len(wide.around.residues) == 0
    assert atoms(narrow, around=True) == atoms(wide, around=False)
    assert np.array_equal(contact_counts([narrow]), contact_counts([wide]))


def test_wider_pocket_has_nothing_around_it_and_the_same_counts():
    wider = cut(14.0)
    assert len(wider.pocket) > len(cut(CONTACT).pocket)
    assert len(wider.around.positions) == 0
    assert np.array_equal(contact_counts([wider]), contact_counts([cut(6.0)]))


def test_what_is_around_the_pocket_is_no_part_of_the_graph():
    complex_ = cut(6.0)
    assert len(complex_.around.residues) > 0
    graph = graph_of(complex_)
    assert len(graph.positions) == len(complex_.pocket) + len(complex_.ligand)


def test_pairs_taken_away_are_not_counted():
    complex_ = cut(6.0)
    pairs = contact_pairs(complex_)
    parts = [count_pairs(complex_, pairs[pairs[:, 1] == atom]) for atom in range(3)]
    assert np.array_equal(sum(parts), contact_counts([complex_])[0])
    assert count_pairs(complex_, pairs[:0]).sum() == 0


@pytest.mark.parametrize("element", [1, 26, 118])
def test_elements_that_are_not_listed_are_passed_over(element):
    complex_ = cut(6.0)
    odd = replace(complex_, ligand=np.array([6, element, 8], dtype=np.int16))
    assert contact_counts([odd]).sum() == (contact_pairs(complex_)[:, 1] != 1).sum()


def test_no_complexes_give_no_rows():
    assert contact_counts([]).shape == (0, 36)
