"""Texts in Arrow to blocks of bytes that a kernel can read, with what is needed to fold them.

A kernel folds ASCII by itself (lower case; what is no letter, digit or underscore separates words), and most other text
by a table over code points. Only rows that the table cannot fold go through `fold`, so that few cost a Python string.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from ...core.texts import text_bytes
from ..folding import fold
from .compiled import jit_enabled
from .unicode_table import EMPTY, PAGES, UnicodeTable, current_table, grow_table

Array = np.ndarray[Any, Any]

ASCII, TABLE, FOLDED = 0, 1, 2
"""Kinds of rows: a kernel folds them, a kernel folds them by the table (or with negative numbers), they are folded
already; the later, the more it costs."""
BLOCK_ROWS = 16_384
"""Rows in a block: enough to forget the call, few enough to share the work and bound the memory."""


class Block(NamedTuple):
    """n rows ready for a kernel."""

    data: Array
    """uint8: the bytes of all rows."""
    offsets: Array
    """(n + 1,) int64: row i is data[offsets[i]:offsets[i + 1]]."""
    kinds: Array
    """(n,) uint8: ASCII, TABLE or FOLDED."""
    table: UnicodeTable
    """How a kernel folds rows of the kind TABLE."""
    side: Array
    """uint8: the folded bytes of all rows of the kind FOLDED, which stand for their bytes in `data`."""
    side_offsets: Array
    """(n + 1,) int64: where they start and end; empty for rows of another kind."""


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


def take_rows(column: pa.ChunkedArray, rows: Array) -> pa.ChunkedArray:
    """The given rows, ascending; `ChunkedArray.take` would first copy the whole column into one chunk."""
    parts, first = [], 0
    for chunk in column.chunks:
        start, stop = np.searchsorted(rows, (first, first + len(chunk)))
        parts.append(chunk.take(pa.array(rows[start:stop] - first)))
        first += len(chunk)
    return pa.chunked_array(parts, type=column.type)


def ready_block(piece: pa.Array) -> Block:
    """A piece of a column as a block."""
    return make_block(*text_bytes(piece))


def make_block(data: Array, offsets: Array) -> Block:
    """Texts data[offsets[i]:offsets[i + 1]] as a block; rows that a kernel cannot fold are folded here."""
    data, offsets = _read_only(data), _read_only(offsets)
    kinds, table = _kinds(data, offsets), EMPTY
    if kinds.any() and jit_enabled():
        table = _tabulate(data, offsets, kinds)
    by_hand = np.flatnonzero(kinds == FOLDED)
    texts = [fold(bytes(data[offsets[row] : offsets[row + 1]]).decode()).encode() for row in by_hand.tolist()]
    side_offsets = np.zeros(len(offsets), dtype=np.int64)
    side_offsets[by_hand + 1] = [len(text) for text in texts]
    side = np.frombuffer(b"".join(texts), dtype=np.uint8)
    return Block(data, offsets, kinds, table, side, np.cumsum(side_offsets))


def _read_only(array: Array) -> Array:
    """The array as Arrow's are, so that a kernel is compiled for one kind alone."""
    array = array.view()
    array.flags.writeable = False
    return array


def spliced(block: Block) -> tuple[Array, Array]:
    """The bytes of a block with each FOLDED row in its folded form, and their offsets."""
    lengths = np.where(block.kinds == FOLDED, np.diff(block.side_offsets), np.diff(block.offsets))
    cuts = [(block.data, block.offsets), (block.side, block.side_offsets)]
    rows = enumerate((block.kinds == FOLDED).tolist())
    parts = [cuts[by_hand][0][cuts[by_hand][1][row] : cuts[by_hand][1][row + 1]] for row, by_hand in rows]
    return np.concatenate([np.empty(0, np.uint8), *parts]), np.concatenate(([0], np.cumsum(lengths)))


def _kinds(data: Array, offsets: Array) -> Array:
    """(n,) uint8: the kind of each row, as far as it is known without the table."""
    kinds = np.full(len(offsets) - 1, ASCII, np.uint8)
    if jit_enabled():
        from .kernel_unicode import find_kinds

        find_kinds(data, offsets, kinds)
    else:
        held = data[offsets[0] : offsets[-1]]
        others = np.concatenate(([0], np.cumsum((held >= 128) | (held == ord("-")))))
        kinds[np.diff(others[offsets - offsets[0]]) > 0] = FOLDED
    return kinds


def _tabulate(data: Array, offsets: Array, kinds: Array) -> UnicodeTable:
    """Mark the rows that the table cannot fold, and grow it until it holds all that the others need."""
    from .kernel_unicode import classify_rows

    table, missing = current_table(), np.zeros(PAGES, dtype=bool)
    while classify_rows(data, offsets, kinds, table, missing):
        table = grow_table(np.flatnonzero(missing))
    return table
