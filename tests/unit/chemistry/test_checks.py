"""Net charge and open valences: hydrogens_missing, not_neutral, or nothing to say."""

import numpy as np
import pytest
from tests.oracles.embedded_molecules import embedded
from tests.strategies import SmallCrystal, pack

from molinteract.chemistry.checks import check_chemistry
from molinteract.chemistry.perception import perceive
from molinteract.core.errors import EntryError
from molinteract.core.reasons import Reason
from molinteract.core.settings import BuildSettings, Limits, Policies
from molinteract.crystals.assemble import assemble
from molinteract.crystals.crystal import Crystal
from molinteract.store.process import process

ANY = Policies(components="any")


def crystal_of(*smiles, edge=14.0, policies=ANY):
    """Molecules side by side in a P 1 box, the first atoms as given by each SMILES."""
    symbols: list[str] = []
    points = []
    for k, text in enumerate(smiles):
        molecule = embedded(text)
        symbols += [label.rstrip("0123456789") for label in molecule.labels]
        points.append(
            molecule.positions - molecule.positions.mean(axis=0) + edge * np.array([0.25 + 0.5 * k, 0.5, 0.5])
        )
    cell = (edge, edge, edge, 90.0, 90.0, 90.0)
    small = SmallCrystal(cell, ("x,y,z",), "P 1", tuple(symbols), np.concatenate(points) / edge)
    return assemble(small.raw(), policies=policies, limits=Limits())


def judged(crystal: Crystal):
    check_chemistry(crystal, [perceive(molecule) for molecule in crystal.molecules])


def refusal(crystal: Crystal):
    with pytest.raises(EntryError) as caught:
        judged(crystal)
    assert caught.value.entry == crystal.entry
    return caught.value


@pytest.mark.parametrize(
    "smiles", ["NC(N)=O", "[NH3+]CC(=O)[O-]", "C[N+](=O)[O-]", "CC1(C)CCCC(C)(C)N1[O]", "[C-]#[N+]C", "CN=[N+]=[N-]"]
)
def test_neutral_molecules_zwitterions_and_nitroxides_pass(smiles):
    judged(crystal_of(smiles))


@pytest.mark.parametrize(("smiles", "sign"), [("CC([O-])=O", "-1"), ("C[N+](C)(C)C", "+1"), ("c1cc[nH+]cc1", "+1")])
def test_a_lone_ion_is_not_neutral(smiles, sign):
    error = refusal(crystal_of(smiles))
    assert error.reason is Reason.NOT_NEUTRAL
    assert sign in error.message


def test_ions_that_balance_each_other_pass():
    judged(crystal_of("CC([O-])=O", "C[N+](C)(C)C"))


def test_ions_that_do_not_balance_are_not_neutral():
    assert refusal(crystal_of("CC([O-])=O", "NC(N)=O")).reason is Reason.NOT_NEUTRAL


def on_a_mirror(cations):
    """Two acetates made by a mirror, and cations that lie on it: (n, 2) fractional x and y."""
    acetate, ammonium = embedded("CC([O-])=O"), embedded("C[N+](C)(C)C")
    methyl = ammonium.positions - ammonium.positions[1]
    # turn one C-N-C plane of the cation into the mirror plane z = 0
    x = methyl[0] / np.linalg.norm(methyl[0])
    y = methyl[2] - (methyl[2] @ x) * x
    y /= np.linalg.norm(y)
    methyl = methyl @ np.stack([x, y, np.cross(x, y)]).T
    edge = 16.0
    points = [acetate.positions + np.array([8.0, 3.0, 4.0])]
    points += [methyl + np.array([u * edge, v * edge, 0.0]) for u, v in cations]
    symbols = [label.rstrip("0123456789") for label in acetate.labels + ammonium.labels * len(cations)]
    cell = (edge, edge, edge, 90.0, 90.0, 90.0)
    small = SmallCrystal(cell, ("x,y,z", "x,y,-z"), "P 1 1 m", tuple(symbols), np.concatenate(points) / edge)
    return assemble(small.raw(), policies=ANY, limits=Limits())


def test_charges_are_weighed_by_the_number_of_images():
    crystal = on_a_mirror([(0.2, 0.7), (0.7, 0.7)])
    assert sorted(len(found.images) for found in crystal.molecules) == [1, 1, 2]
    judged(crystal)
    assert refusal(on_a_mirror([(0.2, 0.7)])).reason is Reason.NOT_NEUTRAL


def without(small, labels):
    keep = [k for k, label in enumerate(small.labels) if label not in labels]
    return small.with_rows([small.symbols[k] for k in keep], small.fractional[keep])


def test_a_hydroxyl_hydrogen_left_out_is_no_neutral_molecule():
    small = without(pack("acetic acid", "P 1 21/c 1"), ("H8",))
    crystal = assemble(small.raw(), policies=Policies(), limits=Limits())
    assert refusal(crystal).reason in (Reason.NOT_NEUTRAL, Reason.HYDROGENS_MISSING)


def test_an_amine_hydrogen_left_out_is_no_neutral_molecule():
    small = without(pack("urea", "P 1 21/c 1"), ("H4",))
    crystal = assemble(small.raw(), policies=Policies(), limits=Limits())
    assert refusal(crystal).reason in (Reason.NOT_NEUTRAL, Reason.HYDROGENS_MISSING)


def test_a_carbon_left_with_an_open_valence_lacks_hydrogen():
    # the lone carbon of a methane whose hydrogens are not in the model
    small = SmallCrystal((6.0, 6.0, 6.0, 90.0, 90.0, 90.0), ("x,y,z",), "P 1", ("C",), np.array([[0.1, 0.2, 0.3]]))
    error = refusal(assemble(small.raw(), policies=Policies(), limits=Limits()))
    assert error.reason is Reason.HYDROGENS_MISSING
    assert "C1" in error.message


def test_a_planar_carbon_radical_lacks_hydrogen():
    angles = np.radians([0, 120, 240])
    methyl = [(0, 0, 0), *((1.08 * np.cos(a), 1.08 * np.sin(a), 0) for a in angles)]
    points = np.array(methyl) / 7 + 0.5
    small = SmallCrystal((7.0, 7.0, 7.0, 90.0, 90.0, 90.0), ("x,y,z",), "P 1", ("C", "H", "H", "H"), points)
    assert refusal(assemble(small.raw(), policies=Policies(), limits=Limits())).reason is Reason.HYDROGENS_MISSING


@pytest.mark.parametrize(("names", "kept"), [(("H8",), False), ((), True)])
def test_the_whole_way_gives_the_same_reason(names, kept):
    found = process(without(pack("acetic acid", "P 1 21/c 1"), names).raw(), BuildSettings())
    assert hasattr(found, "crystal") is kept
    if not kept:
        assert found.reason in (Reason.NOT_NEUTRAL, Reason.HYDROGENS_MISSING)
