"""Breakdowns and distributions equal a plain count over the rows."""

from collections import defaultdict

import numpy as np
import pytest

from molinteract.app.cli.main import run
from molinteract.app.reports.tables import breakdown_table
from molinteract.store.breakdowns import plain_symbol
from molinteract.store.statistics import summarise


@pytest.fixture(scope="module")
def counts(dataset):
    return summarise(dataset)


@pytest.mark.parametrize("name", ["source", "group", "space_group", "z_prime", "label"])
def test_breakdown_equals_a_plain_count(dataset, counts, name):
    rows = dataset.patches.to_pylist()
    crystals = dataset.crystals.to_pylist()
    expected = defaultdict(lambda: {"entries": set(), "nodes": [], "inter": []})
    for row, crystal in zip(rows, dataset.crystal_rows.tolist(), strict=True):
        key = row["label"] if name == "label" else crystals[crystal][name]
        bag = expected[f"{key:g}" if name == "z_prime" else key]
        bag["entries"].add(crystal)
        bag["nodes"].append(row["n_nodes"])
        bag["inter"].append(row["n_inter"])
    found = counts.breakdowns[name]
    assert found.keys() == expected.keys()
    for key, bag in expected.items():
        assert found[key]["entries"] == len(bag["entries"])
        assert found[key]["patches"] == len(bag["nodes"])
        assert found[key]["nodes_mean"] == pytest.approx(np.mean(bag["nodes"]))
        assert found[key]["inter_edges_mean"] == pytest.approx(np.mean(bag["inter"]))


def test_distributions_hold_every_patch(dataset, counts):
    for name in ("nodes", "inter_edges", "intra_edges", "minimum_distance"):
        assert sum(counts.distributions[name]["counts"]) == len(dataset)
        assert len(counts.distributions[name]["edges"]) == len(counts.distributions[name]["counts"]) + 1
    assert sum(counts.distributions["patches_per_entry"]["counts"]) == dataset.n_entries


def test_rows_beyond_the_first_are_one(counts):
    table = breakdown_table(counts, "label", shown=1)
    names = list(counts.breakdowns["label"])
    assert [row[0] for row in table.rows] == [names[0].replace("_", " "), f"{len(names) - 1} others"]
    total = sum(row["patches"] for row in counts.breakdowns["label"].values())
    assert sum(int(row[2].replace(",", "")) for row in table.rows) == total
    assert sum(float(row[3]) for row in table.rows) == pytest.approx(100, abs=0.1)


@pytest.mark.parametrize(
    ("symbol", "plain"),
    [
        ("P 1 21/c 1", "P21/c"),
        ("P21/c", "P21/c"),
        ("P 1 1 21/b", "P21/b"),
        ("P 3 2 1", "P321"),
        ("P -1", "P-1"),
        ("P 1", "P1"),
        ("P 21 21 21", "P212121"),
        ("", ""),
    ],
)
def test_symbols_of_one_group_are_written_alike(symbol, plain):
    assert plain_symbol(symbol) == plain


def test_stats_prints_every_breakdown_and_draws(dataset, tmp_path, capsys):
    assert run(["stats", str(dataset.path), "--picture", str(tmp_path / "sizes.png")]) == 0
    printed = capsys.readouterr().out
    for title in ("Table 1", "kind of contact", "source", "space group", "Z′", "rejected because"):
        assert title in printed
    assert (tmp_path / "sizes.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (tmp_path / "sizes.svg").read_text()
