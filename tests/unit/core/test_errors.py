import pickle

import pytest

from molinteract.core.errors import EntryError, MissingExtraError, MolinteractError, StoreError
from molinteract.core.optional import require
from molinteract.core.reasons import MEANING, Reason


def test_text_names_entry_code_and_remedy():
    error = StoreError("checksum differs", entry="DB/shards/patches-00000.parquet", remedy="build it again")
    assert str(error) == ("DB/shards/patches-00000.parquet: checksum differs [store]\n  remedy: build it again")


@pytest.mark.parametrize(
    "error",
    [
        MolinteractError("a", entry="b", remedy="c"),
        StoreError("a"),
        EntryError(Reason.CLASH, "C1 and C2 are 0.4 Å apart", entry="x.cif#y"),
    ],
)
def test_error_survives_a_worker_process(error):
    copy = pickle.loads(pickle.dumps(error))  # our own object, made one line above
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


def test_entry_error_prints_its_reason():
    assert "[clash]" in str(EntryError(Reason.CLASH, "too close"))


def test_every_reason_has_a_meaning():
    assert set(MEANING) == set(Reason)


def test_missing_extra_names_the_extra():
    with pytest.raises(MissingExtraError, match=r"pip install 'molinteract\[search\]'"):
        require("no_such_package_at_all", extra="search", purpose="vector search")


def test_require_returns_the_module():
    assert require("json", extra="none", purpose="a test").loads("1") == 1
