"""Data sets of complexes: PDBbind, ATOM3D, tables, folders."""

import gzip
import json
from pathlib import Path

import lmdb
import msgpack
import numpy as np
import pytest
from tests.oracles.made_up_complexes import chain_ligand, glycines, pdb_line, write_pair

from molinteract.affinity.atom3d import read_atom3d, trailing_fragment
from molinteract.affinity.items import ComplexItem, FilePair, load_complexes, measured
from molinteract.affinity.pdbbind import read_index, read_pdbbind
from molinteract.affinity.sources import open_complexes, with_label
from molinteract.affinity.tables import read_table
from molinteract.core.errors import ConfigError, SourceError
from molinteract.core.reasons import ComplexReason

INDEX = """# ==== PDBbind ====
1abc  2.00  2001   4.72  Kd=19uM       // 1abc.pdf (LIG)
2abc  1.50  2010   8.00  Ki<10nM       // 2abc.pdf (3-mer)
3abc  NMR   2011   9.99  Kd=19uM       // 3abc.pdf (A&B)
4abc  1.80  2012   5.00  Kd=10uM       // 4abc.pdf (LIG)
"""


def pdbbind(tmp_path):
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "INDEX_general_PL_data.2020").write_text(INDEX)
    (tmp_path / "index" / "INDEX_refined_data.2020").write_text(INDEX.splitlines()[1] + "\n")
    (tmp_path / "index" / "INDEX_general_PL_name.2020").write_text("1abc 2001 P00734 THROMBIN\n")
    write_pair(tmp_path / "refined-set" / "1abc", "1abc")
    for code in ("2abc", "3abc"):
        write_pair(tmp_path / "v2020-other-PL" / code, code)
    return tmp_path


def test_pdbbind_folder_with_sets_years_and_faults(tmp_path):
    items = read_pdbbind(pdbbind(tmp_path))
    assert [item.id for item in items] == ["1abc", "2abc", "3abc"]
    assert (items[0].labels["sets"], items[0].labels["year"]) == ("refined general", "2001")
    assert items[2].affinity is None
    assert "states 9.99" in items[2].fault
    kept, failures = measured(items)
    assert ([k.id for k in kept], [f.reason for f in failures]) == (["1abc"], ["inexact_value", "no_value"])
    assert [k.id for k in measured(items, inexact=True)[0]] == ["1abc", "2abc"]
    loaded = load_complexes(items)
    assert (len(loaded), loaded.n_asked, loaded.failures) == (3, 3, ())


def test_index_of_later_releases_without_the_number(tmp_path):
    path = tmp_path / "INDEX_general_PL.2020R1.lst"
    path.write_text("3zzf  2.20  2012  Ki=400mM  // 3zzf.pdf (NLG)\n")
    (row,) = read_index(path)
    assert (row.id, row.ligand, round(row.affinity.pk, 2)) == ("3zzf", "NLG", 0.40)


def test_mol2_is_taken_where_the_sdf_is_damaged(tmp_path):
    root = pdbbind(tmp_path)
    sdf = root / "refined-set" / "1abc" / "1abc_ligand.sdf"
    atoms = [f"{k} C{k} {x} {y} {z} C.3 1 LIG 0" for k, (x, y, z) in enumerate(chain_ligand(atoms="CCCC")[0], 1)]
    text = "\n".join(["@<TRIPOS>MOLECULE", "x", "4 0", "SMALL", "NO", "@<TRIPOS>ATOM", *atoms])
    sdf.with_suffix(".mol2").write_text(text)
    first = read_pdbbind(root)[0]
    assert len(load_complexes([first]).complexes[0].ligand) == 3
    sdf.write_text(sdf.read_text()[:100])
    assert len(load_complexes([first]).complexes[0].ligand) == 4


def test_folder_without_an_index_or_entries_says_so(tmp_path):
    with pytest.raises(SourceError, match="no INDEX"):
        read_pdbbind(tmp_path)
    (tmp_path / "INDEX_general_PL_data.2020").write_text(INDEX)
    with pytest.raises(SourceError, match="no folder named by a PDB code"):
        read_pdbbind(tmp_path)


def frame(rows):
    columns = [
        "model",
        "chain",
        "insertion_code",
        "residue",
        "resname",
        "altloc",
        "occupancy",
        "element",
        "name",
        "x",
        "y",
        "z",
    ]
    return {"columns": columns, "index": list(range(len(rows))), "data": rows}


