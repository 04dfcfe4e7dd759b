"""Exact SMILES, and time a molecule, of three ways to bond orders on the crystals of the embedded sample.

Compared: ours (matching on valences), RDKit's ``DetermineBonds`` (coordinates only; in a process of its own with a time limit, as
it can hang) and xyzgraph. Counted are one-component crystals whose formula equals that of the SMILES that the database states;
exact means equal canonical SMILES without stereo. Intervals are Wilson's, 95 %. Times are CPU, a molecule once, no cache between
molecules.
"""

import math
import multiprocessing
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from rdkit import Chem, RDLogger
from rdkit.Chem import rdDetermineBonds
from rdkit.Chem.rdMolDescriptors import CalcMolFormula

from harness import Figure, arguments, report
from molinteract.chemistry.bond_orders import bond_orders
from molinteract.chemistry.perception import perceive
from molinteract.core.elements import SYMBOLS, formula
from molinteract.core.errors import EntryError
from molinteract.core.settings import Limits, Policies
from molinteract.crystals.assemble import assemble
from molinteract.crystals.crystal import Molecule
from molinteract.crystals.raw import RawStructure
from molinteract.sources.entries import SAMPLE, iterate

SECONDS = 20.0
"""Time limit of one molecule in ``DetermineBonds``."""


@dataclass(frozen=True, slots=True)
class Case:
    """A molecule and the SMILES that its database states, canonical and without stereo."""

    entry: str
    molecule: Molecule
    smiles: str


def main() -> None:
    """Print the table."""
    options = arguments(__doc__ or "")
    RDLogger.DisableLog("rdApp.*")  # type: ignore[attr-defined]
    cases, left_out = _cases(20 if options.quick else None)
    ways: dict[str, Callable[[Case], str]] = {"ours": _ours, "xyzgraph": _xyzgraph}
    figures = []
    for name, way in ways.items():
        way(cases[0])
        times = []
        exact = 0
        for case in cases:
            start = time.process_time()
            found = way(case)
            times.append(time.process_time() - start)
            exact += found == case.smiles
            if name == "ours" and found != case.smiles:
                print(f"  ours differs: {case.entry}: {found} for {case.smiles}")
        figures += _figures(name, exact, len(cases), times)
    figures += _sandboxed(cases)
    orders = []
    for case in cases:
        start = time.process_time()
        bond_orders(case.molecule)
        orders.append(time.process_time() - start)
    figures.append(
        Figure(
            "ours: bond orders alone, mean a molecule", 1e3 * statistics.mean(orders), "ms", 0.5, higher_is_better=False
        )
    )
    print(f"{len(cases)} molecules; left out: {left_out}")
    report(figures, options.json)


def _cases(most: int | None) -> tuple[list[Case], dict[str, int]]:
    cases: list[Case] = []
    left_out = {"rejected": 0, "no SMILES": 0, "another formula than its SMILES": 0}
    for item in iterate(SAMPLE):
        for raw in item.read():
            if not isinstance(raw, RawStructure) or len(cases) == most:
                continue
            try:
                crystal = assemble(raw, policies=Policies(), limits=Limits())
            except EntryError:
                left_out["rejected"] += 1
                continue
            stated = Chem.MolFromSmiles(raw.smiles) if raw.smiles else None
            if stated is None:
                left_out["no SMILES"] += 1
            elif _hill(CalcMolFormula(stated)) != _hill(formula(crystal.molecules[0].atomic_numbers)):
                left_out["another formula than its SMILES"] += 1
            else:
                cases.append(Case(raw.entry, crystal.molecules[0], Chem.MolToSmiles(stated, isomericSmiles=False)))
    return cases, left_out


def _hill(text: str) -> str:
    return text.split("+")[0].split("-")[0]


