"""Affinity texts."""

import csv
import gzip
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molinteract.affinity.strings import parse_affinity
from molinteract.core.errors import ComplexError

UNITS = {"M": 0, "mM": 3, "uM": 6, "nM": 9, "pM": 12, "fM": 15}
REVERSE = {"=": "=", "~": "~", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


@given(
    measure=st.sampled_from(["Kd", "Ki", "IC50", "EC50"]),
    relation=st.sampled_from(sorted(REVERSE)),
    number=st.floats(1e-6, 1e6),
    unit=st.sampled_from(sorted(UNITS)),
    blanks=st.sampled_from(["", " ", "  "]),
)
def test_value_relation_and_measure_survive(measure, relation, number, unit, blanks):
    found = parse_affinity(f"{measure}{blanks}{relation}{blanks}{number!r}{blanks}{unit}")
    assert found.pk == pytest.approx(UNITS[unit] - math.log10(number), abs=1e-9)
    assert (found.measure, found.relation, found.exact) == (measure, REVERSE[relation], relation == "=")


@given(st.floats(-20, 5), st.sampled_from(["kcal/mol", "kJ/mol"]))
def test_free_energy_is_rt_ln_k(energy, unit):
    joules = energy * {"kcal/mol": 4184.0, "kJ/mol": 1000.0}[unit]
    constant = math.exp(joules / (8.314462618 * 298.15))
    assert parse_affinity(f"dG={energy!r} {unit}").pk == pytest.approx(-math.log10(constant), abs=1e-4)


def test_association_constant_is_the_inverse():
    found = parse_affinity("Ka>1e6M^-1")
    assert (found.pk, found.relation) == (pytest.approx(6.0), ">")


@pytest.mark.parametrize("micro", ["u", "µ", "μ"])
def test_micro_in_every_spelling(micro):
    assert parse_affinity(f"IC50=5 {micro}M").pk == pytest.approx(5.3, abs=0.01)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Ki=5nm", "unit"), ("Kd=0nM", "not positive"), ("Kd=-3nM", "not positive"), ("Ki=2.2..(4)..14nM", "range"),
        ("IC50=1,5uM", "comma"), ("Kd=19", "unit"), ("19uM", "form"), ("Kd:19uM", "form"), ("Xy=3nM", "form"),
        ("Kd=1-2nM", "not a number"), ("Ka=3nM", "M\\^-1"), ("dG=-9", "kcal/mol"), ("Kd=infnM", "not a number"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_in_words(text, why):
    with pytest.raises(ComplexError, match=why):
        parse_affinity(text)


@pytest.mark.parametrize("text", ["", "  ", "\t"])
def test_empty_text_is_a_missing_value(text):
    assert parse_affinity(text) is None


@pytest.mark.shared_data
def test_every_text_of_the_general_index_gives_its_stated_value(shared_data):
    path = shared_data / "affinity" / "lists" / "pdbbind2020_general_index.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = [parse_affinity(row["affinity"]) for row in rows]
    assert len(rows) == 19_443
    assert max(abs(a.pk - float(row["pK"])) for a, row in zip(found, rows, strict=True)) < 0.02
    assert [row["pdb_id"] for a, row in zip(found, rows, strict=True) if a.measure != row["measure"]] == []
    assert [row["pdb_id"] for a, row in zip(found, rows, strict=True) if a.relation != REVERSE[row["relation"]]] == []
