"""Controls: what they know, and what they must not."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from tests.oracles.made_up_complexes import glycines

from molinteract.affinity import forest
from molinteract.affinity.complexes import make_complex
from molinteract.affinity.contacts import LIGAND_ELEMENTS, POCKET_ELEMENTS, contact_counts
from molinteract.affinity.controls import CONTROLS, cross_validated, fit_predict
from molinteract.affinity.ligand import Ligand
from molinteract.affinity.settings import ComplexSettings
from molinteract.affinity.structure import parse_structure

NAMES = {control.name: control for control in CONTROLS}


def made_up(seed, n):
    rng = np.random.default_rng(seed)
    structure = parse_structure("\n".join(glycines(8)), "pdb", where="x")
    found = []
    for k in range(n):
        size = int(rng.integers(3, 12))
        positions = np.array([[1.5 * a, 0.0, 3.6 + 0.1 * (k % 3)] for a in range(size)])
        numbers = rng.choice([6, 7, 8, 17], size).astype(np.int16)
        ligand = Ligand(str(k), numbers, positions, tuple("X" * size))
        found.append(make_complex(structure, ligand, id=str(k), settings=ComplexSettings(pocket=10.0)))
    return found


def test_contact_counts_equal_a_loop_over_all_pairs():
    (c,) = made_up(0, 1)
    (found,) = contact_counts([c])
    expected = [
        sum(
            np.linalg.norm(p - q) <= 10.0
            for z, p in zip(c.pocket, c.pocket_positions, strict=True)
            for y, q in zip(c.ligand, c.ligand_positions, strict=True)
            if z == a and y == b
        )
        for a in POCKET_ELEMENTS
        for b in LIGAND_ELEMENTS
    ]
    assert found.tolist() == expected
    assert found.sum() > 0


def test_linear_control_finds_a_line_and_mean_ignores_features():
    x = np.arange(10.0)[:, None]
    y = 3.0 + 0.5 * x[:, 0]
    assert fit_predict("linear", x, y, np.array([[20.0]])) == pytest.approx([13.0])
    assert fit_predict("mean", x, y, np.zeros((2, 1))) == pytest.approx([y.mean()] * 2)
    assert fit_predict("neighbour", np.eye(3), np.array([1.0, 2.0, 3.0]), np.array([[0, 1, 0]])) == pytest.approx([2.0])


@pytest.mark.parametrize("control", CONTROLS, ids=lambda c: c.name)
def test_predictions_are_out_of_fold(control, monkeypatch):
    monkeypatch.setattr(forest, "TREES", 5)
    complexes = made_up(1, 30)
    values = np.array([float(len(c.ligand)) for c in complexes])
    folds = np.arange(30) % 3
    predicted = cross_validated(control, complexes, values, folds)
    changed = values.copy()
    changed[folds == 1] += 100.0
    again = cross_validated(control, complexes, changed, folds)
    assert np.array_equal(predicted[folds == 1], again[folds == 1])
    assert not np.array_equal(predicted[folds != 1], again[folds != 1])


def test_nulls_without_contacts_do_not_see_the_pose():
    (c,) = made_up(2, 1)
    turned = Rotation.from_euler("z", 40, degrees=True).apply(c.ligand_positions - c.ligand_positions.mean(0))
    moved = replace(c, ligand_positions=turned + c.ligand_positions.mean(0) + [4.0, 3.0, 0])
    for name in ("additive null", "ligand size", "pocket elements", "ligand fingerprint"):
        features = NAMES[name].features
        assert np.array_equal(features([c]), features([moved]))
    assert not np.array_equal(contact_counts([c]), contact_counts([moved]))
