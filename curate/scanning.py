"""A text column to the few rows worth a closer look: one pass of a linear-time pattern over all of them.

Python's own patterns then see only those rows, which keeps rules linear and cheap on millions of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..core.records import Examples
from .context import Array
from .duplicates.blocks import slices, take_rows
from .duplicates.compiled import map_threads

SLICE_ROWS = 1 << 14
"""Rows looked at in one go, so that threads share the work."""


def matches(column: pa.ChunkedArray, pattern: str) -> Array:
    """(n,) bool: whether an RE2 pattern matches somewhere in each text."""
    return by_slices(column, lambda part: pc.match_substring_regex(part, pattern), np.bool_)


def by_slices(column: pa.ChunkedArray, function: Callable[[pa.Array], pa.Array], kind: type[np.generic]) -> Array:
    """(n,) values that a function of Arrow gives for each row, piece by piece over the threads."""
    parts = map_threads(lambda part: function(part[1]).to_numpy(zero_copy_only=False), slices(column, SLICE_ROWS))
    return np.concatenate([np.empty(0, kind), *parts])


def rows_matching(column: pa.ChunkedArray, pattern: str, among: Array | None = None) -> Iterator[tuple[int, str]]:
    """(row, text) of every text in which an RE2 pattern matches somewhere; only of rows under a mask, if given."""
    if among is None:
        yield from rows_where(column, matches(column, pattern))
        return
    rows = np.flatnonzero(among)
    part = take_rows(column, rows)
    found = np.flatnonzero(matches(part, pattern))
    yield from zip(rows[found].tolist(), take_rows(part, found).to_pylist(), strict=True)


def rows_where(column: pa.ChunkedArray, mask: Array) -> Iterator[tuple[int, str]]:
    """(row, text) of every text under a mask (n,) bool."""
    rows = np.flatnonzero(mask)
    yield from zip(rows.tolist(), take_rows(column, rows).to_pylist(), strict=True)


def folded_numbers(column: pa.ChunkedArray) -> Array:
    """(n,) uint64: texts with one folded form have one number, and hardly any others do."""
    from .duplicates.exact_join import text_numbers

    return text_numbers(column, 1)


def replace_rows(column: pa.ChunkedArray, rows: Sequence[int] | Array, values: Any) -> pa.ChunkedArray:
    """The column with new values at some rows (ascending); those of all other rows keep their bytes and type."""
    places = np.asarray(rows, np.int64)
    fresh = values.cast(column.type) if isinstance(values, pa.Array) else pa.array(values, column.type)
    chunks, first = [], 0
    for chunk in column.chunks:
        start, stop = np.searchsorted(places, (first, first + len(chunk)))
        order = np.arange(len(chunk))
        order[places[start:stop] - first] = len(chunk) + np.arange(stop - start)
        own = (
            pa.concat_arrays([chunk, fresh.slice(start, stop - start)]).take(pa.array(order)) if stop > start else chunk
        )
        chunks.append(own)
        first += len(chunk)
    return pa.chunked_array(chunks, type=column.type)


def prose_columns(examples: Examples) -> list[str]:
    """Canonical columns that hold running text: a label is none."""
    names = ["input", "pair"] if examples.kind == "label" else ["input", "pair", "target", "rejected"]
    return [name for name in names if name in examples.table.column_names]


def excerpt(text: str, start: int = 0, *, width: int = 80) -> str:
    """The part of a text around a position, on one line.

    >>> excerpt("one two three four", 4, width=9)
    '…two three…'
    """
    left = max(0, min(start, len(text) - width)) if len(text) > width else 0
    part = " ".join(text[left : left + width].split())
    return ("…" if left else "") + part + ("…" if left + width < len(text) else "")
