"""Pictures of affinities say what the numbers say."""

import numpy as np

from molinteract.affinity.contributions import Contribution
from molinteract.affinity.metrics import evaluate
from molinteract.app.reports.affinity_figures import SHOWN, figure_agreement, figure_contributions, figure_learning


def test_agreement_shows_every_complex_within_equal_axes():
    rng = np.random.default_rng(0)
    measured = rng.normal(6, 2, 40)
    predicted = measured + 1.0
    (axes,) = figure_agreement(measured, predicted, evaluate(measured, predicted, n_asked=42)).axes
    assert axes.get_xlim() == axes.get_ylim()
    assert axes.collections[0].get_offsets().tolist() == np.column_stack([measured, predicted]).tolist()
    assert axes.get_title() == "40 of 42: RMSE 1.00, r 1.00"


def test_largest_contributions_are_on_top_and_coloured_by_sign():
    rows = [Contribution("residue", f"ALA/A/{k}", "", 3.0, (-1.0) ** k / (k + 1)) for k in range(20)]
    rows += [Contribution("contact", "ALA/A/1", "C1", 3.5, 0.1), Contribution("contact", "ALA/A/1", "C1", 3.9, -0.1)]
    residues, contacts = figure_contributions(rows, title="x").axes
    bars = residues.patches
    assert [bar.get_width() for bar in bars] == [row.delta for row in rows[:SHOWN]][::-1]
    assert len({bar.get_facecolor() for bar in bars}) == 2
    assert len(contacts.patches) == 2
    assert [label.get_text() for label in contacts.get_yticklabels()] == [
        "ALA/A/1 C1 (3.9 Å)", "ALA/A/1 C1 (3.5 Å)",
    ]  # fmt: skip


def test_picture_without_contacts_is_drawn():
    figure = figure_contributions([Contribution("residue", "ALA/A/1", "", 5.0, 0.2)], title="x")
    assert [len(axes.patches) for axes in figure.axes] == [1, 0]


def test_learning_curve_names_every_arm_and_the_mean():
    figure = figure_learning({"pre-trained": [(100, 1.8), (500, 1.6)], "scratch": [(100, 1.9)]}, constant=2.0)
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == [
        "pre-trained", "scratch", "constant mean",
    ]  # fmt: skip
