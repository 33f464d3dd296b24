"""Files to blocks of raw rows: each block knows its file, its lines and the bytes as they came."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from .errors import DataError
from .records import BadRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Some rows of one file, in order."""

    file: str
    """Path as the user gave it."""
    lines: Sequence[int]
    """1-based line (row in a columnar file) of each row."""
    rows: Sequence[Mapping[str, Any] | None]
    """Fields of each row; None where the row is among `bad`."""
    source: pa.Table
    """The rows as they came, aligned with `rows`."""
    bad: Sequence[BadRow] = field(default=())
    """Rows that could not be parsed."""
    header: bytes = b""
    """Header line of a csv or tsv file."""


def read_blocks(path: Path, name: str, file_format: str) -> Iterator[Block]:
    """The blocks of one file.

    Raises:
        DataError: it cannot be read.
    """
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if file_format == "jsonl":
        yield read_jsonl(data, name)
    elif file_format in ("csv", "tsv"):
        yield read_delimited(data, name, "," if file_format == "csv" else "\t")
    else:
        raise DataError(f"{name}: unknown format")


def read_jsonl(data: bytes, name: str) -> Block:
    """Lines of JSON objects; blank lines are no rows."""
    raw, lines, rows, bad = [], [], [], []
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            bad.append(BadRow(file=name, line=number, reason=f"not JSON ({error})", row=line.decode(errors="replace")))
            continue
        if not isinstance(row, dict):
            bad.append(BadRow(file=name, line=number, reason="not a JSON object", row=row))
            continue
        raw.append(line)
        lines.append(number)
        rows.append(row)
    return Block(file=name, lines=lines, rows=rows, source=pa.table({"raw": pa.array(raw, pa.large_binary())}), bad=bad)


def read_delimited(data: bytes, name: str, delimiter: str) -> Block:
    """Records of a csv or tsv file with a header; a quoted field may span lines."""
    text = data.decode("utf-8-sig").split("\n")
    physical = [line + "\n" for line in text[:-1]] + ([text[-1]] if text[-1] else [])
    reader = csv.reader(physical, delimiter=delimiter, strict=True)
    columns = next(reader)
    start = reader.line_num
    header = "".join(physical[:start]).encode().rstrip(b"\n")
    raw, lines, rows, bad = [], [], [], []
    for record in reader:
        line, record_text = start + 1, "".join(physical[start : reader.line_num]).removesuffix("\n")
        start = reader.line_num
        if not record:
            continue
        if len(record) != len(columns):
            reason = f"{len(record)} fields, the header has {len(columns)}"
            bad.append(BadRow(file=name, line=line, reason=reason, row=record_text))
            continue
        raw.append(record_text.encode())
        lines.append(line)
        rows.append(dict(zip(columns, record, strict=True)))
    source = pa.table({"raw": pa.array(raw, pa.large_binary())})
    return Block(file=name, lines=lines, rows=rows, source=source, bad=bad, header=header)
