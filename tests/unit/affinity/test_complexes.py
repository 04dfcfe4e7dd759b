"""Pockets and graphs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.oracles.made_up_complexes import glycines, pdb_line

from molinteract.affinity.complexes import make_complex
from molinteract.affinity.graphs import GraphSet, graph_of
from molinteract.affinity.ligand import Ligand
from molinteract.affinity.selection import split_ligand
from molinteract.affinity.settings import ComplexSettings
from molinteract.affinity.structure import parse_structure
from molinteract.core.errors import ComplexError


def ligand(positions, numbers=None):
    positions = np.asarray(positions, dtype=np.float64).reshape(-1, 3)
    numbers = np.full(len(positions), 6) if numbers is None else np.asarray(numbers)
    return Ligand("L", numbers.astype(np.int16), positions, tuple(f"C{k}" for k in range(len(positions))))


def protein(*extra, residues=6):
    return parse_structure("\n".join([*glycines(residues), *extra]), "pdb", where="x")


NEAR = [(0.0, 0.0, 3.5), (1.5, 0.0, 3.5), (3.0, 0.0, 3.5)]


def het(name, number, atoms):
    return [pdb_line(k, n, name, "B", number, p, e, record="HETATM") for k, (n, p, e) in enumerate(atoms)]


def blob(seed):
    """Random residues around a random ligand, no pair nearer than 1.2 Å."""
    rng = np.random.default_rng(seed)
    lattice = np.stack(np.meshgrid(*[np.arange(-3, 4)] * 3), -1).reshape(-1, 3) * 2.4
    points = rng.permutation(lattice)[: rng.integers(20, 120)] + rng.uniform(-0.6, 0.6, (1, 3))
    n_ligand = int(rng.integers(2, 10))
    points = points[np.argsort(np.linalg.norm(points - points[0], axis=1))] if seed % 2 else points
    lines = [
        pdb_line(k, rng.choice(["CA", "N"]), "GLY", "A", int(rng.integers(1, 30)), p, str(rng.choice(["C", "N", "H"])))
        for k, p in enumerate(points[n_ligand:])
    ]
    lines.sort(key=lambda line: int(line[22:26]))
    return parse_structure("\n".join(lines), "pdb", where="x"), ligand(points[:n_ligand].round(3))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([4.0, 6.0, 9.0]))
def test_pocket_and_edges_equal_a_search_over_all_pairs(seed, reach):
    structure, molecule = blob(seed)
    options = ComplexSettings(pocket=reach)
    heavy = structure.atomic_numbers > 1
    distance = np.linalg.norm(structure.positions[:, None] - molecule.positions[None], axis=2)
    if not heavy.any() or distance[heavy].min() > 4.0:
        with pytest.raises(ComplexError):
            make_complex(structure, molecule, id="x", settings=options)
        return
    found = make_complex(structure, molecule, id="x", settings=options)
    near = set(structure.residue_index[heavy & (distance.min(1) <= reach)].tolist())
    expected = np.array([heavy[k] and structure.residue_index[k] in near for k in range(len(structure))])
    assert np.array_equal(found.pocket_positions, structure.positions[expected])
    assert found.residues == tuple(structure.residues[k] for k in sorted(near))
    graph = graph_of(found, options)
    xyz, side = graph.positions, graph.molecule_index
    pairs = np.linalg.norm(xyz[:, None] - xyz[None], axis=2)
    inter = {
        (a, b) for a in range(len(xyz)) for b in range(a + 1, len(xyz)) if side[a] != side[b] and pairs[a, b] <= 4.0
    }
    intra = {
        (a, b) for a in range(len(xyz)) for b in range(a + 1, len(xyz)) if side[a] == side[b] and pairs[a, b] <= 2.0
    }
    assert set(map(tuple, graph.inter_edges.tolist())) == inter
    assert set(map(tuple, graph.intra_edges.tolist())) == intra
    assert len(graph.inter_edges) == len(inter)
    halves = [xyz[side == s].mean(0) for s in (0, 1)]
    assert np.abs(halves[0] + halves[1]).max() < 1e-9


def test_hydrogens_of_either_file_change_nothing_by_default():
    hydrogens = [pdb_line(90 + k, "H", "GLY", "A", 6, (3.8 * k, -1, 1), "H") for k in range(6)]
    bare = make_complex(protein(), ligand(NEAR), id="x")
    for structure in (protein(), protein(*hydrogens)):
        for molecule in (ligand(NEAR), ligand([*NEAR, (3.0, 0, 2.5)], [6, 6, 6, 1])):
            found = make_complex(structure, molecule, id="x")
            assert np.array_equal(found.pocket_positions, bare.pocket_positions)
            assert np.array_equal(found.ligand_positions, bare.ligand_positions)
    kept = make_complex(protein(*hydrogens), ligand(NEAR), id="x", settings=ComplexSettings(hydrogens="deposited"))
    assert (kept.pocket == 1).sum() == 6


def test_waters_are_dropped_or_kept_where_the_ligand_leaves_room():
    waters = het("HOH", 1, [("O", (1.0, 0, 4.5), "O")]) + het("HOH", 2, [("O", (0, 3.0, 4.0), "O")])
    assert make_complex(protein(*waters), ligand(NEAR), id="x").notes == {"waters_dropped": 2}
    kept = make_complex(protein(*waters), ligand(NEAR), id="x", settings=ComplexSettings(waters="keep"))
    assert kept.notes == {"waters_displaced": 1, "waters": 1}


def test_metals_and_cofactors_are_atoms_of_the_pocket():
    groups = het("ZN", 1, [("ZN", (0, 2.0, 4.5), "Zn")]) + het(
        "COF", 2, [("C1", (3, 0, 7), "C"), ("C2", (3, 0, 8.4), "C")]
    )
    found = make_complex(protein(*groups), ligand(NEAR), id="x")
    assert (found.notes, 30 in found.pocket, len(found.bonded)) == ({"ions": 1, "cofactors": 1}, True, 0)
    bare = make_complex(protein(*groups), ligand(NEAR), id="x", settings=ComplexSettings(ions="drop", cofactors="drop"))
    assert bare.notes == {"ions_dropped": 1, "groups_dropped": 1}


def test_covalent_ligand_is_marked_or_cut_or_refused():
    bonded = ligand([(0.0, 0.0, 1.6), (0, 0, 3.1), (0, 0, 4.6)])
    found = make_complex(protein(), bonded, id="x")
    assert found.notes == {"covalent_contacts": 1}
    marked, cut = (len(graph_of(found, ComplexSettings(covalent=c)).inter_edges) for c in ("mark", "cut"))
    assert marked - cut == 1
    with pytest.raises(ComplexError) as error:
        make_complex(protein(), bonded, id="x", settings=ComplexSettings(covalent="reject"))
    assert error.value.reason == "covalent"


def test_ligand_left_in_the_protein_file_is_taken_out():
    copy = het("LIG", 1, [(f"C{k}", p, "C") for k, p in enumerate(NEAR)])
    found = make_complex(protein(*copy), ligand(NEAR), id="x")
    assert found.notes == {"ligand_copies_removed": 1}
    assert np.array_equal(found.pocket_positions, make_complex(protein(), ligand(NEAR), id="x").pocket_positions)


@pytest.mark.parametrize(
    ("positions", "reason", "words"),
    [
        ([(0, 0, 80.0), (1.5, 0, 80)], "ligand_far", "smallest distance is 80.00 Å"),
        ([(0, 0, 0.4), (0, 0, 1.9)], "overlap", "N of GLY/A/1, at 0.40 Å"),
        ([(0, 0, 0.0), (0, 0, 1.5)], "overlap", "at 0.00 Å"),
        ([(0, 0, 3.5)], "ligand_too_small", "1 heavy atoms"),
    ],
)
def test_what_cannot_be_a_complex_is_refused_with_its_numbers(positions, reason, words):
    with pytest.raises(ComplexError, match=words) as error:
        make_complex(protein(), ligand(positions), id="x")
    assert error.value.reason == reason


def test_sizes_are_limited_by_name():
    with pytest.raises(ComplexError, match="raise max_ligand_atoms"):
        make_complex(protein(), ligand(NEAR), id="x", settings=ComplexSettings(max_ligand_atoms=2))
    with pytest.raises(ComplexError, match="raise max_pocket_atoms"):
        make_complex(protein(), ligand(NEAR), id="x", settings=ComplexSettings(max_pocket_atoms=3))


def test_incomplete_residues_are_counted():
    lines = [line for line in glycines(4) if " O  " not in line or " 2 " not in line[20:28]]
    found = make_complex(parse_structure("\n".join(lines), "pdb", where="x"), ligand(NEAR), id="x")
    assert found.notes == {"incomplete_residues": 1}


def test_two_chains_are_two_molecules():
    second = [line[:21] + "B" + line[22:46] + f"{3.5:8.3f}" + line[54:] for line in glycines(6)]
    structure = parse_structure("\n".join([*glycines(6), *second]), "pdb", where="x")
    found = make_complex(*split_ligand(structure, "*/B", where="x"), id="x")
    assert (len(found.pocket), len(found.ligand)) == (24, 24)


def test_graph_set_cuts_what_it_holds():
    graphs = [graph_of(make_complex(protein(residues=n), ligand(NEAR), id="x")) for n in (1, 2, 3)]
    first, second = graphs[2], graphs[0]
    chosen = GraphSet(graphs).cut(np.array([2, 0]))
    nodes, edges = len(first.positions), len(first.inter_edges)
    assert chosen.node_offsets.tolist() == [0, nodes, nodes + len(second.positions)]
    assert np.array_equal(chosen.inter_edges[:edges], first.inter_edges)
    assert np.array_equal(chosen.inter_edges[edges:] - nodes, second.inter_edges)
    assert np.array_equal(chosen.positions[nodes:], second.positions)
