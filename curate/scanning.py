"""A text column to the few rows worth a closer look: one pass of a linear-time pattern over all of them.

Python's own patterns then see only those rows, which keeps rules linear and cheap on millions of rows.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..core.records import Examples


def rows_matching(column: pa.ChunkedArray, pattern: str) -> Iterator[tuple[int, str]]:
    """(row, text) of every text in which an RE2 pattern matches somewhere."""
    yield from rows_where(column, pc.match_substring_regex(column, pattern))


def rows_where(column: pa.ChunkedArray, mask: pa.ChunkedArray) -> Iterator[tuple[int, str]]:
    """(row, text) of every text under a mask."""
    rows = np.flatnonzero(mask.to_numpy(zero_copy_only=False))
    yield from zip(rows.tolist(), column.take(pa.array(rows)).to_pylist(), strict=True)


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
