"""Patches equal brute force, atom by atom and edge by edge."""

import csv
import zipfile
from collections import Counter

import numpy as np
import pytest
from tests.oracles.patches_by_force import edges_of, from_atoms, from_molecules

from molinteract.app.health import FORMIC_ACID
from molinteract.core.errors import EntryError
from molinteract.core.settings import Limits, PatchParameters, Policies
from molinteract.crystals.assemble import assemble
from molinteract.crystals.raw import RawStructure
from molinteract.crystals.read import read_cif
from molinteract.crystals.sites import find_sites
from molinteract.patches.cut import cut_patches
from molinteract.patches.find import find_patches, pack

PARAMETERS = PatchParameters()


def patches_of(crystal):
    flags = [np.zeros(len(m.labels), dtype=np.uint8) for m in crystal.molecules]
    table = find_patches(crystal, flags, parameters=PARAMETERS)
    arrays = cut_patches(
        pack([crystal]), np.zeros(len(table)), table.i, table.j, table.operation, table.lattice, parameters=PARAMETERS
    )
    return table, arrays


def assert_equal_to(forced, crystal, *, tolerance):
    """Every patch of ours is one of the oracle's and the other way round; nodes and edges agree."""
    table, arrays = patches_of(crystal)
    kept = [p for p in forced if len(edges_of(p, 4.0, 2.0)[0]) or len(edges_of(p, 4.0, 2.0)[2])]
    unmatched = list(range(len(kept)))
    for k in range(len(table)):
        first, last = arrays.node_offsets[k], arrays.node_offsets[k + 1]
        x, z, side = (a[first:last] for a in (arrays.positions, arrays.atomic_numbers, arrays.molecule_index))
        partner, place = None, None
        for candidate in unmatched:
            p = kept[candidate]
            if p.i != table.i[k] or len(p.numbers) != len(z) or abs(p.minimum - table.minimum_distance[k]) > tolerance:
                continue
            distance = np.linalg.norm(p.positions[None] - x[:, None], axis=2)
            # the neighbours at T and -T have the same nodes around their centres, with the sides exchanged
            if distance.min(1).max() < tolerance and (p.side[distance.argmin(1)] == side).all():
                partner, place = candidate, distance.argmin(1)
                break
        assert partner is not None, f"patch {k} is unknown to the oracle"
        unmatched.remove(partner)
        p = kept[partner]
        assert sorted(place.tolist()) == list(range(len(z)))
        assert [p.numbers[n] for n in place] == z.tolist()
        inter, intra, doubtful = edges_of(p, 4.0, 2.0)
        for edges, offsets, expected in (
            (arrays.inter_edges, arrays.inter_offsets, inter),
            (arrays.intra_edges, arrays.intra_offsets, intra),
        ):
            mine = edges[offsets[k] : offsets[k + 1]] - first
            found = {tuple(sorted((int(place[a]), int(place[b])))) for a, b in mine}
            assert found - doubtful == expected - doubtful
    assert all(not edges_of(kept[n], 4.0, 2.0)[0] for n in unmatched)


def crystals_of(data, name="x.cif"):
    for raw in read_cif(data, source="test", file=name):
        if isinstance(raw, RawStructure):
            yield raw, assemble(raw, policies=Policies(), limits=Limits())


def test_formic_acid_equals_brute_force():
    ((raw, crystal),) = crystals_of(FORMIC_ACID)
    sites = find_sites(raw)
    assert_equal_to(from_molecules(crystal), crystal, tolerance=1e-6)
    assert_equal_to(from_atoms(crystal, sites.fractional, sites.atomic_numbers), crystal, tolerance=1e-3)


def chosen_crystals(shared, wanted):
    """Real crystals of as many space groups as there are, with small cells, in a fixed order."""
    with (shared / "crystals" / "index.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["status_guess"] == "ok" and row["experimental"] == "1"]
    per_system: Counter[str] = Counter()
    for row in rows:
        archive = zipfile.ZipFile(shared / "crystals" / f"{row['group']}.zip")
        for raw in read_cif(archive.read(row["file"]), source="s", file=row["file"]):
            if not isinstance(raw, RawStructure) or raw.block != row["block"]:
                continue
            try:
                crystal = assemble(raw, policies=Policies(), limits=Limits())
            except EntryError:
                continue
            atoms = sum(len(m.labels) * len(m.images) for m in crystal.molecules)
            largest = max(len(m.labels) for m in crystal.molecules)
            system = system_of(crystal)
            if not raw.operations or atoms > 160 or largest > 40 or per_system[system] >= 4:
                continue
            if not {int(z) for m in crystal.molecules for z in m.atomic_numbers} <= {1, 6, 7, 8, 9, 16, 17, 35}:
                continue
            per_system[system] += 1
            yield system, raw, crystal
            if sum(per_system.values()) == wanted:
                return


def system_of(crystal):
    """Crystal system by the orders of the proper parts of the rotations."""
    traces = Counter(
        int(np.trace(w) * round(np.linalg.det(w))) for w in {w.tobytes(): w for w in crystal.rotations}.values()
    )
    if traces[0] >= 8:
        return "cubic"
    if traces[2]:
        return "hexagonal"
    if traces[0]:
        return "trigonal"
    if traces[1]:
        return "tetragonal"
    twofold = traces[-1]
    return "orthorhombic" if twofold >= 3 else "monoclinic" if twofold else "triclinic"


@pytest.mark.slow
@pytest.mark.shared_data
def test_twenty_real_crystals_equal_brute_force(shared_data):
    systems = Counter()
    for system, raw, crystal in chosen_crystals(shared_data, 20):
        systems[system] += 1
        assert_equal_to(from_molecules(crystal), crystal, tolerance=1e-6)
        sites = find_sites(raw)
        assert_equal_to(from_atoms(crystal, sites.fractional, sites.atomic_numbers), crystal, tolerance=2e-2)
    assert sum(systems.values()) == 20
    assert len(systems) >= 6, systems


@pytest.mark.slow
@pytest.mark.shared_data
def test_patches_of_one_orbit_are_alike(shared_data):
    for _, _, crystal in chosen_crystals(shared_data, 20):
        table, _ = patches_of(crystal)
        for orbit in np.unique(table.orbit):
            rows = table.orbit == orbit
            for column in (table.n_nodes, table.n_intra, np.round(table.minimum_distance, 1)):
                assert len(set(column[rows].tolist())) == 1
            for i in np.unique(table.i[rows]):
                assert (table.multiplicity[rows & (table.i == i)] == (rows & (table.i == i)).sum()).all()
