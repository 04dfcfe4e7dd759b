"""The tables of the reports: Table 1, rejects, groups, tests, probes, measures."""

from collections.abc import Sequence

from molinteract.app.reports.plain_table import Table, make_table
from molinteract.core.reasons import MEANING, Reason
from molinteract.embeddings.ks import KsTest
from molinteract.embeddings.probes import Probe
from molinteract.evidence.compare import OURS, Score
from molinteract.store.statistics import PAPER, PAPER_ELEMENTS, Statistics


def table_1(statistics: Statistics) -> Table:
    """Return Table 1 of the paper beside the store's figures."""
    ours, paper = statistics.table_1, PAPER
    rows: list[tuple[str, str, str]] = []
    for name, title in (("entries", "entries"), ("patches", "patches")):
        rows.append((title, f"{ours[name]:,.0f}", f"{paper[name]:,.0f}"))
    rows.append(("patches an entry", f"{ours['patches_per_entry']:.1f}", f"{paper['patches_per_entry']:.1f}"))
    for name, title in (
        ("nodes", "nodes"), ("inter_edges", "intermolecular edges"), ("intra_edges", "intramolecular edges"),
    ):  # fmt: skip
        rows.append((f"{title}, mean ± SD", _spread(ours, name), _spread(paper, name)))
        rows.append((f"{title}, range", _range(ours, name), _range(paper, name)))
    for name, title in (("inter_edges", "intermolecular"), ("intra_edges", "intramolecular")):
        key = f"{name}_per_node"
        rows.append((f"{title} edges a node", f"{ours[key]:.3f}", f"{paper[key]:.2f}"))
    for symbol, share in PAPER_ELEMENTS.items():
        rows.append((f"{symbol}, % of nodes", f"{statistics.elements.get(symbol, 0.0):.1f}", f"{share:.1f}"))
    return make_table(("Table 1", "this store", "paper"), rows)


def rejects_table(statistics: Statistics) -> Table:
    """Return the rejected entries by reason, with what each means."""
    rows = [(reason, count, MEANING[Reason(reason)]) for reason, count in statistics.rejects.items()]
    return make_table(("rejected because", "entries", "meaning"), rows or [("nothing", "0", "")])


def groups_table(statistics: Statistics) -> Table:
    """Return entries and patches by group."""
    rows = [
        (name or "(no group)", counts["kept"], counts["rejected"], counts["patches"])
        for name, counts in statistics.groups.items()
    ]
    return make_table(("group", "kept", "rejected", "patches"), rows)


def labels_table(statistics: Statistics) -> Table:
    """Return patches by kind of contact."""
    total = max(1, sum(statistics.labels.values()))
    rows = [(name.replace("_", " "), count, f"{100 * count / total:.1f}") for name, count in statistics.labels.items()]
    return make_table(("kind of contact", "patches", "%"), rows)


BREAKDOWN_TITLES = {
    "source": "source", "group": "group", "space_group": "space group", "z_prime": "Z′", "label": "kind of contact",
}  # fmt: skip
_SHOWN = 12


def breakdown_table(statistics: Statistics, name: str, *, shown: int = _SHOWN) -> Table:
    """Return entries, patches and mean sizes by one property, the rows beyond ``shown`` in one."""
    rows = list(statistics.breakdowns[name].items())
    out = [(title.replace("_", " ") or "(not given)", figures) for title, figures in rows[:shown]]
    if len(rows) > shown:
        out.append((f"{len(rows) - shown} others", _together([figures for _, figures in rows[shown:]])))
    total = max(1.0, statistics.table_1["patches"])
    heading = (
        BREAKDOWN_TITLES[name], "entries", "patches", "%", "nodes", "intermolecular edges", "intramolecular edges",
    )  # fmt: skip
    return make_table(heading, [_breakdown_row(title, figures, total) for title, figures in out])


def _breakdown_row(title: str, figures: dict[str, float], total: float) -> tuple[str, ...]:
    means = (f"{figures[f'{name}_mean']:.1f}" for name in ("nodes", "inter_edges", "intra_edges"))
    share = f"{100 * figures['patches'] / total:.1f}"
    return (title, f"{figures['entries']:,.0f}", f"{figures['patches']:,.0f}", share, *means)


def _together(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    patches = sum(row["patches"] for row in rows)
    means = {
        name: sum(row[name] * row["patches"] for row in rows) / max(1, patches)
        for name in ("nodes_mean", "inter_edges_mean", "intra_edges_mean")
    }
    return {"entries": sum(row["entries"] for row in rows), "patches": patches} | means


def ks_tests_table(tests: Sequence[KsTest]) -> Table:
    """Return Kolmogorov–Smirnov tests with their nulls."""
    rows = [
        (
            f"{_name(t.first)} against {_name(t.second)}", t.n_first, f"{t.d:.3f}", t.direction,
            "< 1e-300" if t.p_holm == 0 else f"{t.p_holm:.1e}", f"{t.d_shuffled:.3f}", f"{t.d_untrained:.3f}",
        )
        for t in tests
    ]  # fmt: skip
    heading = ("distances of", "vectors", "D", "direction", "p (Holm)", "D shuffled", "D untrained")
    return make_table(heading, rows)


def probes_table(probes: Sequence[Probe]) -> Table:
    """Return probe scores with their baselines."""
    rows = []
    for p in probes:
        for score in p.scores:
            rows.append(
                (
                    p.name, score.features, f"{score.accuracy:.3f}", f"{score.low:.3f}–{score.high:.3f}",
                    f"{p.chance:.3f}", f"{score.purity:.3f}", f"{score.silhouette:.3f}", p.n_held_out,
                )
            )  # fmt: skip
    heading = (
        "question", "features", "linear probe", "95 % interval", "chance", "k-NN purity", "silhouette", "held out",
    )  # fmt: skip
    return make_table(heading, rows)


def evidence_table(scores: Sequence[Score]) -> Table:
    """Return scores of frozen vectors and their baselines, with the paired difference of the pre-trained ones to each."""
    rows = []
    for s in scores:
        labels = f"{s.labels:,}" if s.labels else "all"
        reference = s.features == OURS
        rows.append(
            (
                f"{s.task}{f', {s.unit}' if s.unit else ''}", s.reader, labels, s.features, f"{s.mean:.3f} ± {s.sd:.3f}",
                "" if reference else f"{s.against:+.3f} [{s.low:+.3f}, {s.high:+.3f}]", "" if reference else s.verdict,
            )
        )  # fmt: skip
    return make_table(("task", "reader", "labels", "features", "score", "pre-trained minus it", "pre-trained is"), rows)


def measures_table(values: dict[str, float]) -> Table:
    """Return denoising measures beside predicting zero."""
    rows = [("rmse / Å", f"{values['rmse']:.4f}", f"{values['rmse_zero']:.4f}")]
    rows += [(name, f"{value:.4f}", "0") for name, value in values.items() if name.startswith("ev")]
    return make_table(("held-out compounds", "network", "predict zero"), rows)


def _name(label: str) -> str:
    return label.replace("_", " ")


def _spread(values: dict[str, float], name: str) -> str:
    return f"{values[f'{name}_mean']:.1f} ± {values[f'{name}_sd']:.1f}"


def _range(values: dict[str, float], name: str) -> str:
    return f"{values[f'{name}_min']:,.0f}–{values[f'{name}_max']:,.0f}"
