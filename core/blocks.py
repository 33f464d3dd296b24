"""What every reader yields: a block of rows with their place, their bytes as they came, and their fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

import orjson
import pyarrow as pa

from .records import BadRow

ROWS_AT_ONCE = 1024
"""Rows of a table that are Python objects at one time."""


class Rows(Protocol):
    """Parsed fields, by column where all is well and by row where not."""

    def __len__(self) -> int:
        """Number of rows."""

    def column(self, name: str) -> pa.Array | list[Any]:
        """One field of every row, None where it is null or missing."""

    def head(self, count: int) -> Iterator[Mapping[str, Any]]:
        """All fields of each of the first rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Some rows of one file, in order."""

    file: str
    """Path as the user gave it."""
    lines: Sequence[int]
    """1-based line (row in a columnar file) of each row."""
    rows: Rows
    """Their fields."""
    source: pa.Table
    """The rows as they came, aligned with `rows`."""
    bad: Sequence[BadRow] = ()
    """Rows between them that could not be parsed, by line."""
    header: bytes = b""
    """What stands before the rows of a csv, tsv or json file."""


@dataclass(frozen=True, slots=True)
class DictRows:
    """Rows parsed from JSON objects."""

    rows: Sequence[Mapping[str, Any]]

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> list[Any]:
        """One field of every row."""
        try:
            return [row[name] for row in self.rows]
        except KeyError:
            return [row.get(name) for row in self.rows]

    def head(self, count: int) -> Iterator[Mapping[str, Any]]:
        """All fields of each of the first rows."""
        return islice(self.rows, count)


@dataclass(frozen=True, slots=True)
class RecordRows:
    """Rows parsed from delimited text; every record has as many fields as there are names."""

    names: Sequence[str]
    records: Sequence[Sequence[str]]

    def __len__(self) -> int:
        return len(self.records)

    def column(self, name: str) -> list[Any]:
        """One field of every row."""
        if name not in self.names:
            return [None] * len(self.records)
        at = self.names.index(name)
        return [record[at] for record in self.records]

    def head(self, count: int) -> Iterator[Mapping[str, Any]]:
        """All fields of each of the first rows."""
        return (dict(zip(self.names, record, strict=True)) for record in islice(self.records, count))


@dataclass(frozen=True, slots=True)
class TableRows:
    """Rows of an Arrow table; a column of class numbers is read as its class names."""

    table: pa.Table

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def column(self, name: str) -> pa.Array | list[Any]:
        """One field of every row."""
        if name not in self.table.column_names:
            return [None] * len(self)
        column = self.table[name].combine_chunks()
        names = class_names(self.table.schema).get(name)
        return [_named(number, names) for number in column.to_pylist()] if names else column

    def head(self, count: int) -> Iterator[Mapping[str, Any]]:
        """All fields of each of the first rows."""
        classes = class_names(self.table.schema)
        for start in range(0, min(count, len(self)), ROWS_AT_ONCE):
            for row in self.table.slice(start, min(ROWS_AT_ONCE, count - start)).to_pylist():
                yield {**row, **{name: _named(row[name], names) for name, names in classes.items()}}


def class_names(schema: pa.Schema) -> dict[str, list[str]]:
    """Columns that hold class numbers, with the names of the classes, as the `datasets` library notes them."""
    try:
        features = dict(orjson.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"])
    except (KeyError, TypeError, ValueError):
        return {}
    return {
        name: feature["names"]
        for name, feature in features.items()
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and isinstance(feature.get("names"), list)
        if name in schema.names and pa.types.is_integer(schema.field(name).type)
    }


def _named(number: int | None, names: list[str]) -> str | None:
    """The name of a class; none for -1, which stands for a missing label."""
    return names[number] if number is not None and 0 <= number < len(names) else None


def json_ready(value: Any) -> Any:
    """The value as JSON can hold it: dates, bytes and the like as text.

    A value that is not JSON-ready even so (a lone surrogate, a key that is no text) becomes its `repr`.
    """
    try:
        return orjson.loads(orjson.dumps(value, default=str))
    except (TypeError, ValueError):
        return ascii(value)
