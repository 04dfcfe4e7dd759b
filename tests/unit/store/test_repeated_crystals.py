"""One crystal under several names is recognised; polymorphs and other compounds are not taken for it."""

import pytest

from molinteract.app.health import FORMIC_ACID
from molinteract.store.build import build
from molinteract.store.dataset import open_dataset
from molinteract.store.statistics import repeats, summarise

TEXT = FORMIC_ACID.decode()


def swapped():
    """The same crystal with its axes named c, a, b."""
    lines = []
    for line in TEXT.splitlines():
        words = line.split()
        if line.startswith("_cell_length"):
            value = {"a": "5.356", "b": "10.241", "c": "3.544"}[words[0][-1]]
            lines.append(f"{words[0]} {value}")
        elif len(words) == 5:
            lines.append(" ".join([*words[:2], words[4], words[2], words[3]]))
        elif line.count(",") == 2:
            x, y, z = line.split(",")
            moved = [part.translate(str.maketrans("xyz", "yzx")) for part in (z, x, y)]
            lines.append(",".join(moved))
        else:
            lines.append(line)
    return "\n".join(lines)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("duplicates") / "cifs"
    folder.mkdir()
    texts = {
        "a": TEXT,
        "b_cooled": TEXT.replace("10.241", "10.140").replace("3.544", "3.500"),
        "c_other_axes": swapped(),
        "d_polymorph": TEXT.replace("10.241", "12.241"),
        "e_other_compound": TEXT.replace("H1 H", "F1 F"),
        "f_polymorph_again": TEXT.replace("10.241", "12.3"),
    }
    for name, text in texts.items():
        (folder / f"{name}.cif").write_text(text)
    build([str(folder)], folder.parent / "db")
    return open_dataset(folder.parent / "db")


def test_same_crystal_is_recognised(dataset):
    names = [file.rpartition("/")[2].removesuffix(".cif") for file in dataset.crystals["file"].to_pylist()]
    found = {name: names[row] for name, row in zip(names, repeats(dataset).tolist(), strict=True)}
    assert found == {
        "a": "a",
        "b_cooled": "a",
        "c_other_axes": "a",
        "d_polymorph": "d_polymorph",
        "e_other_compound": "e_other_compound",
        "f_polymorph_again": "d_polymorph",
    }


def test_statistics_count_them(dataset):
    assert summarise(dataset).near_duplicates == 3
