"""An explanation agrees with the judgement, names every check that was made, and shows the numbers."""

import json

import pytest
from hypothesis import given, settings
from tests.strategies import box, from_atoms, pack, small_crystals

from molinteract.app.cli.main import run
from molinteract.app.health import FORMIC_ACID
from molinteract.core.reasons import Reason
from molinteract.core.settings import BuildSettings
from molinteract.crystals.raw import RawStructure
from molinteract.crystals.rejected import Rejected
from molinteract.sources.single import read_structures
from molinteract.store.explain import explain
from molinteract.store.process import process

CHECKS = [
    "reading", "coordinates", "symmetry", "elements", "size", "occupancy", "distances", "bridging hydrogen", "polymer",
    "compounds", "hydrogens", "charge",
]  # fmt: skip


def agrees(raw, options=None):
    chosen = options or BuildSettings()
    result, explanation = process(raw, chosen), explain(raw, chosen)
    expected = result.reason if isinstance(result, Rejected) else None
    assert explanation.reason is expected
    names = [check.name for check in explanation.checks]
    assert names == CHECKS[: len(names)] if expected is None else names[:-1] == CHECKS[: len(names) - 1]
    assert [check.passed for check in explanation.checks] == [True] * (len(names) - bool(expected)) + [False] * bool(
        expected
    )
    assert explanation.detail in explanation.text()
    return explanation


@settings(max_examples=40, deadline=None)
@given(small_crystals())
def test_kept_crystal_passes_every_check(crystal):
    explanation = agrees(crystal.raw())
    assert [check.name for check in explanation.checks] == CHECKS
    assert "neighbours" in explanation.detail


UREA = pack("urea", "P 1 21/c 1")
FAULTS = {
    Reason.PARSE_ERROR: UREA.raw(cell=UREA.raw().cell * float("nan")),
    Reason.NO_COORDINATES: UREA.raw(fractional=UREA.raw().fractional * float("nan")),
    Reason.SYMMETRY_ERROR: UREA.raw(operations=("x,y,z", "x+0.3,y,z")),
    Reason.NO_CARBON: box(("water", (6, 6, 6))).raw(),
    Reason.METAL: from_atoms([("C", 1, 1, 1), ("Fe", 5, 5, 5)]).raw(),
    Reason.DISORDER: UREA.raw(occupancies=UREA.raw().fractional[:, 0] * 0 + 0.5),
    Reason.CLASH: from_atoms([("C", 1, 1, 1), ("C", 1.4, 1, 1), ("O", 3, 3, 3)]).raw(),
    Reason.POLYMERIC: from_atoms([("C", 1, 1, 1), ("C", 2.4, 1, 1)], edge=2.8).raw(),
    Reason.SEVERAL_COMPONENTS: box(("urea", (3, 3, 3)), ("formaldehyde", (9, 9, 9))).raw(),
    Reason.HYDROGENS_MISSING: UREA.raw(formula_sum="C H9 N2 O"),
}


@pytest.mark.parametrize("reason", FAULTS)
def test_rejected_crystal_fails_the_check_of_its_reason_and_none_before(reason):
    assert agrees(FAULTS[reason]).reason is reason


def test_limits_and_policies_are_followed():
    small = BuildSettings.model_validate({"limits": {"cell_atoms": 10}})
    assert agrees(UREA.raw(), small).reason is Reason.TOO_LARGE
    many = BuildSettings.model_validate({"policies": {"components": "any"}})
    assert agrees(FAULTS[Reason.SEVERAL_COMPONENTS], many).reason is None


def test_numbers_stand_beside_their_limits():
    text = explain(UREA.raw(density=9.9, formula_sum="C H4 N2 O"), BuildSettings()).text()
    for part in ("9.900 declared", "of the radii (at least 0.7)", "C H4 N2 O", "CH4N2O +0 (NC(N)=O)", "at most 5000"):
        assert part in text


def test_what_could_not_be_read_is_explained_too():
    rejected = Rejected("s", "f", "b", "f#b", Reason.PARSE_ERROR, "string:1: expected block header")
    explanation = explain(rejected, BuildSettings())
    assert explanation.checks == ()
    assert "expected block header" in explanation.text()


def test_command_line_prints_it(tmp_path, capsys):
    (tmp_path / "a.cif").write_bytes(FORMIC_ACID)
    assert run(["inspect", str(tmp_path / "a.cif"), "--why"]) == 0
    assert "✓ bridging hydrogen" in capsys.readouterr().out
    (tmp_path / "b.cif").write_bytes(FORMIC_ACID.replace(b"H2 H", b"#"))
    assert run(["inspect", str(tmp_path / "b.cif"), "--why", "--json"]) == 1
    (entry,) = json.loads(capsys.readouterr().out)["entries"]
    assert entry["reason"] == "not_neutral"
    assert entry["checks"][-1]["passed"] is False


@pytest.mark.shared_data
def test_every_hard_crystal_is_explained_as_it_is_judged(shared_data):
    count = 0
    for raw in read_structures(shared_data / "crystals-hard"):
        if isinstance(raw, RawStructure) and len(raw.labels) < 400:
            agrees(raw)
            count += 1
    assert count > 50
