"""Reading parquet files without leaving threads behind."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def read_parquet(source: str | Path | bytes, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a parquet file, or the bytes of one, in the calling thread.

    ``pyarrow.parquet.read_table`` hands the work to a scanner, whose threads may still be alive when the interpreter exits and
    then abort it, though all work is done (apache/arrow, issue 34314).

    Raises
    ------
    OSError, pyarrow.ArrowException
        If it cannot be read, or lacks a column.
    """
    with pq.ParquetFile(pa.BufferReader(source) if isinstance(source, bytes) else source, pre_buffer=False) as file:
        if columns is not None and (missing := set(columns) - set(file.schema_arrow.names)):
            raise pa.ArrowKeyError(f"no column {', '.join(sorted(missing))}")
        return file.read(columns=None if columns is None else list(columns), use_threads=False)
