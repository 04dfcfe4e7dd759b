"""The graph hash: equal for every order of the atoms, different for different molecules."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molinteract.crystals.graph import graph_hash

CARBON, HYDROGEN, OXYGEN = 6, 1, 8


def hashed(numbers, bonds):
    return graph_hash(np.array(numbers, dtype=np.int16), np.array(bonds, dtype=np.int32).reshape(-1, 2))


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 14))
    numbers = draw(st.lists(st.sampled_from([1, 6, 7, 8]), min_size=count, max_size=count))
    pairs = [(a, b) for a in range(count) for b in range(a + 1, count)]
    return numbers, draw(st.lists(st.sampled_from(pairs), unique=True, max_size=20)) if pairs else []


@settings(max_examples=150, deadline=None)
@given(graph=graphs(), seed=st.integers(0, 10_000))
def test_the_order_of_atoms_and_bonds_does_not_matter(graph, seed):
    numbers, bonds = graph
    rng = np.random.default_rng(seed)
    place = rng.permutation(len(numbers))
    moved = [0] * len(numbers)
    for old, new in enumerate(place):
        moved[new] = numbers[old]
    renamed = [(int(place[b]), int(place[a])) for a, b in bonds]
    rng.shuffle(renamed)
    assert hashed(moved, renamed) == hashed(numbers, bonds)


@settings(max_examples=100, deadline=None)
@given(one=graphs(), other=graphs())
def test_isomorphic_graphs_and_only_refinable_ones_agree(one, other):
    def networkx_graph(graph):
        result = nx.Graph()
        result.add_nodes_from((k, {"z": str(z)}) for k, z in enumerate(graph[0]))
        result.add_edges_from(graph[1])
        return result

    a, b = networkx_graph(one), networkx_graph(other)
    if nx.is_isomorphic(a, b, node_match=lambda x, y: x == y):
        assert hashed(*one) == hashed(*other)
    elif nx.weisfeiler_lehman_graph_hash(a, node_attr="z", iterations=14) != nx.weisfeiler_lehman_graph_hash(
        b, node_attr="z", iterations=14
    ):
        assert hashed(*one) != hashed(*other)


def chain(numbers):
    return numbers, [(k, k + 1) for k in range(len(numbers) - 1)]


def test_one_element_one_bond_or_one_atom_changes_the_hash():
    base = hashed(*chain([6, 6, 8, 1]))
    assert hashed(*chain([6, 6, 7, 1])) != base
    assert hashed([6, 6, 8, 1], [(0, 1), (1, 2)]) != base
    assert hashed(*chain([6, 6, 8, 1, 1])) != base
    assert hashed(*chain([6, 8, 6, 1])) != base


def test_long_chains_that_differ_far_from_their_ends_differ():
    one = [6] * 40
    two = list(one)
    one[19], two[21] = 7, 7
    one[5], two[5] = 8, 8
    assert hashed(*chain(one)) != hashed(*chain(two))


def test_chain_lengths_differ():
    hashes = {hashed(*chain([6] * n)) for n in range(1, 30)}
    assert len(hashes) == 29


@pytest.mark.parametrize(("numbers", "bonds"), [([6], []), ([8, 8], [])])
def test_graphs_without_bonds_have_a_hash(numbers, bonds):
    assert len(hashed(numbers, bonds)) == 12
