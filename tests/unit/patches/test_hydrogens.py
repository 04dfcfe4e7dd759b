"""The three ways to treat hydrogens, and what of the chemistry stays."""

import numpy as np
import pytest
from tests.strategies import pack

from molinteract.core.settings import BuildSettings
from molinteract.crystals.crystal import QUANTUM
from molinteract.patches.hydrogens import NEUTRON_DISTANCE
from molinteract.store.process import ProcessedEntry, process

UREA = pack("urea", "P 1 21/c 1", seed=1, gap=0.8)


def processed(policy):
    entry = process(UREA.raw(), BuildSettings.load(overrides=[f"policies.hydrogens={policy}"]))
    assert isinstance(entry, ProcessedEntry), entry
    return entry


def lengths_to_hydrogen(molecule):
    found = []
    for a, b in molecule.bonds.tolist():
        zs = molecule.atomic_numbers[a], molecule.atomic_numbers[b]
        if 1 in zs:
            found.append((int(max(zs)), float(np.linalg.norm(molecule.positions[a] - molecule.positions[b]))))
    return found


def test_deposited_hydrogens_stay_where_they_are():
    assert processed("deposited").crystal.molecules[0].positions == pytest.approx(
        processed("normalised").crystal.molecules[0].positions, abs=0.3
    )
    lengths = lengths_to_hydrogen(processed("deposited").crystal.molecules[0])
    assert len(lengths) == 4
    assert any(abs(length - NEUTRON_DISTANCE[z]) > 1e-3 for z, length in lengths)


def test_normalised_hydrogens_stand_at_neutron_distances_along_their_bonds():
    before, after = (processed(policy).crystal.molecules[0] for policy in ("deposited", "normalised"))
    for z, length in lengths_to_hydrogen(after):
        assert length == pytest.approx(NEUTRON_DISTANCE[z], abs=2 * QUANTUM)
    heavy = before.atomic_numbers != 1
    np.testing.assert_array_equal(after.positions[heavy], before.positions[heavy])
    np.testing.assert_allclose(np.rint(after.positions / QUANTUM) * QUANTUM, after.positions, atol=1e-12)
    for a, b in before.bonds.tolist():
        if before.atomic_numbers[b] == 1:
            old, new = (m.positions[b] - m.positions[a] for m in (before, after))
            cosine = old @ new / np.linalg.norm(old) / np.linalg.norm(new)
            assert cosine == pytest.approx(1.0, abs=1e-6)


def test_no_hydrogens_leave_heavy_atoms_their_bonds_their_flags_and_the_compound():
    whole, bare = processed("deposited"), processed("none")
    molecule = bare.crystal.molecules[0]
    assert sorted(molecule.atomic_numbers.tolist()) == [6, 7, 7, 8]
    assert len(molecule.bonds) == 3
    heavy = whole.crystal.molecules[0].atomic_numbers != 1
    np.testing.assert_array_equal(bare.flags[0], whole.flags[0][heavy])
    np.testing.assert_array_equal(molecule.positions, whole.crystal.molecules[0].positions[heavy])
    assert bare.crystal.compound == whole.crystal.compound
    assert bare.perceptions[0].smiles == whole.perceptions[0].smiles == "NC(N)=O"
    assert 0 < len(bare.patches) <= len(whole.patches)


def test_without_labels_the_patches_are_the_same_and_carry_none():
    plain = process(UREA.raw(), BuildSettings(labels=False))
    assert isinstance(plain, ProcessedEntry)
    whole = processed("deposited")
    for column in ("i", "j", "operation", "lattice", "orbit", "n_nodes", "n_inter", "n_intra"):
        np.testing.assert_array_equal(getattr(plain.patches, column), getattr(whole.patches, column))
    assert not plain.patches.label.any()
    assert whole.patches.label.any()
    assert plain.perceptions[0].status == "not perceived"
