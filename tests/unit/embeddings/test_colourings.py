"""Colourings of a map: what is drawn, what is left out, what the JSON says."""

import numpy as np
import pyarrow as pa
import pytest

from molinteract.embeddings.colourings import LabelledMap, node_maps, patch_maps, without_rare


@pytest.fixture
def vectors():
    return np.random.default_rng(0).normal(size=(60, 6)).astype(np.float32)


def table(**columns):
    n = 60
    common = {
        "compound": [f"C{k % 12}H4|hash" for k in range(n)],
        "space_group": ["P21/c" if k % 3 else "P-1" for k in range(n)],
        "minimum_distance": np.linspace(1.5, 3.9, n),
    }
    return pa.table(common | columns)


def test_patches_are_coloured_by_all_that_might_explain_the_map(vectors):
    labels = ["aromatic", "none"] * 30
    maps = patch_maps(vectors, table(label=labels, atoms_i=[10] * 60, atoms_j=[20] * 60), seed=0, max_points=60)
    by_name = {m.name: m for m in maps.maps}
    assert list(by_name) == [
        "figure_3a", "patches_by_compound", "patches_by_space_group", "patches_by_size", "patches_by_distance",
    ]  # fmt: skip
    assert by_name["figure_3a"].labels.tolist() == labels
    assert set(by_name["patches_by_size"].values) == {15.0}
    assert (
        by_name["patches_by_compound"].labels == "other"
    ).sum() == 25  # 5 of 12 compounds have no colour of their own


def test_carbon_and_hydrogen_figures_draw_only_their_atoms(vectors):
    element = ["C", "H", "O"] * 20
    maps = node_maps(
        vectors,
        table(
            element=element,
            hydrogen_on=["", "C", ""] * 20,
            carbon_bond=["double", "", ""] * 20,
            carbon_partners=["O", "", ""] * 20,
            atoms=[10] * 60,
        ),
        seed=0,
        max_points=60,
    )
    by_name = {m.name: m for m in maps.maps}
    assert set(by_name["figure_4b"].labels.tolist()) == {"", "H on C"}
    assert set(by_name["figure_4d"].labels.tolist()) == {"", "double, C–O"}
    assert set(by_name["figure_4a"].labels.tolist()) == {"H", "rest"}


def test_json_of_a_map_restores_its_labels():
    labels = np.array(["b", "", "a", "b"], dtype=object)
    facts = LabelledMap("n", "t", np.zeros((4, 2), np.float32), labels).to_dict()
    assert facts["labels"] == ["a", "b"]
    assert facts["counts"] == [1, 2]
    assert [facts["labels"][c] if c >= 0 else "" for c in facts["codes"]] == labels.tolist()


def test_rare_labels_are_counted_among_the_labelled():
    labels = np.array([""] * 500 + ["H"] * 98 + ["He"] * 2, dtype=object)
    assert set(without_rare(labels, "other", share=0.01).tolist()) == {"", "H", "He"}
    assert set(without_rare(labels, "other", share=0.05).tolist()) == {"", "H", "other"}
