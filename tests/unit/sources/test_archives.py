"""Archives of every kind: what is in them, in a fixed order, in bounded memory; a damaged member costs itself only."""

import bz2
import gzip
import io
import lzma
import os
import sys
import tarfile
import tracemalloc
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from molinteract.app.cli.main import run
from molinteract.app.health import FORMIC_ACID
from molinteract.core.errors import SourceError
from molinteract.crystals.raw import RawStructure
from molinteract.crystals.rejected import Rejected
from molinteract.sources import archives, files
from molinteract.sources.entries import iterate
from molinteract.store.dataset import open_dataset

NAMES = ("b/2.cif", "1.cif.gz", "a/x.cif.xz", "read.me")


def packed(name, data=FORMIC_ACID):
    for suffix, pack in ((".gz", gzip.compress), (".xz", lzma.compress), (".bz2", bz2.compress)):
        if name.endswith(suffix):
            return pack(data)
    return data


def make_tar(members, mode="w"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        folder = tarfile.TarInfo("a")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def make_zip(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


MEMBERS = [(name, packed(name)) for name in NAMES]
ARCHIVES = {
    ".zip": make_zip(MEMBERS),
    ".tar": make_tar(MEMBERS),
    ".tar.gz": make_tar(MEMBERS, "w:gz"),
    ".tgz": make_tar(MEMBERS, "w:gz"),
    ".tar.bz2": make_tar(MEMBERS, "w:bz2"),
    ".tar.xz": make_tar(MEMBERS, "w:xz"),
}


def read(path):
    return {item.key: list(item.read()) for item in iterate(str(path))}


@pytest.mark.parametrize("suffix", ARCHIVES)
def test_every_cif_in_an_archive_is_read(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    path.write_bytes(ARCHIVES[suffix])
    found = read(path)
    assert sorted(found) == [f"x{suffix}/1.cif.gz", f"x{suffix}/a/x.cif.xz", f"x{suffix}/b/2.cif"]
    assert all(isinstance(entry, RawStructure) for (entry,) in found.values())


@pytest.mark.parametrize("outer", [".zip", ".tar.gz"])
@pytest.mark.parametrize("inner", [".zip", ".tar.xz"])
def test_archive_inside_an_archive_is_read_and_no_deeper(tmp_path, outer, inner):
    deep = make_zip([("1.cif", FORMIC_ACID)])
    middle = [("1.cif", FORMIC_ACID), ("2.cif.gz", gzip.compress(FORMIC_ACID)), ("deep.zip", deep)]
    content = make_tar(middle, "w:xz") if inner == ".tar.xz" else make_zip(middle)
    members = [("0.cif", FORMIC_ACID), (f"in{inner}", content), ("9.cif", FORMIC_ACID)]
    path = tmp_path / f"x{outer}"
    path.write_bytes(make_tar(members, "w:gz") if outer == ".tar.gz" else make_zip(members))
    found = read(path)
    assert [key.removeprefix(f"x{outer}/") for key, (entry,) in found.items() if isinstance(entry, RawStructure)] == (
        ["0.cif", f"in{inner}/1.cif", f"in{inner}/2.cif.gz", "9.cif"]
        if outer == ".tar.gz"
        else ["0.cif", "9.cif", f"in{inner}/1.cif", f"in{inner}/2.cif.gz"]
    )
    (refused,) = found[f"x{outer}/in{inner}/deep.zip"]
    assert "unpack it" in refused.detail


def test_items_can_be_read_in_any_order(tmp_path):
    path = tmp_path / "x.tar.gz"
    path.write_bytes(make_tar([(f"{k}.cif", FORMIC_ACID.replace(b"10.241", b"10.2%d" % k)) for k in range(9)], "w:gz"))
    items = list(iterate(str(path)))
    forward = [next(iter(item.read())).cell[0] for item in items]
    assert [next(iter(item.read())).cell[0] for item in reversed(items)] == forward[::-1]
    assert len(set(forward)) == 9


def test_large_tar_is_unpacked_once_when_read_in_order(tmp_path, monkeypatch):
    path = tmp_path / "x.tar.gz"
    path.write_bytes(make_tar([(f"{k}.cif", FORMIC_ACID) for k in range(60)], "w:gz"))
    rewinds = []
    original = archives._Tar._rewind
    monkeypatch.setattr(archives._Tar, "_rewind", lambda self: (rewinds.append(1), original(self))[1])
    items = list(iterate(str(path)))
    rewinds.clear()
    assert all(isinstance(entry, RawStructure) for item in items for entry in item.read())
    assert len(rewinds) == 1


def test_names_used_twice_in_a_tar_stay_apart(tmp_path):
    path = tmp_path / "x.tar"
    path.write_bytes(make_tar([("a.cif", FORMIC_ACID), ("a.cif", FORMIC_ACID.replace(b"10.241", b"10.3"))]))
    found = read(path)
    assert list(found) == ["x.tar/a.cif", "x.tar/~2/a.cif"]
    assert [entry.cell[0] for (entry,) in found.values()] == [10.241, 10.3]


def test_truncated_tar_keeps_what_is_whole_and_names_the_rest(tmp_path):
    path = tmp_path / "x.tar"
    whole = make_tar([(f"{k}.cif", FORMIC_ACID) for k in range(4)])
    path.write_bytes(whole[: whole.rindex(b"data_formic_acid") + 100])
    found = read(path)
    kept = [key for key, entries in found.items() if isinstance(entries[0], RawStructure)]
    assert kept == ["x.tar/0.cif", "x.tar/1.cif", "x.tar/2.cif"]
    assert all(isinstance(entry, Rejected) and entry.detail for key in found.keys() - kept for entry in found[key])
    assert len(found) > 3


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"no archive at all" * 99])
@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz", ".txz"])
def test_damaged_archive_is_an_error_alone_and_a_reject_among_others(tmp_path, suffix, content):
    (tmp_path / f"x{suffix}").write_bytes(content)
    (tmp_path / "y.cif").write_bytes(FORMIC_ACID)
    with pytest.raises(SourceError, match="archive that can be read"):
        list(iterate(str(tmp_path / f"x{suffix}")))
    (bad,), (good,) = read(tmp_path).values()
    assert isinstance(bad, Rejected)
    assert "archive that can be read" in bad.detail
    assert isinstance(good, RawStructure)


def test_encrypted_member_is_a_reject(tmp_path):
    path = tmp_path / "x.zip"
    data = bytearray(make_zip([("a.cif", FORMIC_ACID), ("b.cif", FORMIC_ACID)]))
    for start in (data.find(b"PK\x03\x04") + 6, data.find(b"PK\x01\x02") + 8):
        data[start] |= 1  # the flag that says: encrypted
    path.write_bytes(bytes(data))
    (bad,), (good,) = read(path).values()
    assert "password" in bad.detail
    assert isinstance(good, RawStructure)


def test_database_inside_an_archive_is_named(tmp_path):
    (tmp_path / "x.zip").write_bytes(make_zip([("a.db", b"SQLite format 3")]))
    ((entry,),) = read(tmp_path / "x.zip").values()
    assert "unpack it" in entry.detail


def test_member_that_never_ends_is_refused_in_bounded_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "PIECE", 10_000)
    monkeypatch.setattr(files, "LARGEST_PIECE", 200_000)
    (tmp_path / "x.zip").write_bytes(make_zip([("bomb.cif", b"data_x\n;\n" + b"0" * 80_000_000)]))
    items = list(iterate(str(tmp_path / "x.zip")))
    tracemalloc.start()
    (entry,) = items[0].read()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert entry.reason == "too_large"
    assert peak < 5_000_000


