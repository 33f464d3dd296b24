"""A block of rows to canonical columns with content ids: whole columns at once where all is well, else row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .blocks import Block, Rows, json_ready
from .canonical import PROMPT_SEPARATOR, Value, canonical_row
from .content_ids import content_ids
from .kinds import Layout
from .records import BadRow
from .turns import RowError

MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string()), ("more", pa.string())]))
"""Type of the `messages` column: lists of `turns.Turn`."""

TEXT = pa.large_string()


@dataclass(frozen=True, slots=True, kw_only=True)
class Canonical:
    """What a block became."""

    table: pa.Table
    """Canonical columns of the good rows."""
    source: pa.Table
    """The same rows as they came."""
    bad: list[BadRow]
    """All other rows of the block, by line."""
    header: bytes = b""
    """What stands before the rows of a csv, tsv or json file."""


def canonical_block(block: Block, layout: Layout) -> Canonical:
    """Canonical columns of a block; a row that cannot be an example is kept aside with its reason."""
    columns = _whole_columns(block.rows, layout)
    if columns is not None:
        return _finish(block, layout, columns, np.arange(len(block.rows)), [])
    good, bad, values = [], [], []
    for at, row in enumerate(block.rows.head(len(block.rows))):
        value = _value_or_reason(row, layout)
        if isinstance(value, str):
            bad.append(BadRow(file=block.file, line=block.lines[at], reason=value, row=json_ready(row)))
        else:
            good.append(at)
            values.append(value)
    columns = {part: _array([value[part] for value in values], part) for part in part_names(layout)}
    return _finish(block, layout, columns, np.array(good, np.int64), bad)


def _value_or_reason(row: Mapping[str, Any], layout: Layout) -> Value | str:
    try:
        return canonical_row(row, layout)
    except RowError as error:
        return str(error)


def part_names(layout: Layout) -> list[str]:
    """The canonical columns of a layout, in order, without file, line and id."""
    if layout.kind == "chat":
        return ["input", "target", "messages", *(["tools"] if "tools" in layout.columns else [])]
    return ["input", "target", *(part for part in ("pair", "rejected") if part in layout.columns)]


def _array(values: list[Any], part: str) -> pa.Array:
    return pa.array(values, MESSAGES if part == "messages" else TEXT)


def _finish(
    block: Block, layout: Layout, columns: Mapping[str, pa.Array], good: np.ndarray[Any, Any], bad: list[BadRow]
) -> Canonical:
    file = pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(good), np.int32)), pa.array([block.file]))
    lines = pa.array(_numbers(block.lines)[good])
    table = pa.table({**columns, "file": file, "line": lines, "id": content_ids(layout.kind, columns)})
    source = block.source if len(good) == block.source.num_rows else block.source.take(pa.array(good))
    by_line = sorted([*block.bad, *bad], key=lambda row: row.line)
    return Canonical(table=table, source=source, bad=by_line, header=block.header)


def _numbers(lines: Sequence[int]) -> np.ndarray[Any, Any]:
    if isinstance(lines, range):
        return np.arange(lines.start, lines.stop, dtype=np.int64)
    return np.asarray(lines, np.int64)


def _whole_columns(rows: Rows, layout: Layout) -> dict[str, pa.Array] | None:
    """Canonical columns where every row of the block is good and plain; None where that must be looked at closely."""
    if layout.kind == "chat" or not len(rows):
        return None
    if layout.kind == "preference" and "input" not in layout.columns:
        return None
    columns = {}
    for part in part_names(layout):
        column = _label_column(rows, layout) if (part, layout.kind) == ("target", "label") else None
        column = _text_column(rows, layout.columns[part]) if column is None else column
        if column is None:
            return None
        columns[part] = column
    return columns


def _text_column(rows: Rows, names: Sequence[str]) -> pa.Array | None:
    first, *others = (_as_text(rows.column(name)) for name in names)
    if first is None or first.null_count or any(other is None for other in others):
        return None
    for other in others:
        other = pc.fill_null(other, "")
        longer = pc.binary_join_element_wise(first, other, pa.scalar(PROMPT_SEPARATOR, TEXT))
        first = pc.if_else(pc.equal(other, pa.scalar("", TEXT)), first, longer)
    return first


def _label_column(rows: Rows, layout: Layout) -> pa.Array | None:
    """Whole numbers and truth values as text; None where the labels are something else."""
    name = layout.columns["target"][0]
    if isinstance(next(rows.head(1)).get(name), str):
        return None
    column = rows.column(name)
    if isinstance(column, list):
        try:
            column = pa.array(column)
        except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError, OverflowError):
            return None
    if not (pa.types.is_integer(column.type) or pa.types.is_boolean(column.type)) or column.null_count:
        return None
    return column.cast(TEXT)


def _as_text(column: pa.Array | list[Any]) -> pa.Array | None:
    """The column as text, if every value is text (or null) that can be carried on."""
    if isinstance(column, list):
        try:
            column = pa.array(column, TEXT)
        except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
            return None
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_null(column.type) or not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return None
    column = column.cast(TEXT)
    return None if _holds_nul(column) else column


def _holds_nul(column: pa.Array) -> bool:
    data = column.buffers()[2]
    # Bytes before the slice or under a null may count too; then the rows are looked at one by one, no more.
    return data is not None and data.size > 0 and not np.frombuffer(data, np.uint8).min()
