"""Likeness of proteins and ligands, clusters, and the audit of a split."""

import csv

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from tests.oracles.made_up_complexes import chain_ligand, glycines, pdb_line

from molinteract.affinity.complexes import make_complex
from molinteract.affinity.items import ComplexItem, FilePair, LoadedSet
from molinteract.affinity.leaks import audit_leaks, write_leaks
from molinteract.affinity.ligand import Ligand
from molinteract.affinity.sequences import LETTERS, chain_sequences, cluster_sequences, likeness, shared_words
from molinteract.affinity.skeleton import bonds, fingerprint, tanimoto
from molinteract.affinity.structure import parse_structure
from molinteract.core.errors import ConfigError

RNG = np.random.default_rng(5)


def protein(n):
    return "".join(RNG.choice(list(LETTERS), n))


def mutated(text, share):
    letters = list(text)
    for k in RNG.choice(len(text), round(share * len(text)), replace=False):
        letters[k] = RNG.choice([c for c in LETTERS if c != letters[k]])
    return "".join(letters)


A, B = protein(150), protein(180)


def test_identity_of_a_sequence_with_itself_with_mutations_and_with_a_stranger():
    assert likeness(A, A).established == 1.0
    assert likeness(A, mutated(A, 0.3)).established == pytest.approx(0.7, abs=0.05)
    assert likeness(A, B).established < 0.4
    assert likeness(A, A[:20]).established == 0.0
    assert likeness(A, "").established == 0.0


def test_a_domain_counts_over_the_shorter_sequence():
    found = likeness(A, B[:90] + A + B[90:])
    assert (found.established, found.coverage) == (1.0, pytest.approx(1.0))


def test_shared_words_count_distinct_3_mers():
    assert shared_words(["ACDEF", "ACD"], ["ACDEF", "WYWY"]).tolist() == [[1.0, 0.0], [1.0, 0.0]]


def test_clusters_join_through_any_chain_and_the_largest_comes_first():
    chains = {"p": [A], "q": [B, mutated(A, 0.2)], "r": [mutated(B, 0.2)], "s": [protein(120)], "t": []}
    found = cluster_sequences(chains, identity=0.6)
    assert [found[name] for name in "pqr"] == ["c0"] * 3
    assert len({found[name] for name in "pst"}) == 3


def test_sequence_of_a_structure_by_chain():
    lines = [*glycines(2), pdb_line(90, "CA", "MSE", "B", 5, (9, 0, 0), "C")]
    lines.append(pdb_line(91, "O", "HOH", "B", 9, (9, 9, 9), "O"))
    lines.append(pdb_line(92, "CA", "TRP", "B", 6, (9, 3, 0), "C"))
    assert chain_sequences(parse_structure("\n".join(lines), "pdb", where="x")) == {"A": "GG", "B": "MW"}


def fingerprint_of(positions, symbols):
    numbers = np.array([{"C": 6, "N": 7, "O": 8, "H": 1}[s] for s in symbols])
    return fingerprint(numbers, np.asarray(positions))


def test_fingerprint_ignores_order_rotation_and_hydrogens():
    positions, symbols = chain_ligand(atoms="CCONCCO")
    expected = fingerprint_of(positions, symbols)
    order = RNG.permutation(7)
    turned = Rotation.random(rng=0).apply(positions) + 3.0
    assert np.array_equal(fingerprint_of(turned[order], [symbols[k] for k in order]), expected)
    with_hydrogen = np.concatenate([positions, [[0, 1.0, 3.5]]])
    assert np.array_equal(fingerprint_of(with_hydrogen, [*symbols, "H"]), expected)
    assert not np.array_equal(fingerprint_of(*chain_ligand(atoms="CCNOCCO")), expected)


def test_bonds_follow_the_radii_and_metals_have_none():
    xyz = np.array([[0, 0, 0], [1.5, 0, 0], [3.5, 0, 0], [3.5, 2.0, 0]])
    assert sorted(map(tuple, bonds(np.array([6, 6, 6, 30]), xyz).tolist())) == [(0, 1)]


def test_tanimoto_of_counts():
    a, b = np.array([[2, 1, 0]], dtype=np.int32), np.array([[1, 1, 1], [0, 0, 0], [2, 1, 0]], dtype=np.int32)
    assert tanimoto(a, b).tolist() == [[0.5, 0.0, 1.0]]
    assert tanimoto(np.zeros((1, 3), dtype=np.int32), b[1:2]).tolist() == [[0.0]]


def loaded(**rows):
    structure = parse_structure("\n".join(glycines(4)), "pdb", where="x")
    complexes = []
    for name, (_, atoms) in rows.items():
        positions, symbols = chain_ligand(atoms=atoms)
        numbers = np.array([{"C": 6, "N": 7, "O": 8}[s] for s in symbols], dtype=np.int16)
        complexes.append(make_complex(structure, Ligand(name, numbers, positions, tuple(symbols)), id=name))
    items = tuple(ComplexItem(name, FilePair("x")) for name in rows)
    return LoadedSet(items, tuple(complexes), tuple(chains for chains, _ in rows.values()), ())


def test_audit_finds_the_nearest_protein_and_the_nearest_ligand(tmp_path):
    train = loaded(t1=((A,), "CCO"), t2=((B,), "CCNN"))
    test = loaded(x=((mutated(A, 0.2), "GGGG"), "CCNN"), y=((), "CCO"))
    x, y = audit_leaks(train, test)
    assert (x.protein, x.ligand, x.similarity, x.bin) == ("t1", "t2", 1.0, "0.6-0.9")
    assert (y.protein, y.ligand, y.bin) == ("", "t1", "unknown")
    write_leaks(tmp_path / "leaks.csv", [x, y])
    with (tmp_path / "leaks.csv").open() as file:
        assert [row["bin"] for row in csv.DictReader(file)] == ["0.6-0.9", "unknown"]


def test_id_on_both_sides_is_refused():
    with pytest.raises(ConfigError, match="1 ids are on both sides: t1"):
        audit_leaks(loaded(t1=((A,), "CCO")), loaded(t1=((B,), "CCO")))