def test_tree_of_cod_is_listed_by_number(tmp_path):
    for number in ("1000001", "1000000", "2016000", "9000046"):
        folder = tmp_path / "cif" / number[0] / number[1:3] / number[3:5]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.cif").write_bytes(FORMIC_ACID)
        (folder / f"{number}.hkl").write_text("1 0 0")
    assert [item.key for item in iterate(str(tmp_path / "cif"))] == [
        "cif/1/00/00/1000000.cif", "cif/1/00/00/1000001.cif", "cif/2/01/60/2016000.cif", "cif/9/00/00/9000046.cif",
    ]  # fmt: skip


def test_paths_are_taken_from_standard_input(tmp_path, monkeypatch):
    (tmp_path / "a.cif").write_bytes(FORMIC_ACID)
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "b.cif").write_bytes(FORMIC_ACID)
    (tmp_path / "n.txt").write_text("x")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO("a.cif\r\n\nf\0gone.cif\nn.txt\n"))
    found = {item.key: next(iter(item.read())) for item in iterate("-")}
    assert [key for key, entry in found.items() if isinstance(entry, RawStructure)] == ["a.cif", "f/b.cif"]
    assert "no such file" in found["gone.cif"].detail
    assert "no format" in found["n.txt"].detail
    monkeypatch.setattr(sys, "stdin", io.StringIO("a.cif\nf\n"))
    assert run(["build", "-", "-o", str(tmp_path / "db"), "--quiet"]) == 0
    assert open_dataset(tmp_path / "db").n_entries == 2
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))
    with pytest.raises(SourceError, match="nothing was named"):
        list(iterate("-"))


def test_odd_file_names_become_valid_text(tmp_path):
    folder = tmp_path / "Kristalle äöü 结晶"
    folder.mkdir()
    (folder / os.fsdecode(b"n\xe9on.cif")).write_bytes(FORMIC_ACID)
    (folder / "größe.cif").write_bytes(FORMIC_ACID)
    found = read(folder)
    assert set(found) == {"Kristalle äöü 结晶/n\\xe9on.cif", "Kristalle äöü 结晶/größe.cif"}
    for key, (entry,) in found.items():
        assert isinstance(entry, RawStructure)
        assert key.encode()  # no lone surrogate is left


def test_link_to_a_folder_above_is_not_followed(tmp_path):
    (tmp_path / "a.cif").write_bytes(FORMIC_ACID)
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    assert len(list(iterate(str(tmp_path)))) == 1


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(ARCHIVES)), st.data())
def test_no_damage_to_an_archive_raises_or_goes_unnamed(tmp_path, suffix, data):
    content = bytearray(ARCHIVES[suffix])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            content[at] = data.draw(st.integers(0, 255))
        else:
            del content[at : at + data.draw(st.integers(1, 40))]
        if not content:
            return
    path = tmp_path / f"x{suffix}"
    path.write_bytes(bytes(content))
    try:
        found = read(path)
    except SourceError:
        return  # the archive as a whole, in words
    for entries in found.values():
        assert entries
        assert all(isinstance(entry, RawStructure) or entry.detail for entry in entries)


def test_folder_that_cannot_be_listed_is_named(tmp_path, monkeypatch):
    (tmp_path / "closed").mkdir()
    (tmp_path / "a.cif").write_bytes(FORMIC_ACID)
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    (good,), (bad,) = read(tmp_path).values()
    assert isinstance(good, RawStructure)
    assert "Permission denied" in bad.detail
