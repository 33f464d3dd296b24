"""Data in and out: a path, a table or a list of dicts to examples; examples to a file, each row's bytes as they came."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from .canonical import canonical_rows
from .errors import DataError
from .kinds import Layout, recognise
from .readers import Block, read_blocks, read_jsonl
from .records import BadRow, Examples, Kind
from .store import atomic_path

SAMPLE_ROWS = 1000
"""Rows that are looked at to recognise kind and columns."""

FORMATS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "tsv"}


def load_examples(
    data: Any, *, kind: Kind | None = None, columns: Mapping[str, str] | None = None, allow_partial: bool = False
) -> Examples:
    """Read examples from a path or a list of dicts; Examples pass through.

    Raises:
        DataError: nothing there can be read, no row is usable, or kind and columns cannot be told.
    """
    if isinstance(data, Examples):
        return data
    file_format, blocks = _blocks(data)
    rows = [row for block in blocks for row in block.rows if row is not None][:SAMPLE_ROWS]
    place = blocks[0].file if blocks else str(data)
    if not rows:
        raise DataError(f"{place}: no usable row" + _first_reason([bad for block in blocks for bad in block.bad]))
    names = list(dict.fromkeys(name for row in rows for name in row))
    layout = recognise(names, rows, place=place, kind=kind, columns=columns)
    return _assemble(blocks, layout, file_format)


def _blocks(data: Any) -> tuple[str, list[Block]]:
    if isinstance(data, str | Path):
        path = Path(data)
        suffixes = [suffix for suffix in path.suffixes if suffix != ".gz"]
        file_format = FORMATS.get(suffixes[-1] if suffixes else "", "")
        if not path.is_file() or not file_format:
            raise DataError(f"{data}: no such data file")
        return file_format, list(read_blocks(path, str(data), file_format))
    lines = b"\n".join(orjson.dumps(row) for row in data)
    return "jsonl", [read_jsonl(lines, "<list>")]


def _assemble(blocks: Iterable[Block], layout: Layout, file_format: str) -> Examples:
    tables, sources, bad, header = [], [], [], b""
    for block in blocks:
        made = canonical_rows(block.rows, layout)
        file = pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(made.good), np.int32)), pa.array([block.file]))
        lines = pa.array([block.lines[at] for at in made.good], pa.int64())
        tables.append(pa.table({**made.columns, "file": file, "line": lines}))
        sources.append(block.source.take(pa.array(made.good, pa.int64())))
        bad += list(block.bad)
        bad += [BadRow(file=block.file, line=block.lines[at], reason=why, row=block.rows[at]) for at, why in made.bad]
        header = header or block.header
    table = pa.concat_tables(tables).unify_dictionaries()
    if not len(table):
        raise DataError(f"{bad[0].file}: no usable row" + _first_reason(bad))
    bad.sort(key=lambda row: row.line)
    return Examples(
        table=table,
        kind=layout.kind,
        columns=layout.names,
        source=pa.concat_tables(sources),
        format=file_format,
        header=header,
        bad_rows=tuple(bad),
    )


def _first_reason(bad: Sequence[BadRow]) -> str:
    return f"; the first of {len(bad)} bad rows: line {bad[0].line}: {bad[0].reason}" if bad else ""


def original_rows(examples: Examples, rows: Sequence[int] | None = None) -> list[Any]:
    """The original fields of the given rows (positions; none: all), as dicts."""
    source = examples.source if rows is None else examples.source.take(pa.array(rows, pa.int64()))
    if source.column_names != ["raw"]:
        return source.to_pylist()  # type: ignore[no-any-return]
    raw = source["raw"].to_pylist()
    if examples.format in ("csv", "tsv"):
        import csv

        delimiter = "," if examples.format == "csv" else "\t"
        names, *records = csv.reader(
            (text.decode() for text in [examples.header, *raw]), delimiter=delimiter, strict=False
        )
        return [dict(zip(names, record, strict=True)) for record in records]
    return [orjson.loads(line) for line in raw]


def write_examples(examples: Examples, path: Path) -> None:
    """Write examples in the format they were read in, every row's bytes as they came.

    A path that ends in `.gz` is compressed.
    """
    raw = examples.source["raw"].to_pylist()
    head = [examples.header] if examples.header else []
    data = b"".join(line + b"\n" for line in [*head, *raw])
    with atomic_path(Path(path)) as fresh:
        fresh.write_bytes(gzip.compress(data, mtime=0) if Path(path).suffix == ".gz" else data)
