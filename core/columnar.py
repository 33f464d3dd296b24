"""Parquet and Arrow files, and tables in memory, to blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from .blocks import Block, TableRows
from .records import BadRow
from .streams import BrokenFileError

TABLE_ROWS = 1 << 16
"""Rows of a columnar file that are read at once."""


DAMAGE = (pa.ArrowException, OSError, ValueError, KeyError, OverflowError)
"""What Arrow raises on damaged files: also a column name may be no UTF-8, a length negative."""


def read_parquet(path: Path, name: str) -> Iterator[Block]:
    """A Parquet file, some rows at a time.

    Raises:
        BrokenFileError: it is no whole Parquet file.
    """
    import pyarrow.parquet as pq

    done = 0
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            schema = file.schema_arrow
            for batch in file.iter_batches(TABLE_ROWS):
                yield table_block(name, pa.Table.from_batches([batch]).cast(schema), done)
                done += batch.num_rows
    except DAMAGE as error:
        raise BrokenFileError(f"not a whole Parquet file ({_first_line(error)})", line=done + 1) from error


def read_arrow(path: Path, name: str) -> Iterator[Block]:
    """An Arrow IPC file, an Arrow stream or a Feather file, mapped into memory.

    Raises:
        BrokenFileError: it is none of these, or not whole.
    """
    import pyarrow.feather as feather

    done = 0
    try:
        mapped = pa.memory_map(str(path))
        magic = mapped.read(6)
        mapped.seek(0)
        if magic[:4] == b"FEA1":
            batches = iter(feather.read_table(path).to_batches(TABLE_ROWS))
        elif magic == b"ARROW1":
            file = pa.ipc.open_file(mapped)
            batches = (file.get_batch(at) for at in range(file.num_record_batches))
        else:
            batches = iter(pa.ipc.open_stream(mapped))
        for batch in batches:
            yield table_block(name, pa.Table.from_batches([batch]), done)
            done += batch.num_rows
    except DAMAGE as error:
        raise BrokenFileError(f"not a whole Arrow file ({_first_line(error)})", line=done + 1) from error


def table_block(name: str, table: pa.Table, done: int = 0) -> Block:
    """Rows of a table of which `done` rows came before.

    Raises:
        BrokenFileError: two columns have one name.
    """
    names = table.column_names
    if repeated := sorted({column for column in names if names.count(column) > 1}):
        raise BrokenFileError(f"the column {repeated[0]!r} occurs {names.count(repeated[0])} times; rename one")
    lines: Sequence[int] = range(done + 1, done + 1 + table.num_rows)
    bad: list[BadRow] = []
    if not _is_sound(table):
        table, lines, bad = _sort_out_table(name, table, lines)
    return Block(file=name, lines=lines, rows=TableRows(table), source=table, bad=bad)


def _is_sound(table: pa.Table) -> bool:
    """Whether all text is UTF-8, which Arrow's readers do not check.

    Raises:
        BrokenFileError: the table's own structure is damaged, so that touching a value could read foreign memory.
    """
    problems = [_problem(values) for values in table.columns]
    for column, values, problem in zip(table.column_names, table.columns, problems, strict=True):
        is_text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
        # As bytes the same column is sound where its text alone is at fault.
        if problem and not (is_text and "UTF8" in problem and not _problem(values.cast(pa.large_binary()))):
            raise BrokenFileError(f"the column {column!r} is damaged ({problem})")
    return not any(problems)


def _problem(values: pa.ChunkedArray) -> str:
    try:
        values.validate(full=True)
    except pa.ArrowInvalid as error:
        return _first_line(error)
    return ""


def _sort_out_table(name: str, table: pa.Table, lines: Sequence[int]) -> tuple[pa.Table, Sequence[int], list[BadRow]]:
    """Rows whose text is no UTF-8 aside."""
    errors = [_undecodable(table.slice(at, 1)) for at in range(table.num_rows)]
    good = [at for at, error in enumerate(errors) if error is None]
    bad = [
        BadRow(
            file=name,
            line=line,
            reason=f"byte {error.object[error.start]:#04x} of a text is not UTF-8; write the file anew",
            row=ascii(error.object),
        )
        for line, error in zip(lines, errors, strict=True)
        if error is not None
    ]
    return table.take(pa.array(good, pa.int64())), [lines[at] for at in good], bad


def _undecodable(row: pa.Table) -> UnicodeDecodeError | None:
    try:
        row.to_pylist()
    except UnicodeDecodeError as error:
        return error
    return None


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