def _figures(name: str, exact: int, count: int, times: list[float]) -> list[Figure]:
    low, high = _wilson(exact, count)
    print(
        f"{name:<24}{exact:>4} of {count} exact = {100 * exact / count:.1f} % (95 %: {100 * low:.1f} to {100 * high:.1f})"
    )
    target = 98.5 if name == "ours" else None
    figures = [Figure(f"{name}: exact SMILES", 100 * exact / count, "%", target)]
    figures.append(Figure(f"{name}: mean a molecule, with SMILES", 1e3 * statistics.mean(times), "ms"))
    return figures


def _wilson(successes: int, count: int, z: float = 1.96) -> tuple[float, float]:
    share = successes / count
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return centre - half, centre + half


def _ours(case: Case) -> str:
    return perceive(case.molecule).smiles


def _xyzgraph(case: Case) -> str:
    from xyzgraph import build_graph

    molecule = case.molecule
    atoms = [
        (SYMBOLS[z], tuple(point))
        for z, point in zip(molecule.atomic_numbers.tolist(), molecule.positions.tolist(), strict=True)
    ]
    try:
        graph = build_graph(atoms, charge=0, kekule=True)
        mol = Chem.RWMol()
        for _, values in graph.nodes(data=True):
            atom = Chem.Atom(values["symbol"])
            atom.SetFormalCharge(int(values.get("formal_charge", 0)))
            atom.SetNoImplicit(True)
            mol.AddAtom(atom)
        for a, b, values in graph.edges(data=True):
            mol.AddBond(
                a,
                b,
                {1: Chem.BondType.SINGLE, 2: Chem.BondType.DOUBLE, 3: Chem.BondType.TRIPLE}[
                    round(values["bond_order"])
                ],
            )
        Chem.SanitizeMol(mol)
        return str(Chem.MolToSmiles(Chem.RemoveHs(mol), isomericSmiles=False))
    except (ValueError, KeyError, RuntimeError):
        return ""


def _sandboxed(cases: list[Case]) -> list[Figure]:
    """Run ``DetermineBonds`` in a process that is replaced when it takes too long."""
    context = multiprocessing.get_context("spawn")
    times, exact, overtime = [], 0, 0
    worker: tuple[multiprocessing.process.BaseProcess, object] | None = None
    for case in cases:
        if worker is None:
            here, there = context.Pipe()
            process = context.Process(target=_serve, args=(there,), daemon=True)
            process.start()
            worker = process, here
        process, here = worker  # type: ignore[assignment]
        block = [
            f"{SYMBOLS[z]} {x:.4f} {y:.4f} {w:.4f}"
            for z, (x, y, w) in zip(
                case.molecule.atomic_numbers.tolist(), case.molecule.positions.tolist(), strict=True
            )
        ]
        here.send("\n".join([str(len(block)), "", *block]))  # type: ignore[attr-defined]
        if here.poll(SECONDS if times else 60.0):  # type: ignore[attr-defined]
            smiles, seconds = here.recv()  # type: ignore[attr-defined]
            exact += smiles == case.smiles
            times.append(seconds)
        else:
            process.kill()
            overtime += 1
            worker = None
    if worker is not None:
        worker[0].kill()
    if overtime:
        print(f"RDKit DetermineBonds: {overtime} molecules stopped after {SECONDS:g} s")
    return _figures("RDKit DetermineBonds", exact, len(cases), times)


def _serve(pipe: object) -> None:
    RDLogger.DisableLog("rdApp.*")  # type: ignore[attr-defined]
    while True:
        text = pipe.recv()  # type: ignore[attr-defined]
        start = time.process_time()
        smiles = ""
        try:
            mol = Chem.MolFromXYZBlock(text)
            rdDetermineBonds.DetermineBonds(mol, charge=0)
            smiles = str(Chem.MolToSmiles(Chem.RemoveHs(mol), isomericSmiles=False))
        except (ValueError, RuntimeError):
            pass
        pipe.send((smiles, time.process_time() - start))  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
