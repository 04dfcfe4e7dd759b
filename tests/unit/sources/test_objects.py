"""ASE Atoms and pymatgen Structures give the crystal that their file gives."""

import numpy as np
import pytest
from ase import Atoms
from pymatgen.core import Lattice, Structure
from tests.strategies import pack

import molinteract as mi
from molinteract.core.errors import EntryError, SourceError
from molinteract.store.build import build
from molinteract.store.dataset import open_dataset


def as_ase(crystal):
    whole = crystal.expanded()
    return Atoms(whole.symbols, scaled_positions=whole.fractional, cell=whole.vectors, pbc=True)


def as_pymatgen(crystal):
    whole = crystal.expanded()
    return Structure(Lattice(whole.vectors), whole.symbols, whole.fractional)


@pytest.mark.parametrize("convert", [as_ase, as_pymatgen])
@pytest.mark.parametrize("group", ["P 1 21/c 1", "P 21 21 21", "P -1"])
def test_object_gives_the_crystal_of_its_cif(tmp_path, convert, group):
    crystal = pack("acetic acid", group, seed=3)
    (tmp_path / "a.cif").write_text(crystal.cif())
    from_file, from_object = mi.read_crystal(tmp_path / "a.cif"), mi.read_crystal(convert(crystal))
    assert from_object.compound == from_file.compound
    assert len(from_object.molecules) == len(from_file.molecules) == 1
    assert from_object.molecules_in_cell == from_file.molecules_in_cell
    assert from_object.density == pytest.approx(from_file.density, rel=1e-6)


def test_objects_are_built_by_any_number_of_processes(tmp_path, monkeypatch):
    monkeypatch.setattr("molinteract.store.build.ITEMS_PER_SHARD", 1, raising=False)
    things = [as_ase(pack("urea", "P -1", seed=1)), as_pymatgen(pack("benzene", "P -1", seed=2))]
    for workers in (1, 2):
        build(things, tmp_path / str(workers), workers=workers)
    one, two = (open_dataset(tmp_path / str(workers)) for workers in (1, 2))
    assert one.n_entries == 2
    for name in ("crystals", "patches"):
        assert getattr(one, name).equals(getattr(two, name))


def test_one_source_needs_no_list(tmp_path):
    crystal = pack("urea", "P -1", seed=1)
    (tmp_path / "a.cif").write_text(crystal.cif())
    for number, source in enumerate(
        (as_ase(crystal), as_pymatgen(crystal), tmp_path / "a.cif", str(tmp_path / "a.cif"))
    ):
        assert build(source, tmp_path / str(number)).kept == 1


def test_occupancies_are_kept_and_judged():
    atoms = as_ase(pack("urea", "P -1"))
    atoms.set_array("spacegroup_kinds", np.zeros(len(atoms), dtype=int))  # as ASE's CIF reader leaves them
    atoms.info["occupancy"] = {"0": {"H": 0.5}}
    with pytest.raises(EntryError, match="disorder"):
        mi.read_crystal(atoms)
    whole = as_pymatgen(pack("urea", "P -1"))
    whole.replace(0, {"C": 0.6, "N": 0.4})
    with pytest.raises(EntryError, match="disorder"):
        mi.read_crystal(whole)


def test_what_is_no_crystal_is_explained():
    with pytest.raises(EntryError, match="not periodic"):
        mi.read_crystal(Atoms("CO", positions=np.eye(3)[:2]))
    with pytest.raises(EntryError, match="no cell"):
        mi.read_crystal(Atoms("CO", positions=np.eye(3)[:2], pbc=True))
    with pytest.raises(EntryError, match="no element can be read"):
        mi.read_crystal(Structure(Lattice.cubic(5), ["X"], [[0, 0, 0]]))
    with pytest.raises(SourceError, match=r"builtins.dict is no source"):
        mi.read_crystal({})