def record(name, value, *, series=False):
    pocket = [
        [0, "A", " ", int(line[22:26]), "GLY", " ", 1.0, line[76:78].strip(), line[12:16].strip(),
         float(line[30:38]), float(line[38:46]), float(line[46:54])]
        for line in glycines(4)
    ]  # fmt: skip
    positions, symbols = chain_ligand()
    ligand = [
        [0, "L", " ", 1, "LIG", " ", 1.0, s, f"{s}{k}", *p.tolist()]
        for k, (p, s) in enumerate(zip(positions, symbols, strict=True))
    ]
    scores = {"name": name, "index": ["neglog_aff"], "data": [value]} if series else {"neglog_aff": value}
    return {
        "atoms_protein": frame(pocket), "atoms_pocket": frame(pocket), "atoms_ligand": frame(ligand), "id": name,
        "seq": [["A", "GGGG"]], "smiles": "CCO", "scores": scores,
    }  # fmt: skip


def write_lmdb(folder, records, kind="json"):
    folder.mkdir(parents=True)
    pack = {"json": lambda x: json.dumps(x).encode(), "msgpack": msgpack.packb, "pkl": lambda x: b"\x80"}[kind]
    with lmdb.open(str(folder), map_size=1 << 24) as env, env.begin(write=True) as txn:
        for k, item in enumerate(records):
            txn.put(str(k).encode(), item if isinstance(item, bytes) else gzip.compress(pack(item)))
        txn.put(b"num_examples", str(len(records)).encode())
        txn.put(b"serialization_format", kind.encode())
        txn.put(b"id_to_idx", pack({}))


@pytest.mark.parametrize("kind", ["json", "msgpack"])
def test_lmdb_records_equal_the_files_they_were_made_of(tmp_path, kind):
    write_lmdb(tmp_path / "lmdb" / "train", [record("1abc", 6.4), record("2abc", 7.0, series=True)], kind)
    write_lmdb(tmp_path / "lmdb" / "val", [record("3abc", 5.0)], kind)
    items = open_complexes(tmp_path / "lmdb")
    assert [(i.id, i.affinity.pk, i.labels["split"]) for i in items] == [
        ("1abc", 6.4, "train"), ("2abc", 7.0, "train"), ("3abc", 5.0, "val"),
    ]  # fmt: skip
    assert (items[0].labels["sequence"], items[0].labels["smiles"]) == ("GGGG", "CCO")
    write_pair(tmp_path / "files")
    (expected,) = load_complexes(open_complexes(tmp_path / "files")).complexes
    found = load_complexes(items).complexes[0]
    for name in ("pocket", "pocket_positions", "ligand", "ligand_positions"):
        assert np.array_equal(getattr(found, name), getattr(expected, name))
    assert found.residues == expected.residues


def test_damaged_records_are_rows_and_pickles_are_refused(tmp_path):
    broken = record("3abc", 5.0)
    del broken["atoms_ligand"]
    write_lmdb(tmp_path / "train", [record("1abc", 6.4), b"nothing", broken])
    items = read_atom3d(tmp_path / "train")
    loaded = load_complexes(items)
    assert (len(loaded), [f.reason for f in loaded.failures]) == (1, ["unreadable", "unreadable"])
    assert "cannot be read" in items[1].fault
    write_lmdb(tmp_path / "pickled", [record("1abc", 6.4)], "pkl")
    with pytest.raises(SourceError, match="'pkl', which is not read"):
        read_atom3d(tmp_path / "pickled")
    with pytest.raises(SourceError, match=r"name the folder that holds data\.mdb"):
        read_atom3d(tmp_path / "pickled" / "deeper")


def npz(path, *, gap=3.5, **extra):
    pocket = np.array([[float(line[30:38]), float(line[38:46]), float(line[46:54])] for line in glycines(3)])
    positions = np.concatenate([pocket, chain_ligand((0, 0, gap))[0]])
    padded = np.zeros((1, 20, 3))
    padded[0, : len(positions)] = positions
    charges = np.zeros((1, 20))
    charges[0, : len(positions)] = [6] * len(positions)
    arrays = {"num_atoms": [len(positions)], "charges": charges, "positions": padded, "neglog_aff": [6.4], "index": [7]}
    np.savez(path, **(arrays | extra))
    return path


def test_npz_ligand_is_the_last_fragment(tmp_path):
    (item,) = open_complexes(npz(tmp_path / "train.npz"))
    (found,) = load_complexes([item]).complexes
    assert (item.id, item.affinity.pk, len(found.pocket), len(found.ligand)) == ("train#7", 6.4, 12, 3)
    (bonded,) = open_complexes(npz(tmp_path / "bonded.npz", gap=1.5))
    assert load_complexes([bonded]).failures[0].reason == "ligand_ambiguous"
    (counted,) = open_complexes(npz(tmp_path / "counted.npz", gap=1.5, num_ligand=[3]))
    assert len(load_complexes([counted]).complexes[0].ligand) == 3


