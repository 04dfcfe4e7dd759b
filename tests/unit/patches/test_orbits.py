"""Contact orbits by group algebra against a second definition, by distances, and against another program's unique dimers."""

import warnings
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.oracles.contact_fingerprints import orbits_by_distance
from tests.strategies import SHAPES, pack

from molinteract.core.errors import EntryError
from molinteract.core.settings import Limits, PatchParameters, Policies
from molinteract.crystals.assemble import assemble
from molinteract.crystals.raw import RawStructure
from molinteract.patches.find import find_patches
from molinteract.sources.entries import iterate

GROUPS = tuple(SHAPES)
SLACK = 2e-3
"""Å; six decimals of a fractional coordinate, and ours are rounded to 1e-4 Å."""


def contacts(raw):
    crystal = assemble(raw, policies=Policies(), limits=Limits())
    flags = [np.zeros(len(molecule.labels), dtype=np.uint8) for molecule in crystal.molecules]
    return crystal, find_patches(crystal, flags, parameters=PatchParameters())


@settings(max_examples=25, deadline=None)
@given(
    name=st.sampled_from(["urea", "formaldehyde", "benzene"]),
    group=st.sampled_from(GROUPS),
    seed=st.integers(0, 10_000),
)
def test_orbits_are_the_classes_of_equal_distances(name, group, seed):
    # labels of a small molecule are all different, so equal distances mean equal contacts
    crystal, table = contacts(pack(name, group, seed=seed).raw())
    assert table.orbit.tolist() == orbits_by_distance(crystal, table, tolerance=SLACK)


def kept(archive, most, *, atoms=1000):
    """Kept crystals of one archive with one symmetry-independent molecule in a general position."""
    for item in iterate(str(archive)):
        for raw in item.read():
            if not isinstance(raw, RawStructure):
                continue
            try:
                crystal, table = contacts(raw)
            except EntryError:
                continue
            general = len(crystal.molecules) == 1 and len(crystal.molecules[0].stabiliser) == 1
            if general and len(crystal.molecules[0].labels) <= atoms and not crystal.flags:
                yield raw, crystal, table
                most -= 1
            if most == 0:
                return


@pytest.mark.slow
@pytest.mark.shared_data
def test_orbits_of_real_crystals_are_the_classes_of_equal_distances(shared_data):
    checked = 0
    for _, crystal, table in kept(shared_data / "crystals" / "cod_openff.zip", 100):
        # quantised coordinates of an exact symmetry copy are 1e-4 Å off at most
        assert table.orbit.tolist() == orbits_by_distance(crystal, table, tolerance=1e-3), crystal.entry
        checked += 1
    assert checked == 100


@pytest.mark.slow
@pytest.mark.shared_data
def test_neighbours_and_orbits_of_real_crystals_are_those_of_chmpy(shared_data):
    from chmpy import Crystal as Peer

    archive = shared_data / "crystals" / "cod_openff.zip"
    counted = equal = 0
    for raw, crystal, table in kept(archive, 50, atoms=30):
        text = zipfile.ZipFile(archive).read(raw.file.partition("/")[2]).decode()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            peer = Peer.from_cif_string(text)
            peer = peer if isinstance(peer, Peer) else next(iter(peer.values()))
            unique, (dimers,) = peer.symmetry_unique_dimers(radius=PatchParameters().d_inter)
        neighbours, orbits = len(table) + table.n_empty, len(set(table.orbit.tolist()))
        if len(dimers) != neighbours:
            # chmpy looks at a fixed block of cells around the origin; what it finds, we find
            assert len(dimers) < neighbours, crystal.entry
            continue
        counted += 1
        assert classes([all_distances(dimer) for _, dimer in dimers], tolerance=SLACK) == orbits, crystal.entry
        # chmpy's own classes compare three lengths of a dimer, which can agree by chance
        own = classes([np.array(dimer.separations) for dimer in unique], tolerance=SLACK)
        assert own <= orbits, crystal.entry
        equal += own == orbits
    assert counted >= 40
    assert equal >= 0.9 * counted


def all_distances(dimer):
    """Return the distances between all atoms of the two molecules, in an order that does not depend on theirs."""
    distances = np.linalg.norm(dimer.a.positions[:, None] - dimer.b.positions[None], axis=2)
    a, b = dimer.a.atomic_numbers[:, None], dimer.b.atomic_numbers[None]
    kinds = np.minimum(a, b) * 1000 + np.maximum(a, b)
    return distances.ravel()[np.lexsort((distances.ravel(), kinds.ravel()))]


def classes(rows, *, tolerance):
    lengths = np.array(rows)
    return len({int(np.flatnonzero(np.abs(lengths - own).max(axis=1) < tolerance)[0]) for own in lengths})
