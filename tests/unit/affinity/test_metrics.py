"""Measures and their intervals."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from molinteract.affinity.metrics import (
    evaluate,
    mean_tau,
    resamples,
    rmse_difference,
    score_series,
)

VALUES = arrays(np.float64, (12, 2), elements=st.floats(0, 15).map(lambda x: round(x, 3)))


@given(VALUES)
def test_measures_equal_those_of_scipy(pairs):
    measured, predicted = pairs.T
    found = evaluate(measured, predicted)
    assert found.rmse**2 == pytest.approx(np.mean((measured - predicted) ** 2))
    assert found.mae == pytest.approx(np.mean(np.abs(measured - predicted)))
    if np.ptp(measured) > 0.01 and np.ptp(predicted) > 0.01:
        assert found.pearson == pytest.approx(stats.pearsonr(measured, predicted).statistic, abs=1e-6)
        assert found.spearman == pytest.approx(stats.spearmanr(measured, predicted).statistic, abs=1e-9)


def test_constant_predictions_have_no_correlation():
    found = evaluate(np.arange(5.0), np.full(5, 6.3))
    assert np.isnan([found.pearson, found.spearman]).all()


def test_text_says_n_evaluated_of_m():
    assert evaluate(np.arange(4.0), np.arange(4.0), n_asked=6).text().startswith("4 evaluated of 6, rmse 0.000")


def test_resampling_takes_whole_clusters():
    clusters = ["a", "b", "a", "c", "c", "c"]
    for rows in resamples(clusters, seed=0)[:100]:
        counts = np.bincount(rows, minlength=6)
        assert counts[0] == counts[2]
        assert counts[3] == counts[4] == counts[5]
        assert counts[0] + counts[1] + counts[3] == 3


def test_interval_is_wider_where_errors_go_by_cluster():
    rng = np.random.default_rng(0)
    clusters = np.repeat(np.arange(20), 20).astype(str)
    measured = rng.normal(6, 2, 400)
    predicted = measured + np.repeat(rng.normal(0, 1.5, 20) ** 3 / 2, 20)
    width = {}
    for name, groups in (("clusters", clusters), ("rows", [str(k) for k in range(400)])):
        low, high = evaluate(measured, predicted, clusters=groups).intervals["rmse"]
        assert low < evaluate(measured, predicted).rmse < high
        width[name] = high - low
    assert width["clusters"] > 2 * width["rows"]


def test_difference_of_a_model_with_itself_is_zero_and_of_a_better_one_negative():
    rng = np.random.default_rng(1)
    measured = rng.normal(6, 2, 200)
    good, bad = measured + rng.normal(0, 0.5, 200), measured + rng.normal(0, 1.5, 200)
    clusters = np.repeat(np.arange(40), 5).astype(str)
    assert rmse_difference(measured, good, good, clusters) == (0.0, 0.0, 0.0)
    value, low, high = rmse_difference(measured, good, bad, clusters)
    assert low <= value <= high < 0


def test_series_scores_equal_a_count_over_all_pairs():
    rng = np.random.default_rng(2)
    measured, predicted = rng.normal(6, 1, 8).round(2), rng.normal(6, 1, 8).round(2)
    names = ["x"] * 6 + ["short", ""]
    (found,) = score_series(measured, predicted, names)
    pairs = list(itertools.combinations(range(6), 2))
    signs = [np.sign((measured[a] - measured[b]) * (predicted[a] - predicted[b])) for a, b in pairs]
    errors = [(predicted[a] - predicted[b]) - (measured[a] - measured[b]) for a, b in pairs]
    assert found.tau == pytest.approx(sum(signs) / len(pairs))
    assert found.rmse_differences == pytest.approx(np.sqrt(np.mean(np.square(errors))))
    assert mean_tau([found]) == pytest.approx(found.tau)
    (shifted,) = score_series(measured, predicted + 3.0, names)
    assert shifted.rmse_differences == pytest.approx(found.rmse_differences)
