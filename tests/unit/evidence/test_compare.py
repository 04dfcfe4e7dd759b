"""Readers, tallies and intervals against plain computations."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from molinteract.evidence.compare import OURS, compare
from molinteract.evidence.paired import difference, tally
from molinteract.evidence.readers import READERS
from molinteract.evidence.task import Task, train_rows


def made_task(kind, n=400, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 6))
    groups = np.array([f"g{k % 40}" for k in range(n)], dtype=object)
    test = np.array([int(g[1:]) % 4 == 0 for g in groups])
    value = x @ np.array([2.0, -1.0, 0.5, 0, 0, 0]) + 0.1 * rng.normal(size=n)
    target = np.where(value > 0.5, "high", np.where(value < -0.5, "low", "middle")).astype(object)
    return x, Task("t", kind, "", value if kind == "value" else target, groups, ~test, test)


@pytest.mark.parametrize("kind", ["label", "value"])
@pytest.mark.parametrize("reader", sorted(READERS))
def test_readers_find_a_signal_and_not_noise(kind, reader):
    x, task = made_task(kind)
    noise = np.random.default_rng(1).normal(size=x.shape)
    rows = train_rows(task, None, seed=0)
    signal, nothing = (tally(task, READERS[reader](task, f, rows, 0)).score() for f in (x, noise))
    assert (signal - nothing) * task.better > (0.3 if kind == "label" else 0.4)


def test_tally_scores_are_the_usual_ones():
    x, task = made_task("label")
    predicted = READERS["k-NN"](task, x, np.flatnonzero(task.train), 0)
    assert tally(task, predicted).score() == pytest.approx(balanced_accuracy_score(task.target[task.test], predicted))
    x, task = made_task("value")
    predicted = READERS["linear"](task, x, np.flatnonzero(task.train), 0)
    assert tally(task, predicted).score() == pytest.approx(np.abs(task.target[task.test] - predicted).mean())


def test_training_rows_never_touch_the_test_groups_and_are_the_same_for_a_seed():
    _, task = made_task("value")
    for size in (None, 10, 100):
        rows = train_rows(task, size, seed=3)
        assert not set(task.groups[rows]) & set(task.groups[task.test])
        assert rows.tolist() == train_rows(task, size, seed=3).tolist()
        assert size is None or len(rows) == size
    assert train_rows(task, 10, seed=3).tolist() != train_rows(task, 10, seed=4).tolist()


def test_interval_covers_zero_for_equal_features_and_not_for_better_ones():
    x, task = made_task("value")
    rows = np.flatnonzero(task.train)
    good = tally(task, READERS["linear"](task, x, rows, 0))
    bad = tally(task, READERS["linear"](task, x[:, 3:], rows, 0))
    assert difference(good, good) == (0.0, 0.0, 0.0)
    value, low, high = difference(good, bad)
    assert low < value < high < 0


def test_comparison_has_a_row_for_each_reader_size_and_set_of_features():
    x, task = made_task("value")
    noise = np.random.default_rng(1).normal(size=x.shape)
    scores = compare(task, {OURS: lambda _s: x, "noise": lambda _s: noise}, seeds=2, shots=(10, 100, 10_000))
    assert [(s.reader, s.labels, s.features) for s in scores] == [
        (reader, labels, name)
        for reader, labels in (("linear", 0), ("k-NN", 0), ("linear", 10), ("linear", 100))
        for name in (OURS, "noise")
    ]
    by_name = {(s.reader, s.labels, s.features): s for s in scores}
    assert by_name["linear", 0, "noise"].verdict == "better"
    assert by_name["linear", 0, OURS].against == 0.0
    assert by_name["linear", 100, OURS].mean < by_name["linear", 10, OURS].mean + 0.2
