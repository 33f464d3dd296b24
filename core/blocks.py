"""What every reader yields: a block of rows with their place, their bytes as they came, and their fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
import pyarrow as pa

from .records import BadRow


class Rows(Protocol):
    """Parsed fields, by column where all is well and by row where something is to be explained."""

    def __len__(self) -> int:
        """Number of rows."""

    def column(self, name: str) -> pa.Array | list[Any]:
        """One field of every row, None where it is null or missing."""

    def row(self, at: int) -> Mapping[str, Any]:
        """All fields of one row."""


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

    def row(self, at: int) -> Mapping[str, Any]:
        """All fields of one row."""
        return self.rows[at]


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

    def row(self, at: int) -> Mapping[str, Any]:
        """All fields of one row."""
        return dict(zip(self.names, self.records[at], strict=True))


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
        return _named(column, names) if names else column

    def row(self, at: int) -> Mapping[str, Any]:
        """All fields of one row."""
        fields: dict[str, Any] = self.table.slice(at, 1).to_pylist()[0]
        for name, names in class_names(self.table.schema).items():
            if fields.get(name) is not None:
                fields[name] = names[fields[name]] if 0 <= fields[name] < len(names) else None
        return fields


def class_names(schema: pa.Schema) -> dict[str, list[str]]:
    """Columns that hold class numbers, with the names of the classes, as the `datasets` library notes them."""
    try:
        features = orjson.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
    except (KeyError, TypeError, orjson.JSONDecodeError):
        return {}
    return {
        column: feature["names"]
        for column, feature in features.items()
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and feature.get("names")
    }


def _named(numbers: pa.Array, names: list[str]) -> list[str | None]:
    return [names[at] if at is not None and 0 <= at < len(names) else None for at in numbers.to_pylist()]


def json_ready(value: Any) -> Any:
    """The value as JSON can hold it: dates, bytes and the like as text.

    A value that is not JSON-ready even so (a lone surrogate, a key that is no text) becomes its `repr`.
    """
    try:
        return orjson.loads(orjson.dumps(value, default=str))
    except (TypeError, ValueError):
        return ascii(value)
