"""Bond orders, charges and SMILES from connectivity and geometry alone, against the SMILES the molecule was made from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.oracles.embedded_molecules import canonical, embedded, make_molecule, permuted

from molinteract.chemistry.bond_orders import bond_orders
from molinteract.chemistry.perception import OK, perceive

KNOWN = {
    "paracetamol": "CC(=O)Nc1ccc(O)cc1",
    "acetic acid": "CC(=O)O",
    "acetic anhydride": "CC(=O)OC(C)=O",
    "urea": "NC(N)=O",
    "methane": "C",
    "formaldehyde": "C=O",
    "nitromethane": "C[N+](=O)[O-]",
    "nitrobenzene": "O=[N+]([O-])c1ccccc1",
    "pyridine N-oxide": "[O-][n+]1ccccc1",
    "nitrone": "C[N+]([O-])=Cc1ccccc1",
    "nitroso": "CN(C)c1ccc(N=O)cc1",
    "oxime": "ON=C(C)C",
    "azide": "CN=[N+]=[N-]",
    "diazomethane": "C=[N+]=[N-]",
    "diazopropane": "CC(C)=[N+]=[N-]",
    "azo": "CN=NC",
    "sulfone": "CS(C)(=O)=O",
    "sulfoxide": "CS(C)=O",
    "sulfonamide": "CS(N)(=O)=O",
    "saccharin": "O=S1(=O)NC(=O)c2ccccc21",
    "disulfide": "CSSC",
    "thioamide": "CC(=S)N",
    "thiourea, cyclic": "CN1C=CN(C)C1=S",
    "thiocyanate": "N#CSC",
    "isothiocyanate": "CN=C=S",
    "phosphate": "COP(=O)(OC)OC",
    "phosphine oxide": "CP(C)(C)=O",
    "phosphine": "CP(C)C",
    "zwitterion of glycine": "[NH3+]CC(=O)[O-]",
    "betaine": "C[N+](C)(C)CC(=O)[O-]",
    "benzoquinone": "O=C1C=CC(=O)C=C1",
    "phenanthrenequinone": "O=C1C(=O)c2ccccc2-c2ccccc21",
    "naphthalene": "c1ccc2ccccc2c1",
    "pentalene": "C1=CC2=CC=CC2=C1",
    "azulene": "c1ccc2cccc-2cc1",
    "biphenyl": "c1ccc(-c2ccccc2)cc1",
    "indole": "c1ccc2[nH]ccc2c1",
    "imidazole": "c1c[nH]cn1",
    "purine": "c1ncc2nc[nH]c2n1",
    "caffeine": "Cn1c(=O)c2c(ncn2C)n(C)c1=O",
    "phenazine": "c1ccc2nc3ccccc3nc2c1",
    "pyridazine": "c1cnccn1",
    "pyridone": "O=c1cc[nH]cc1",
    "tetrazole": "c1nnn[nH]1",
    "oxadiazole": "Cc1nnc(C)o1",
    "thiophene": "c1ccsc1",
    "dibenzothiophene": "c1ccc2c(c1)sc1ccccc12",
    "tetrathiafulvalene": "C1=CSC(=C2SC=CS2)S1",
    "furan": "c1ccoc1",
    "selenide": "C[Se]C",
    "arsine": "C[As](C)C",
    "boronic acid": "OB(O)c1ccccc1",
    "borane": "CB(C)C",
    "silane": "C[Si](C)(C)C",
    "hexachlorobenzene": "Clc1c(Cl)c(Cl)c(Cl)c(Cl)c1Cl",
    "hexafluoroethane": "FC(F)(F)C(F)(F)F",
    "bromine and iodine": "BrCCI",
    "perchlorate ester": "COCl(=O)(=O)=O",
    "diacetylene": "C#CC#C",
    "butyne": "CC#CC",
    "allene": "C=C=C",
    "nitrile": "CC#N",
    "tetracyanoethylene": "N#CC(C#N)=C(C#N)C#N",
    "isocyanide": "[C-]#[N+]C",
    "isocyanate": "CN=C=O",
    "carbon dioxide": "O=C=O",
    "carbon suboxide": "O=C=C=C=O",
    "phthalimide": "O=C1NC(=O)c2ccccc21",
    "cyclopropane": "C1CC1",
    "nitroxide radical": "CC1(C)CCCC(C)(C)N1[O]",
}
IONS = {
    "acetate": ("CC([O-])=O", -1),
    "pyridinium": ("c1cc[nH+]cc1", 1),
    "guanidinium": ("NC(N)=[NH2+]", 1),
    "tetramethylammonium": ("C[N+](C)(C)C", 1),
    "methylsulfonate": ("CS(=O)(=O)[O-]", -1),
}
MADE = {name: embedded(smiles) for name, smiles in KNOWN.items()}


def valences(molecule, orders):
    found = np.zeros(len(molecule.atomic_numbers), dtype=int)
    np.add.at(found, molecule.bonds.ravel(), np.repeat(orders, 2))
    return found


@pytest.mark.parametrize("name", list(KNOWN))
def test_the_smiles_comes_back_from_connectivity_and_geometry(name):
    found = perceive(MADE[name])
    assert found.status == OK
    assert found.smiles == canonical(KNOWN[name])
    assert found.charge == 0


@pytest.mark.parametrize("name", list(IONS))
def test_ions_come_back_with_their_charge(name):
    smiles, charge = IONS[name]
    found = perceive(embedded(smiles))
    assert found.charge == charge
    assert found.smiles == canonical(smiles)


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(list(KNOWN)), seed=st.integers(0, 10_000))
def test_the_order_of_the_atoms_does_not_matter(name, seed):
    molecule = MADE[name]
    order = np.random.default_rng(seed).permutation(len(molecule.labels))
    one, other = perceive(molecule), perceive(permuted(molecule, order))
    assert other.smiles == one.smiles
    assert other.charge == one.charge
    for field in ("aromatic", "donors", "heavy_atoms"):
        np.testing.assert_array_equal(getattr(other, field), getattr(one, field)[order])
    assert sorted(other.acceptors) == sorted(one.acceptors)
    assert sorted(other.bond_orders) == sorted(one.bond_orders)


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(list(KNOWN)), seed=st.integers(0, 10_000))
def test_small_errors_of_the_positions_do_not_matter(name, seed):
    molecule = MADE[name]
    noise = np.random.default_rng(seed).normal(scale=0.01, size=molecule.positions.shape)
    order = np.arange(len(molecule.labels))
    moved = permuted(molecule, order)
    moved.positions[:] += noise
    assert perceive(moved).smiles == canonical(KNOWN[name])


@pytest.mark.parametrize("name", list(KNOWN))
def test_arrays_have_one_row_an_atom_or_a_bond_and_obey_valence(name):
    molecule = MADE[name]
    found = perceive(molecule)
    atoms, bonds = len(molecule.labels), len(molecule.bonds)
    for field in ("formal_charges", "radicals", "aromatic", "donors", "acceptors", "heavy_atoms"):
        assert getattr(found, field).shape == (atoms,)
    for field in ("bond_orders", "aromatic_bonds", "heavy_bonds"):
        assert getattr(found, field).shape == (bonds,)
    assert set(found.bond_orders.tolist()) <= {1, 2, 3}
    sums = valences(molecule, found.bond_orders)
    carbons = molecule.atomic_numbers == 6
    assert (sums[carbons] + np.abs(found.formal_charges[carbons]) == 4).all()
    assert (sums[molecule.atomic_numbers == 1] == 1).all()
    assert not (found.donors | found.acceptors | found.aromatic)[molecule.atomic_numbers == 1].any()
    assert found.aromatic[np.unique(molecule.bonds[found.aromatic_bonds])].all()
    np.testing.assert_array_equal(found.heavy_atoms, molecule.atomic_numbers != 1)
    np.testing.assert_array_equal(found.heavy_bonds, (molecule.atomic_numbers[molecule.bonds] != 1).all(axis=1))


def orders_between(molecule, one, other):
    orders, _ = bond_orders(molecule)
    pairs = molecule.atomic_numbers[molecule.bonds]
    rows = [sorted(pair) == sorted((one, other)) for pair in pairs.tolist()]
    return sorted(orders[np.array(rows, dtype=bool)].tolist())


@pytest.mark.parametrize(
    ("name", "elements", "expected"),
    [
        ("nitromethane", (7, 8), [1, 2]),
        ("azide", (7, 7), [2, 2]),
        ("sulfone", (16, 8), [2, 2]),
        ("phosphate", (15, 8), [1, 1, 1, 2]),
        ("nitrile", (6, 7), [3]),
        ("carbon dioxide", (6, 8), [2, 2]),
        ("diacetylene", (6, 6), [1, 3, 3]),
        ("allene", (6, 6), [2, 2]),
        ("naphthalene", (6, 6), [1] * 6 + [2] * 5),
        ("perchlorate ester", (17, 8), [1, 2, 2, 2]),
    ],
)
def test_kekule_orders_of_functional_groups(name, elements, expected):
    assert orders_between(MADE[name], *elements) == expected


def test_bond_lengths_choose_between_two_kekule_structures():
    # cyclobutadiene, rectangular: the short bonds are the double ones
    corners = [(0, 0, 0), (1.34, 0, 0), (1.34, 1.57, 0), (0, 1.57, 0)]
    outward = [(-0.76, -0.76, 0), (2.10, -0.76, 0), (2.10, 2.33, 0), (-0.76, 2.33, 0)]
    bonds = [(0, 1), (1, 2), (2, 3), (0, 3), *((k, k + 4) for k in range(4))]
    molecule = make_molecule("CCCCHHHH", [*corners, *outward], bonds)
    orders, _ = bond_orders(molecule)
    by_pair = dict(zip(map(tuple, molecule.bonds.tolist()), orders.tolist(), strict=True))
    assert (by_pair[0, 1], by_pair[2, 3], by_pair[1, 2], by_pair[0, 3]) == (2, 2, 1, 1)


def test_a_nitroxide_is_a_neutral_radical_on_oxygen():
    molecule = MADE["nitroxide radical"]
    found = perceive(molecule)
    (oxygen,) = np.flatnonzero(molecule.atomic_numbers == 8)
    assert found.radicals[oxygen] == 1
    assert found.radicals.sum() == 1
    assert not found.formal_charges.any()


def test_closed_shells_have_no_radicals():
    assert not any(perceive(molecule).radicals.any() for name, molecule in MADE.items() if name != "nitroxide radical")


def five_bonds_to_carbon():
    """Carbon with five neighbours: no valence model allows it."""
    directions = np.vstack([np.eye(3), -np.eye(3)[:2]])
    return make_molecule("CFFFFF", np.vstack([np.zeros(3), 1.35 * directions]), [(0, k) for k in range(1, 6)])


def test_a_molecule_that_rdkit_refuses_has_a_status_and_empty_flags():
    molecule = five_bonds_to_carbon()
    found = perceive(molecule)
    assert found.status != OK
    assert "RDKit" in found.status
    assert found.smiles == ""
    assert not (found.aromatic | found.donors | found.acceptors).any()
    assert not found.aromatic_bonds.any()
    assert len(found.bond_orders) == 5
    assert found.heavy_atoms.all()


def test_refusals_are_silent(capfd):
    perceive(five_bonds_to_carbon())
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_graph_is_perceived_or_gets_a_status(data):
    count = data.draw(st.integers(1, 9))
    symbols = data.draw(
        st.lists(
            st.sampled_from(["H", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "I", "Xe"]),
            min_size=count,
            max_size=count,
        )
    )
    pairs = [(a, b) for a in range(count) for b in range(a + 1, count)]
    bonds = data.draw(st.lists(st.sampled_from(pairs), unique=True, max_size=14)) if pairs else []
    positions = np.random.default_rng(data.draw(st.integers(0, 99))).uniform(0, 4, size=(count, 3))
    molecule = make_molecule(symbols, positions, bonds)
    found = perceive(molecule)
    assert found.status
    assert (found.status == OK) == bool(found.smiles)
    assert len(found.bond_orders) == len(molecule.bonds)
    assert (found.bond_orders >= 1).all()


def test_a_single_atom_is_perceived():
    found = perceive(make_molecule(["Xe"], np.zeros((1, 3)), []))
    assert (found.smiles, found.charge) == ("[Xe]", 0)
    chloride = perceive(make_molecule(["Cl"], np.zeros((1, 3)), []))
    assert (chloride.smiles, chloride.charge) == ("[Cl-]", -1)
