"""Tables, pages and figures."""

import re

import numpy as np
import pytest

from molinteract.app.reports.figures import figure_bars, figure_curves, figure_distances, figure_map, save_figure
from molinteract.app.reports.page import Page
from molinteract.app.reports.plain_table import make_table
from molinteract.app.reports.report import write_report
from molinteract.embeddings.colourings import LabelledMap, ValuedMap


def test_table_aligns_numbers_to_the_right():
    text = make_table(("name", "count"), [("a", 5), ("longer", 1234)]).text()
    assert text.splitlines() == ["name    count", "------  -----", "a           5", "longer   1234"]


def test_page_escapes_and_fetches_nothing(tmp_path):
    page = Page("<title>", "lead & more")
    page.section("Sec <1>", "text <script>alert(1)</script>")
    page.table(make_table(("a<b",), [("<i>",)]))
    page.write(tmp_path / "p.html")
    text = (tmp_path / "p.html").read_text()
    assert "<script" not in text
    assert "<i>" not in text
    assert "&lt;i&gt;" in text
    assert not re.search(r"(src|href)=\"(https?:)?//", text)


@pytest.fixture
def labelled():
    rng = np.random.default_rng(0)
    labels = rng.choice(["none", "aromatic", "hydrogen_bond"], 50).astype(object)
    return LabelledMap("figure_3a", "Patches", rng.normal(size=(50, 2)).astype(np.float32), labels)


def test_map_shows_every_label_with_its_count(labelled):
    figure = figure_map(labelled)
    shown = [t.get_text() for t in figure.axes[0].get_legend().get_texts()]
    for name in ("none", "aromatic", "hydrogen_bond"):
        assert f"{name.replace('_', ' ')} ({(labelled.labels == name).sum()})" in shown
    assert "n = 50" in figure.axes[0].get_title()


def test_map_leaves_out_points_without_label(labelled):
    labels = labelled.labels.copy()
    labels[:10] = ""
    figure = figure_map(LabelledMap("figure_4b", "Hydrogen", labelled.points, labels))
    assert "n = 40" in figure.axes[0].get_title()


def test_map_of_values_has_a_colour_bar_with_their_unit(labelled):
    values = np.linspace(1.0, 3.0, 50)
    figure = figure_map(ValuedMap("patches_by_distance", "Patches", labelled.points, values, "Å"))
    assert len(figure.axes) == 2
    assert figure.axes[1].get_ylabel() == "Å"
    assert figure.axes[0].collections[0].get_array().tolist() == values.tolist()


def test_figures_are_written_as_png_and_svg_and_are_reproducible(tmp_path, labelled):
    files = []
    for name in ("a", "b"):
        path = save_figure(figure_map(labelled), tmp_path / name, "map")
        assert path.read_bytes().startswith(b"\x89PNG")
        files.append(path.with_suffix(".svg").read_bytes())
    assert files[0] == files[1]
    save_figure(figure_bars({"clash": 3, "metal": 1}, title="t", unit="u"), tmp_path, "bars")
    records = [{"step": s, "rmse": 0.5, "rmse_zero": 0.8, "ev": 0.1 * s} for s in range(3)]
    save_figure(figure_curves(records), tmp_path, "curves")


def test_distance_curves_name_every_label_and_the_reference():
    rng = np.random.default_rng(0)
    figure = figure_distances({"all": rng.random(50), "aromatic": rng.random(30)}, title="t")
    shown = [t.get_text() for t in figure.axes[0].get_legend().get_texts()]
    assert shown == ["random sample (50 pairs)", "aromatic (30 pairs)"]
    assert all(np.all(np.diff(line.get_xdata()) >= 0) for line in figure.axes[0].lines)


def test_report_says_which_parts_are_missing(tmp_path):
    text = write_report(tmp_path).read_text()
    assert text.count("was given") + text.count("were given") == 3
    assert (tmp_path / "report.json").is_file()