def test_npz_of_objects_is_refused(tmp_path):
    with pytest.raises(SourceError, match="no archive of num_atoms"):
        read_atom3d(npz(tmp_path / "objects.npz", neglog_aff=np.array([{}], dtype=object)))


def test_fragment_of_the_last_atom():
    xyz = np.array([[0, 0, 0], [1.5, 0, 0], [9, 0, 0], [10.5, 0, 0], [12, 0, 0]], dtype=float)
    assert trailing_fragment(xyz) == 3
    assert trailing_fragment(xyz[[2, 0, 1, 3, 4]]) == 0


def table(tmp_path, *rows):
    write_pair(tmp_path / "files", "1abc")
    path = tmp_path / "set.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8-sig")
    return path


def test_table_with_values_texts_relations_and_labels(tmp_path):
    files = "files/1abc_pocket.pdb,files/1abc_ligand.sdf"
    path = table(
        tmp_path, "id,protein,ligand,value,affinity,relation,cluster", f"a,{files},6.5,,=,c1", f"b,{files},,Ki<10nM,,c2",
        f"c,{files},8.0,,<,c2", f"d,{files},,,,c2", f"e,{files},six,,,c2", f"f,{files},,Ki=5nm,,c2",
    )  # fmt: skip
    items = read_table(path)
    relations = [(i.id, i.affinity.relation) for i in items if i.affinity]
    assert relations == [("a", "="), ("b", ">"), ("c", ">")]
    assert items[0].labels["cluster"] == "c1"
    assert [f.reason for f in measured(items)[1]] == [
        "inexact_value",
        "inexact_value",
        "no_value",
        "no_value",
        "no_value",
    ]
    assert len(load_complexes(items)) == 6


def test_table_names_what_is_wrong(tmp_path):
    with pytest.raises(SourceError, match="the id 'a' stands in it twice"):
        read_table(table(tmp_path, "id,protein,ligand", "a,x,y", "a,x,y"))
    with pytest.raises(SourceError, match="no column 'protein'"):
        read_table(table(tmp_path, "id,ligand", "a,y"))
    with pytest.raises(SourceError, match="no such file"):
        open_complexes(tmp_path / "nothing.csv")


def test_missing_file_of_one_row_stops_nothing(tmp_path):
    files = "files/1abc_pocket.pdb,files/1abc_ligand.sdf"
    loaded = load_complexes(read_table(table(tmp_path, "id,protein,ligand", f"a,{files}", "b,none.pdb,none.sdf")))
    assert ([i.id for i in loaded.items], loaded.reasons()) == (["a"], {"unreadable": 1})


def test_folder_of_pairs(tmp_path):
    write_pair(tmp_path / "1abc", "1abc")
    write_pair(tmp_path / "deep" / "er", "x.1")
    assert [item.id for item in open_complexes(tmp_path)] == ["1abc", "deep/er/x.1"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="no pair"):
        open_complexes(tmp_path / "empty")


def test_every_reason_is_documented():
    page = (Path(__file__).resolve().parents[3] / "docs" / "affinity.md").read_text(encoding="utf-8")
    assert [reason for reason in ComplexReason if f"| `{reason}` |" not in page] == []


def test_ligand_may_be_a_pdb_file(tmp_path):
    (protein, _), (positions, symbols) = write_pair(tmp_path), chain_ligand()
    lines = [
        pdb_line(k, f"{s}{k}", "LIG", "L", 1, p, s, record="HETATM")
        for k, (p, s) in enumerate(zip(positions, symbols, strict=True))
    ]
    (tmp_path / "ligand.pdb").write_text("\n".join(lines))
    (tmp_path / "set.csv").write_text(f"id,protein,ligand\na,{protein.name},ligand.pdb\n")
    (found,) = load_complexes(read_table(tmp_path / "set.csv")).complexes
    assert np.array_equal(found.ligand_positions, positions)


def test_items_are_chosen_by_a_label():
    items = [ComplexItem(name, FilePair(f"{name}.pdb"), labels={"split": name[0]}) for name in ("a1", "b1", "c1", "a2")]
    assert [item.id for item in with_label(items, "split=a,c")] == ["a1", "c1", "a2"]
    assert with_label(items, None) == items
    for wrong in ("split=d", "split", "kind=a"):
        with pytest.raises(ConfigError, match="no complex has"):
            with_label(items, wrong)
