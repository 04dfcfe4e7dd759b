import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from molinteract.core.parquet import read_parquet

TABLE = pa.table({"a": [1, 2, 3], "b": [[1.0], [], None], "c": pa.array(["x", "y", "x"]).dictionary_encode()})


@pytest.fixture
def path(tmp_path):
    pq.write_table(TABLE, tmp_path / "t.parquet")
    return tmp_path / "t.parquet"


def test_file_and_bytes_are_read_alike(path):
    for source in (path, path.read_bytes()):
        assert read_parquet(source).equals(pq.read_table(path))
        assert read_parquet(source, ["b", "a"]).equals(pq.read_table(path, columns=["b", "a"]))


def test_missing_column_is_an_error(path):
    with pytest.raises(pa.ArrowKeyError, match="no column d"):
        read_parquet(path, ["a", "d"])


def test_no_thread_is_left_behind(path):
    code = (
        "import sys; from pathlib import Path; from molinteract.core.parquet import read_parquet\n"
        "def threads(): return len(list(Path('/proc/self/task').iterdir()))\n"
        "import pyarrow, pyarrow.parquet\n"
        "before = threads(); read_parquet(Path(sys.argv[1])); assert threads() == before, threads() - before"
    )
    if not sys.platform.startswith("linux"):
        pytest.skip("threads are counted through /proc")
    subprocess.run([sys.executable, "-c", code, str(path)], check=True, timeout=60)
