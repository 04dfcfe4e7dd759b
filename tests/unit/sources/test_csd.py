"""The CSD plug-in against a stand-in for CCDC's package that has the documented calls it names, and nothing else.

No licence is at hand here: what the real package answers is not tested.
"""

import sys
import types
from collections import namedtuple

import pytest
from tests.strategies import pack

from molinteract.app.cli.main import run
from molinteract.core.errors import MissingExtraError, SourceError
from molinteract.core.reasons import Reason
from molinteract.core.settings import BuildSettings
from molinteract.crystals.rejected import Rejected
from molinteract.sources.entries import iterate
from molinteract.store.build import build
from molinteract.store.dataset import open_dataset
from molinteract.store.process import ProcessedEntry, process

Coordinates = namedtuple("Coordinates", "x y z")
Lengths = namedtuple("Lengths", "a b c")
Angles = namedtuple("Angles", "alpha beta gamma")


class Documented:
    """Has the attributes it is made with; asking for any other fails as it would for a call that does not exist."""

    def __init__(self, **attributes):
        self.__dict__.update(attributes)


class BondType:
    def __init__(self, name):
        self._name = name

    def __str__(self):
        return self._name


AROMATIC_RING = [(k, (k + 1) % 6, "Aromatic") for k in range(6)] + [(k, k + 6, "Single") for k in range(6)]
UREA = [
    (0, 1, "Double"),
    (0, 2, "Single"),
    (0, 5, "Single"),
    (2, 3, "Single"),
    (2, 4, "Single"),
    (5, 6, "Single"),
    (5, 7, "Single"),
]


def make_entry(name="urea", group="P 1 21/c 1", *, bonds=UREA, smiles="NC(N)=O", charges=None, **changes):
    crystal = pack(name, group, seed=1)
    atoms = [
        Documented(
            label=label, atomic_symbol=symbol, fractional_coordinates=Coordinates(*point), occupancy=1.0,
            formal_charge=(charges or {}).get(k, 0),
        )
        for k, (label, symbol, point) in enumerate(zip(crystal.labels, crystal.symbols, crystal.fractional, strict=True))
    ]  # fmt: skip
    unit = Documented(
        atoms=atoms, bonds=[Documented(atoms=(atoms[a], atoms[b]), bond_type=BondType(kind)) for a, b, kind in bonds]
    )
    values = {
        "identifier": "", "has_3d_structure": True, "is_organic": True, "is_organometallic": False, "is_polymeric": False,
        "has_disorder": False, "molecule": Documented(smiles=smiles),
        "crystal": Documented(
            cell_lengths=Lengths(*crystal.cell[:3]), cell_angles=Angles(*crystal.cell[3:]),
            symmetry_operators=tuple(crystal.operations), spacegroup_symbol=crystal.symbol, asymmetric_unit_molecule=unit,
        ),
    }  # fmt: skip
    entry = Documented(**values | changes)
    entry._errors, entry._metals = changes.get("errors", False), changes.get("metals", False)
    return entry


class Settings:
    """As ``ccdc.search.Search.Settings``: nothing is refused until it is asked to be."""

    def __init__(self):
        self.no_errors = self.no_metals = False

    def test(self, entry):
        return not (self.no_errors and entry._errors) and not (self.no_metals and entry._metals)


@pytest.fixture
def csd(monkeypatch):
    """A dictionary of refcodes and entries, served as the CSD."""
    entries = {}

    class EntryReader:
        def __init__(self, name):
            assert name == "CSD"

        def __len__(self):
            return len(entries)

        def identifier(self, k):
            return list(entries)[k]

        def entry(self, refcode):
            if refcode not in entries:
                raise RuntimeError(f"{refcode} not found")
            return entries[refcode]

    modules = {name: types.ModuleType(name) for name in ("ccdc", "ccdc.io", "ccdc.search")}
    modules["ccdc.io"].EntryReader = EntryReader
    modules["ccdc.search"].Search = Documented(Settings=Settings)
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    yield entries
    if "molinteract.sources.csd" in sys.modules:
        plugin = sys.modules["molinteract.sources.csd"]
        plugin._reader.cache_clear()
        plugin._tests.cache_clear()


def read(source):
    return [entry for item in iterate(source) for entry in item.read()]


def test_every_entry_or_named_ones(csd, tmp_path):
    csd |= {"AAAAAA": make_entry(), "BBBBBB01": make_entry()}
    assert [entry.entry for entry in read("csd:")] == ["csd/AAAAAA", "csd/BBBBBB01"]
    assert [entry.entry for entry in read("csd:bbbbbb01")] == ["csd/BBBBBB01"]
    (tmp_path / "list.gcd").write_text("BBBBBB01\r\n\r\nAAAAAA\nAAAAAA\n")
    assert [entry.entry for entry in read(f"csd:@{tmp_path / 'list.gcd'}")] == ["csd/BBBBBB01", "csd/AAAAAA"]
    (absent,) = read("csd:CCCCCC")
    assert isinstance(absent, Rejected)
    assert "no such entry" in absent.detail


