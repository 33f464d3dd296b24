"""Lines of a column to the bytes of a file, some thousand at a time over the threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .compiled import jit_enabled, map_threads
from .runs import take_buffer
from .texts import text_bytes

Array: TypeAlias = np.ndarray[Any, Any]

LINES_AT_ONCE = 1 << 14
COMPILED_FROM = 1 << 24
"""Bytes of lines from which on they are joined by compiled code, which loading takes time for."""
Piece: TypeAlias = tuple[pa.Array, Array]


def joined_lines(lines: pa.ChunkedArray, rows: Array | None = None) -> Iterator[Any]:
    """The chosen lines (positions, ascending; none: all), each with a newline, as pieces of bytes.

    A piece holds until the next is asked for.
    """
    if jit_enabled() and lines.nbytes >= COMPILED_FROM:
        yield from _into_buffers(lines, rows)
    else:
        yield from map_threads(_joined, _pieces(lines, rows))


def _pieces(lines: pa.ChunkedArray, rows: Array | None) -> Iterator[Piece]:
    """Lines in pieces, each with the positions in it that are wanted; no piece without any."""
    first = 0
    for chunk in lines.chunks:
        for start in range(0, len(chunk), LINES_AT_ONCE):
            piece = chunk.slice(start, LINES_AT_ONCE)
            wanted = np.arange(len(piece))
            if rows is not None:
                low, high = np.searchsorted(rows, (first + start, first + start + len(piece)))
                wanted = rows[low:high] - (first + start)
            if len(wanted):
                yield piece, wanted
        first += len(chunk)


def _joined(piece: Piece) -> pa.Buffer:
    lines, wanted = piece
    chosen = pa.concat_arrays([lines.take(pa.array(wanted)), pa.array([b""], lines.type)])
    whole = pa.LargeListArray.from_arrays(pa.array([0, len(chosen)], pa.int64()), chosen)
    return pc.binary_join(whole, pa.scalar(b"\n", pa.large_binary()))[0].as_buffer()


def _into_buffers(lines: pa.ChunkedArray, rows: Array | None) -> Iterator[memoryview]:
    """Pieces that share a few buffers: fresh memory for each of them costs more than the copy itself."""
    from .line_kernel import join_lines

    spare: deque[Array] = deque()

    def work(piece: Piece) -> tuple[Array, int]:
        data, ends = text_bytes(piece[0])
        buffer = take_buffer(spare, int(ends[-1] - ends[0]) + len(piece[0]))
        return buffer, join_lines(data, ends, piece[1], buffer)

    for buffer, size in map_threads(work, _pieces(lines, rows)):
        yield buffer[:size].data
        spare.append(buffer)
