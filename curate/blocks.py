"""Texts in Arrow to blocks of bytes that a kernel can read: ASCII rows as they are, all others folded.

A kernel folds ASCII by itself (lower case; what is no letter, digit or underscore separates words). Only rows with
other characters go through `fold`, so plain English costs no Python string.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .folding import fold

Array = np.ndarray[Any, Any]

BLOCK_ROWS = 16_384
"""Rows in a block: enough to forget the call, few enough to share the work and bound the memory."""


class Block(NamedTuple):
    """n rows ready for a kernel."""

    data: Array
    """uint8: the bytes of all rows."""
    offsets: Array
    """(n + 1,) int64: row i is data[offsets[i]:offsets[i + 1]]."""
    folded: Array
    """(n,) bool: rows that are folded already, their words parted by single spaces."""


def as_column(texts: pa.ChunkedArray | pa.Array | Sequence[str | None]) -> pa.ChunkedArray:
    """The texts as large strings in chunks; a null counts as an empty text."""
    if not isinstance(texts, (pa.Array, pa.ChunkedArray)):
        texts = pa.array(texts, type=pa.large_string())
    column = pa.chunked_array([texts], type=texts.type) if isinstance(texts, pa.Array) else texts
    if column.type != pa.large_string():
        column = column.cast(pa.large_string())
    return column.fill_null("") if column.null_count else column


def slices(column: pa.ChunkedArray, rows: int = BLOCK_ROWS) -> Iterator[tuple[int, pa.Array]]:
    """The column in pieces of at most `rows` rows, each with the position of its first row; nothing is copied."""
    first = 0
    for chunk in column.chunks:
        for start in range(0, len(chunk), rows):
            yield first + start, chunk.slice(start, rows)
        first += len(chunk)


def ready_block(piece: pa.Array) -> Block:
    """A piece of a column as a block; rows that are not ASCII are folded."""
    ascii_rows = pc.string_is_ascii(piece)
    folded = ~ascii_rows.to_numpy(zero_copy_only=False)
    if folded.any():
        other = pc.invert(ascii_rows)
        texts = [fold(text) for text in piece.filter(other).to_pylist()]
        piece = pc.replace_with_mask(piece, other, pa.array(texts, type=pa.large_string()))
    _, offsets, data = piece.buffers()
    ends = np.frombuffer(offsets, dtype=np.int64)[piece.offset : piece.offset + len(piece) + 1]
    return Block(np.frombuffer(data or b"", dtype=np.uint8), ends, folded)
