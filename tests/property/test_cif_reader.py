"""Whatever the bytes, the reader names what it found, and nothing raises; what once broke it is kept here."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tools.fuzz_cif import damaged, judge

from molinteract.app.health import FORMIC_ACID
from molinteract.core.settings import BuildSettings
from molinteract.crystals.raw import RawStructure
from molinteract.crystals.read import read_cif
from molinteract.crystals.rejected import Rejected
from molinteract.store.process import ProcessedEntry, process

SEEDS = (
    FORMIC_ACID,
    FORMIC_ACID + FORMIC_ACID.replace(b"data_formic_acid", b"data_other"),
    FORMIC_ACID.replace(b"\n", b"\r\n"),
    b"\xef\xbb\xbf#\\#CIF_2.0\n" + FORMIC_ACID,
    FORMIC_ACID.replace(b"C1 C", b"'C 1' C").replace(b"data_", b"_chemical_name\n;\n 'acide' \xe9\n;\ndata_"),
)

BROKE_IT = {
    "names of columns but no value": b"data_x\n_cell_length_a 1\n_atom_site_label\n_atom_site_fract_x 0.1\n"
    b"_atom_site_fract_y 0.1\n_atom_site_fract_z 0.1\n",
    "loop that ends with its names": FORMIC_ACID[: FORMIC_ACID.index(b"C1 C")] + b"C1",
    "letter outside ASCII in an atom row": FORMIC_ACID.replace(b"C1 C", "Cé1 C".encode()),
    "letter outside ASCII in a block name": FORMIC_ACID.replace(b"data_formic", "data_ämeisen".encode()),
    "nothing": b"",
    "NUL only": b"\x00\x00",
    "block without a name": FORMIC_ACID.replace(b"data_formic_acid", b"data_"),
    "one name for two blocks": FORMIC_ACID * 2,
}


@pytest.mark.parametrize("case", BROKE_IT)
def test_what_once_broke_the_reader_is_named(case):
    assert judge(BROKE_IT[case]) == ""


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SEEDS), st.integers(0, 2**32))
def test_damaged_file_is_named(seed, number):
    assert judge(damaged(seed, random.Random(number))) == ""


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=40), st.sampled_from(FORMIC_ACID.split(b"\n"))), max_size=12))
def test_any_bytes_are_named(parts):
    assert judge(b"\n".join(parts)) == ""


def kept(data):
    (raw,) = read_cif(data, source="s", file="f")
    assert isinstance(raw, RawStructure), raw
    entry = process(raw, BuildSettings())
    assert isinstance(entry, ProcessedEntry), entry
    return entry


@pytest.mark.parametrize(
    "data",
    [
        FORMIC_ACID.replace(b"\n", b"\r\n"),
        FORMIC_ACID.replace(b"\n", b"\r"),
        b"\xef\xbb\xbf" + FORMIC_ACID,
        FORMIC_ACID.decode().encode("utf-16"),
        FORMIC_ACID.replace(b"data_formic_acid\n", b"data_formic_acid\n_publ_author_name 'M\xfcller, J.'\n"),
        FORMIC_ACID.replace(b"data_formic_acid\n", "data_formic_acid\n_publ_author_name 'Müller, 张'\n".encode()),
        FORMIC_ACID.replace(b"data_formic_acid\n", "data_formic_acid\n_publ_author_name Müller\n".encode()),
        FORMIC_ACID.replace(b"C1 C", "Cé1 C".encode()),
        FORMIC_ACID.replace(b"C1 C", b'"C1\'" C'),
        FORMIC_ACID + b"\x1a",
        FORMIC_ACID + b"\x00\x00\x00",
        b"\n\n  \n# made by hand\n" + FORMIC_ACID,
        FORMIC_ACID.rstrip(b"\n"),
    ],
    ids=[
        "CRLF", "CR", "BOM", "UTF-16", "Latin-1 in quotes", "UTF-8 in quotes", "UTF-8 bare", "UTF-8 in a label", "primed label",
        "Ctrl-Z", "NUL", "comment first", "no last line end",
    ],
)  # fmt: skip
def test_writing_of_a_file_changes_nothing_of_its_crystal(data):
    found, sound = kept(data), kept(FORMIC_ACID)
    assert found.crystal.compound == sound.crystal.compound
    assert len(found.patches) == len(sound.patches)
    assert found.patches.minimum_distance.tolist() == sound.patches.minimum_distance.tolist()


@pytest.mark.parametrize("end", [k for k in range(0, FORMIC_ACID.rindex(b" "), 13) if FORMIC_ACID[k : k + 1] != b"\n"])
def test_file_truncated_inside_a_line_is_rejected_in_words(end):
    # one truncated between two atom rows is the crystal of the atoms before, as far as it says itself
    entries = list(read_cif(FORMIC_ACID[:end], source="s", file="f"))
    assert len(entries) == 1
    result = process(entries[0], BuildSettings()) if isinstance(entries[0], RawStructure) else entries[0]
    assert isinstance(result, Rejected)
    assert result.detail