def test_smiles_and_bond_types_are_the_csds(csd):
    csd["AAAAAA"] = make_entry("benzene", bonds=AROMATIC_RING, smiles="c1ccccc1")
    # stated as no program of ours would draw it: the charges show that it was taken over
    charged = [(0, 1, "Single"), (0, 2, "Double"), *UREA[2:]]
    csd["BBBBBB"] = make_entry(bonds=charged, charges={1: -1, 2: 1})
    benzene, urea = (process(raw, BuildSettings()) for raw in read("csd:"))
    assert sorted(benzene.perceptions[0].bond_orders.tolist()) == [1] * 9 + [2] * 3
    assert benzene.perceptions[0].aromatic.sum() == 6
    assert benzene.smiles == benzene.perceptions[0].smiles == "c1ccccc1"
    assert urea.perceptions[0].smiles == "NC(=[NH2+])[O-]"
    assert urea.smiles == "NC(N)=O"


@pytest.mark.parametrize(
    "bonds",
    [[*UREA[:-1], (5, 7, "Delocalised")], UREA[:-1], [*UREA, (3, 6, "Single")], [*UREA[:-1], (5, 7, "Aromatic")]],
)
def test_bond_types_that_fix_nothing_leave_it_to_our_perception(csd, bonds):
    csd["AAAAAA"] = make_entry(bonds=bonds)
    entry = process(read("csd:")[0], BuildSettings())
    assert isinstance(entry, ProcessedEntry)
    assert entry.perceptions[0].smiles == "NC(N)=O"


FLAGS = {
    Reason.PARSE_ERROR: {"errors": True},
    Reason.NO_COORDINATES: {"has_3d_structure": False},
    Reason.METAL: {"metals": True},
    Reason.NO_CARBON: {"is_organic": False},
    Reason.DISORDER: {"has_disorder": True},
    Reason.POLYMERIC: {"is_polymeric": True},
    Reason.SEVERAL_COMPONENTS: {"smiles": "NC(N)=O.O"},
}


@pytest.mark.parametrize("reason", FLAGS)
def test_flags_of_the_csd_are_the_papers_filters(csd, reason):
    csd["AAAAAA"] = make_entry(**FLAGS[reason])
    (entry,) = read("csd:")
    assert isinstance(entry, Rejected)
    assert entry.reason is reason
    assert "CSD" in entry.detail


def test_more_flags(csd):
    csd |= {"AAAAAA": make_entry(is_organometallic=True), "BBBBBB": make_entry(smiles=None)}
    csd["CCCCCC"] = make_entry()
    csd["CCCCCC"].crystal.asymmetric_unit_molecule.atoms[3].fractional_coordinates = None
    csd["DDDDDD"] = make_entry(smiles="NC(N)=O.NC(N)=O")  # two molecules of one compound
    found = read("csd:")
    assert [getattr(entry, "reason", "kept") for entry in found] == [
        "metal",
        "several_components",
        "no_coordinates",
        "kept",
    ]


def test_store_is_built_and_rebuilt_by_refcode(csd, tmp_path):
    csd |= {"AAAAAA": make_entry(), "BBBBBB": make_entry(is_polymeric=True)}
    assert build(["csd:"], tmp_path / "db").kept == 1
    assert open_dataset(tmp_path / "db").crystals["entry"].to_pylist() == ["csd/AAAAAA"]
    csd["CCCCCC"] = make_entry()  # a later release
    again = build(["csd:"], tmp_path / "again", from_manifest=tmp_path / "db").differences
    assert again.identical
    assert again.examples["extra"] == ["csd/CCCCCC"]


def test_without_the_package_the_error_says_what_to_do(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ccdc", None)
    monkeypatch.setitem(sys.modules, "ccdc.io", None)
    with pytest.raises(MissingExtraError, match="CSD Python API"):
        read("csd:")
    assert run(["build", "csd:AAAAAA", "-o", "nowhere"]) == 3
    assert "ccdc" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "words"), [("csd:AB", "no refcode"), ("csd:,", "no refcode there"), ("csd:@/x.gcd", "read")]
)
def test_source_that_names_nothing_is_explained(csd, source, words):
    with pytest.raises(SourceError, match=words):
        read(source)


def test_nothing_else_loads_the_plugin():
    import subprocess

    code = "import sys, molinteract.sources.entries, molinteract.store.build; print('molinteract.sources.csd' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
