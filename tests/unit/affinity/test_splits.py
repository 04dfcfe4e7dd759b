"""Splits: no id on two sides; lists of others; whole clusters in one fold."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.oracles.made_up_complexes import write_pair

from molinteract.affinity.items import ComplexItem, FilePair
from molinteract.affinity.prepare import open_with_split
from molinteract.affinity.splits import (
    PARTS,
    cluster_folds,
    fold_split,
    make_split,
    pdbbind_split,
    read_folds,
    read_split,
    split_of_labels,
    time_split,
    write_folds,
)
from molinteract.core.errors import ConfigError, SourceError


def items(**labels):
    """One item for each value, ids a, b, c, …"""
    (name, values), *rest = labels.items()
    rows = [{name: v} | {other: more[k] for other, more in rest} for k, v in enumerate(values)]
    return [ComplexItem(chr(97 + k), FilePair("x"), None, row) for k, row in enumerate(rows)]


@pytest.mark.parametrize("parts", [{"train": ["a", "b"], "test": ["b"]}, {"train": ["a", "a"], "test": ["c"]}])
def test_id_in_two_places_is_refused_and_named(parts):
    with pytest.raises(ConfigError, match=r"1 ids stand in more than one place of the split: [ab] \(train"):
        make_split(parts, name="x")


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ((3507, 466, 490), "30 % identity"),
        ((3563, 448, 452), "ATOM3D's own records"),
        ((3678, 460, 460), "4,598 complexes"),
        ((3, 2, 1), "no published LBA list"),
    ],
)
def test_run_says_which_of_the_published_lists_it_had(sizes, words):
    names = ("train", "val", "test")
    split = make_split({p: [f"{p}{k}" for k in range(n)] for p, n in zip(names, sizes, strict=True)}, name="list")
    assert words in split.name
    assert f"{sizes[0]}/{sizes[1]}/{sizes[2]}" in split.name


def test_labels_with_other_names_of_the_parts():
    split = split_of_labels(items(split=["train", "valid", "test", "", "Training"]))
    assert (split.train, split.val, split.test) == (("a", "e"), ("b",), ("c",))


def test_lists_of_others(tmp_path):
    (tmp_path / "clean.json").write_text(
        json.dumps({"train": ["1abc"], "casf2016": ["2abc"], "casf2013": ["2abc", "3abc"]})
    )
    assert read_split(tmp_path / "clean.json").test == ("2abc", "3abc")
    (tmp_path / "lp.csv").write_text(",new_split,other\n1abc,train,x\n2abc,val,y\n3abc,test,z\n4abc,,z\n")
    split = read_split(tmp_path / "lp.csv")
    assert (split.train, split.val, split.test) == (("1abc",), ("2abc",), ("3abc",))
    folder = tmp_path / "lists"
    folder.mkdir()
    for name, ids in (("train_indices", "0\n2"), ("val_indices", "1"), ("test_indices", "3")):
        (folder / f"{name}.txt").write_text(ids)
    assert read_split(folder).train == ("0", "2")
    assert read_split(folder, items(year=["1"] * 4)).train == ("a", "c")


def test_list_that_cannot_be_read_says_so(tmp_path):
    (tmp_path / "x.csv").write_text("id,part\na,train\n")
    for path in (tmp_path / "x.csv", tmp_path / "none.csv"):
        with pytest.raises(SourceError, match="no split that can be read"):
            read_split(path)


def test_core_set_is_tested_and_never_trained_on():
    rows = items(
        sets=["core refined general", "refined general", "general", "refined general"] + ["refined general"] * 16
    )
    refined = pdbbind_split(rows, ["A", "zzzz"])
    assert refined.test == ("a", "zzzz")
    assert not set(refined.test) & {*refined.train, *refined.val}
    assert (len(refined.train), len(refined.val)) == (16, 2)
    assert "c" not in refined.train + refined.val
    assert len(pdbbind_split(rows, ["a"], train="general", val_share=0).train) == 19


@given(st.lists(st.integers(1990, 2025), min_size=3, max_size=40))
def test_time_split_orders_years(years):
    rows = [ComplexItem(str(k), FilePair("x"), None, {"year": str(y)}) for k, y in enumerate(years)]
    if min(years) >= 2010 and max(years) < 2015:
        return
    split = time_split(rows, val_from=2010, test_from=2015)
    of = {str(k): y for k, y in enumerate(years)}
    assert all(of[i] < 2010 for i in split.train)
    assert all(2010 <= of[i] < 2015 for i in split.val)
    assert all(of[i] >= 2015 for i in split.test)
    assert sum(split.sizes().values()) == len(years)


@given(st.lists(st.integers(0, 12), min_size=30, max_size=80), st.integers(0, 5))
def test_folds_hold_whole_clusters_and_are_of_like_size(labels, seed):
    clusters = {str(k): str(label) for k, label in enumerate(labels)}
    if len(set(labels)) < 3:
        return
    folds = cluster_folds(clusters, folds=3, seed=seed)
    assert len({(clusters[i], fold) for i, fold in folds.items()}) == len(set(labels))
    sizes = Counter(folds.values())
    assert max(sizes.values()) - min(sizes.values()) <= max(Counter(labels).values())


def test_folds_survive_their_file(tmp_path):
    folds = {"b": 1, "a": 0}
    write_folds(tmp_path / "folds.csv", folds)
    assert read_folds(tmp_path / "folds.csv") == folds
    (tmp_path / "twice.csv").write_text("id,fold\na,1\na,2\n")
    with pytest.raises(SourceError, match="twice"):
        read_folds(tmp_path / "twice.csv")
    with pytest.raises(ConfigError, match="2 clusters cannot make 5 folds"):
        cluster_folds({"a": "x", "b": "y"})


def test_splits_by_name_on_the_command_line(tmp_path):
    rows = "".join(f"a{k},x.pdb,{2010 + k},refined general\n" for k in range(10))
    (tmp_path / "set.csv").write_text("id,protein,year,sets\n" + rows)
    (tmp_path / "core.txt").write_text("a3\n")
    _, split = open_with_split(tmp_path / "set.csv", split="time:2015,2018")
    assert split.sizes() == {"train": 5, "val": 3, "test": 2}
    _, split = open_with_split(tmp_path / "set.csv", split=f"core:{tmp_path / 'core.txt'}:general")
    assert split.sizes() == {"train": 8, "val": 1, "test": 1}
    rows = "".join(f"a{k},x.pdb,t{k // 2}\n" for k in range(20))
    (tmp_path / "targets.csv").write_text("id,protein,target\n" + rows)
    items, split = open_with_split(tmp_path / "targets.csv", split="clusters:5:1:target")
    target = {item.id: item.labels["target"] for item in items}
    sides = [{target[i] for i in split.part(part)} for part in PARTS]
    assert [len(side) for side in sides] == [7, 1, 2]
    assert len(set().union(*sides)) == 10
    _, part = open_with_split(tmp_path / "targets.csv", split="clusters:5:1:target")
    assert part == split
    with pytest.raises(ConfigError, match="no fold 5"):
        open_with_split(tmp_path / "targets.csv", split="clusters:5:5:target")
    with pytest.raises(ConfigError, match="clusters:5:0"):
        open_with_split(tmp_path / "targets.csv", split="clusters:5")
    with pytest.raises(ConfigError, match="time:2015,2019"):
        open_with_split(tmp_path / "set.csv", split="time:soon")
    with pytest.raises(SourceError, match="none"):
        open_with_split(tmp_path / "set.csv", split=f"core:{tmp_path / 'none'}")


def test_smaller_shares_hold_whole_clusters_of_the_larger_ones():
    clusters = {f"a{k}": f"t{k // 4}" for k in range(120)}
    folds = cluster_folds(clusters)
    parts = [fold_split(clusters, folds, test=2, share=share) for share in (0.25, 0.5, 1.0)]
    trained = [set(part.train) for part in parts]
    assert trained[0] < trained[1] < trained[2]
    assert [len(t) / len(trained[2]) for t in trained] == pytest.approx([0.25, 0.5, 1.0], abs=0.05)
    for part in parts:
        assert (part.val, part.test) == (parts[0].val, parts[0].test)
        assert all(
            (i in part.train) == (j in part.train) for i in part.train for j in clusters if clusters[i] == clusters[j]
        )


def test_clusters_without_a_label_are_those_of_the_sequences(tmp_path):
    for k in range(3):
        write_pair(tmp_path, f"a{k}", residues=6)
    rows = "".join(f"a{k},a{k}_pocket.pdb,a{k}_ligand.sdf,5\n" for k in range(3))
    (tmp_path / "set.csv").write_text("id,protein,ligand,value\n" + rows)
    # all glycines: one target
    with pytest.raises(ConfigError, match="1 clusters cannot make 2 folds"):
        open_with_split(tmp_path / "set.csv", split="clusters:2:0")
