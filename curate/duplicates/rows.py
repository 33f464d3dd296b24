"""Columns, and what is left out of them, to blocks of rows: each row is one text, and none is copied before its turn.

Fields stay where Arrow has them. A block is made of a run of rows or of chosen ones, with the fields of a row joined,
bytes that are cut written over by spaces, which part words as the end of a line does, and some texts replaced.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa

from ...core.texts import text_bytes
from .blocks import BLOCK_ROWS, Array, Block, as_column, make_block

Texts: TypeAlias = pa.ChunkedArray | pa.Array | Sequence[str | None]


class Cuts(NamedTuple):
    """Bytes of first fields that count as spaces."""

    rows: Array
    """(k,) int64, ascending: the row of each span."""
    spans: Array
    """(k, 2) int32: its start and end, counted from the start of the row."""


class Replaced(NamedTuple):
    """First fields that count as other texts."""

    rows: Array
    """(k,) int64, ascending."""
    data: Array
    """uint8: the bytes of the other texts."""
    offsets: Array
    """(k + 1,) int64: where each starts and ends."""


NO_CUTS = Cuts(np.empty(0, np.int64), np.empty((0, 2), np.int32))
NONE_REPLACED = Replaced(np.empty(0, np.int64), np.empty(0, np.uint8), np.zeros(1, np.int64))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """n rows of one or more fields."""

    parts: tuple[tuple[tuple[Array, Array], ...], ...]
    """Part by part, field by field: bytes, and (rows + 1,) int64 where in them each row starts and ends."""
    firsts: Array
    """(parts + 1,) int64: the first row of each part, and n."""
    glue: Array
    """uint8: what stands between two fields."""
    cuts: Cuts = NO_CUTS
    replaced: Replaced = NONE_REPLACED

    def __len__(self) -> int:
        return int(self.firsts[-1])

    @property
    def fields(self) -> int:
        """How many fields each row has."""
        return len(self.parts[0]) if self.parts else 1

    def pieces(self) -> Iterator[tuple[int, int]]:
        """First row and end of runs of rows that are worth a block each."""
        for first, stop in zip(self.firsts[:-1].tolist(), self.firsts[1:].tolist(), strict=True):
            for start in range(first, stop, BLOCK_ROWS):
                yield start, min(start + BLOCK_ROWS, stop)

    def field(self, at: int) -> Rows:
        """The rows with one field alone."""
        alone = replace(self, parts=tuple((part[at],) for part in self.parts))
        return alone.uncut() if at else alone

    def uncut(self) -> Rows:
        """The rows with nothing cut or replaced."""
        return replace(self, cuts=NO_CUTS, replaced=NONE_REPLACED)

    def changed(self) -> Array:
        """Rows of which something is cut or replaced, ascending."""
        mask = np.zeros(len(self), np.bool_)
        mask[self.cuts.rows] = mask[self.replaced.rows] = True
        return np.flatnonzero(mask)

    def block(self, first: int, stop: int) -> Block:
        """A piece, without a copy where its texts are read as they stand."""
        cut, replaced = (np.diff(np.searchsorted(rows, (first, stop))) for rows in (self.cuts.rows, self.replaced.rows))
        if replaced or self.fields > 1:
            return self.gather(np.arange(first, stop))
        data, offsets = self.first_field(first, stop)
        if cut:
            from .kernel_rows import blank

            data, offsets = data[offsets[0] : offsets[-1]].copy(), offsets - offsets[0]
            blank(data, offsets, np.arange(first, stop), *self.cuts)
        return make_block(data, offsets)

    def first_field(self, first: int, stop: int) -> tuple[Array, Array]:
        """Bytes and offsets (rows + 1,) of the first field of a piece, as it stands."""
        part = int(np.searchsorted(self.firsts, first, "right")) - 1
        (data, offsets), start = self.parts[part][0], int(self.firsts[part])
        return data, offsets[first - start : stop - start + 1]

    def texts(self, rows: Array) -> list[str]:
        """The given rows, ascending, as Python strings."""
        block = self.gather(rows)
        data, ends = block.data.tobytes(), block.offsets.tolist()
        return [data[start:stop].decode() for start, stop in pairwise(ends)]

    def gather(self, rows: Array) -> Block:
        """The given rows, ascending."""
        from .kernel_rows import blank, copy_texts

        starts, stops = self._spans(rows)
        at, other = _common(rows, self.replaced.rows)
        sizes = stops - starts
        sizes[0, at] = self.replaced.offsets[other + 1] - self.replaced.offsets[other]
        stops[0, at] = starts[0, at]
        ends = np.cumsum(sizes.sum(axis=0) + len(self.glue) * (len(sizes) - 1))
        offsets = np.concatenate(([0], ends))
        data, places = np.empty(offsets[-1], np.uint8), offsets[:-1].copy()
        for number in range(len(sizes)):
            glue = self.glue if number else self.glue[:0]
            for part, low, high in self._held(rows):
                span = starts[number, low:high], stops[number, low:high]
                copy_texts(self.parts[part][number][0], *span, glue, data, places[low:high])
            if not number and len(at):
                span, replaced = (self.replaced.offsets[other], self.replaced.offsets[other + 1]), places[at]
                copy_texts(self.replaced.data, *span, glue, data, replaced)
                places[at] = replaced
        blank(data, offsets, rows, *self.cuts)
        return make_block(data, offsets)

    def _held(self, rows: Array) -> Iterator[tuple[int, int, int]]:
        """Parts that hold some of the rows, and start and end of those that each holds."""
        bounds = np.searchsorted(rows, self.firsts).tolist()
        for part, (low, high) in enumerate(pairwise(bounds)):
            if low < high:
                yield part, low, high

    def _spans(self, rows: Array) -> tuple[Array, Array]:
        """Start and end of each field of the rows in the bytes of its part, both (fields, rows) int64."""
        shape = (self.fields, len(rows))
        starts, stops = np.empty(shape, np.int64), np.empty(shape, np.int64)
        for part, low, high in self._held(rows):
            own = rows[low:high] - self.firsts[part]
            for number, (_, offsets) in enumerate(self.parts[part]):
                starts[number, low:high], stops[number, low:high] = offsets[own], offsets[own + 1]
        return starts, stops


def as_rows(*columns: Texts | Rows, glue: str = "") -> Rows:
    """Columns of n texts each as rows; a null counts as an empty text.

    Args:
        columns: the fields of the rows, in order; or rows, which stay as they are.
        glue: what stands between two fields.
    """
    if isinstance(columns[0], Rows):
        return columns[0]
    table = pa.Table.from_arrays([as_column(column) for column in columns], [str(n) for n in range(len(columns))])
    batches = [batch for batch in table.to_batches() if len(batch)]
    return Rows(
        parts=tuple(tuple(map(text_bytes, batch.columns)) for batch in batches),
        firsts=np.cumsum([0, *map(len, batches)]),
        glue=np.frombuffer(glue.encode(), np.uint8),
    )


def _common(rows: Array, others: Array) -> tuple[Array, Array]:
    """Where numbers that both ascending lists have stand in the one and in the other."""
    low, high = np.searchsorted(others, (rows[0], rows[-1] + 1)) if len(rows) else (0, 0)
    at = np.searchsorted(rows, others[low:high])
    same = np.flatnonzero(rows[at] == others[low:high])
    return at[same], low + same
