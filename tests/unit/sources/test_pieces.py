"""A long file is read block by block: the same entries as read whole, whatever the cut."""

import gzip
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molinteract.app.health import FORMIC_ACID
from molinteract.crystals.raw import RawStructure
from molinteract.crystals.read import read_cif
from molinteract.sources import files
from molinteract.sources.entries import iterate

TRAP = b"_publ_comment_%d\n;\ndata_not_a_block\n;\n"


def blocks(count):
    for k in range(count):
        yield FORMIC_ACID.replace(b"data_formic_acid\n", b"data_x%d\n" % k + b"".join(TRAP % n for n in range(k % 3)))


def facts(entries):
    return [(e.entry, e.cell.tolist(), e.labels) if isinstance(e, RawStructure) else e for e in entries]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(1, 4000), st.sampled_from([b"\n", b"\r\n"]))
def test_pieces_together_are_the_file_and_give_its_entries(count, size, newline):
    data = b"".join(blocks(count)).replace(b"\n", newline)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "PIECE", size)
        parts = list(files.pieces(io.BytesIO(data)))
    assert b"".join(parts) == data
    whole = facts(read_cif(data, source="s", file="f"))
    assert facts(read_cif(parts, source="s", file="f")) == whole
    assert len(whole) == count


def test_long_file_is_cut_and_names_used_twice_stay_apart(tmp_path, monkeypatch):
    path = tmp_path / "many.cif.gz"
    path.write_bytes(gzip.compress(b"".join(blocks(4)) * 10))
    monkeypatch.setattr(files, "PIECE", 2000)
    (item,) = iterate(str(path))
    found = list(item.read())
    assert len({entry.entry for entry in found}) == 40
    assert found[4].entry == "many.cif.gz#x0~2"


def test_truncated_long_file_keeps_the_blocks_before_and_names_the_fault(tmp_path, monkeypatch):
    path = tmp_path / "many.cif.gz"
    path.write_bytes(gzip.compress(b"".join(blocks(400)), 0)[:100_000])
    monkeypatch.setattr(files, "PIECE", 2000)
    (item,) = iterate(str(path))
    found = list(item.read())
    assert len(found) > 50
    assert all(isinstance(entry, RawStructure) for entry in found[:-1])
    assert "cannot be unpacked" in found[-1].detail


def test_hash_is_that_of_the_content_unpacked(tmp_path):
    (tmp_path / "a.cif").write_bytes(FORMIC_ACID)
    (tmp_path / "b.cif.gz").write_bytes(gzip.compress(FORMIC_ACID))
    (tmp_path / "c.cif").write_bytes(FORMIC_ACID + b"\n")
    hashes = []
    for item in iterate(str(tmp_path)):
        reading = item.read()
        assert all(isinstance(entry, RawStructure) for entry in reading)
        hashes.append(reading.content_hash)
    assert hashes[0] == hashes[1] != hashes[2]
