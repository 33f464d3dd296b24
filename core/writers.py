"""Examples to a file: each row's bytes as they came, or another format."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson
import pyarrow as pa

from .blocks import json_ready
from .delimited import DELIMITERS, header_names, parse_records
from .errors import DataError
from .joined_lines import joined_lines
from .records import Examples
from .store import atomic_path


def original_rows(examples: Examples, rows: Sequence[int] | None = None) -> list[dict[str, Any]]:
    """The original fields of the given rows (positions; none: all), JSON-ready; fields of csv and tsv are text."""
    source = examples.source if rows is None else examples.source.take(pa.array(rows, pa.int64()))
    if examples.format in ("parquet", "arrow"):
        return [json_ready(row) for row in source.to_pylist()]
    raw = source["raw"].to_pylist()
    if examples.format in DELIMITERS:
        names = header_names(examples.header, examples.format)
        return [dict(zip(names, record, strict=True)) for record in parse_records(raw, examples.format)]
    return [orjson.loads(line) for line in raw]


def write_examples(
    examples: Examples,
    path: str | Path,
    format: str | None = None,  # noqa: A002
    *,
    rows: np.ndarray[Any, Any] | None = None,
) -> None:
    """Write examples (or some of their rows, ascending) in the format they came in, or in another one.

    The file is whole or absent.

    In their own format rows keep their bytes (jsonl, csv, tsv: the header once), their JSON values (json) or their
    schema and types (parquet, arrow). A text file whose name ends in `.gz` or `.zst` is compressed.

    Raises:
        DataError: the other format is unknown, or cannot hold the rows.
    """
    path = Path(path)
    with atomic_path(path) as fresh:
        if format in (None, examples.format):
            _write_same(examples, fresh, rows)
        else:
            _write_other(original_rows(examples, None if rows is None else rows.tolist()), fresh, str(format))


def _write_same(examples: Examples, path: Path, rows: np.ndarray[Any, Any] | None) -> None:
    if examples.format not in ("parquet", "arrow", "json"):
        with _open(path) as stream:
            if examples.header:
                stream.write(examples.header + b"\n")
            for lines in joined_lines(examples.source["raw"], rows):
                stream.write(lines)
        return
    source = examples.source if rows is None else examples.source.take(pa.array(rows))
    if examples.format == "json":
        _write_json(source["raw"].to_pylist(), examples.header, path)
    else:
        _write_table(source, path, examples.format)


def _write_json(elements: Sequence[bytes], header: bytes, path: Path) -> None:
    """An array with one element a line, inside the object that held it."""
    array = b"[\n" + b",\n".join(elements) + b"\n]"
    if header:
        fields = orjson.loads(header).items()
        array = (
            b"{" + b",".join(orjson.dumps(k) + b":" + (array if v == [] else orjson.dumps(v)) for k, v in fields) + b"}"
        )
    with _open(path) as stream:
        stream.write(array + b"\n")


def _write_table(table: pa.Table, path: Path, table_format: str) -> None:
    if table_format == "parquet":
        import pyarrow.parquet as pq

        pq.write_table(table, path)
        return
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table.unify_dictionaries())  # the file format holds one dictionary per column


def _write_other(rows: Sequence[Mapping[str, Any]], path: Path, wanted: str) -> None:
    if wanted == "jsonl":
        with _open(path) as stream:
            stream.writelines(orjson.dumps(row) + b"\n" for row in rows)
    elif wanted == "json":
        _write_json([orjson.dumps(row) for row in rows], b"", path)
    elif wanted in DELIMITERS:
        _write_delimited(rows, path, DELIMITERS[wanted])
    elif wanted in ("parquet", "arrow"):
        try:
            table = pa.table({name: [row.get(name) for row in rows] for name in _names(rows)})
        except (pa.ArrowException, OverflowError) as error:
            reason = str(error).splitlines()[0]
            raise DataError(f"{path.name}: a column holds values of several types ({reason}); write jsonl") from error
        _write_table(table, path, wanted)
    else:
        raise DataError(f"{wanted}: unknown format; one of jsonl, json, csv, tsv, parquet, arrow")


def _write_delimited(rows: Sequence[Mapping[str, Any]], path: Path, delimiter: str) -> None:
    """Every column that any row has; null is an empty field, and what is no text is written as JSON."""
    names = _names(rows)
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    with _open(path) as stream:
        stream.write(text.getvalue().encode())


def _names(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


@contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    """A stream into a file, compressed if its name says so."""
    with path.open("wb") as file:
        if path.suffix == ".gz":
            import gzip

            # Without time and name equal rows make equal files.
            with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as stream:
                yield stream  # type: ignore[misc]
        elif path.suffix in (".zst", ".zstd"):
            import zstandard

            with zstandard.ZstdCompressor().stream_writer(file) as stream:
                yield stream
        else:
            yield file
