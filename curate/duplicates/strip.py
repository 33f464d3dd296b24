"""Texts to the same texts without the openings and closings that many of them share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from ..folding import fold
from .blocks import ready_block, slices
from .compiled import jit_enabled, map_threads
from .shingles import Array
from .unicode_table import GROWTH


def strip_affixes(
    column: pa.ChunkedArray, openings: Sequence[str], closings: Sequence[str]
) -> tuple[pa.ChunkedArray, Array]:
    """Texts that fold to what is left of each folded text, and (n, 2) int64 which opening and closing went.

    Args:
        column: n texts.
        openings: folded words and a space each; the first that fits is removed.
        closings: a space and folded words each.

    Returns:
        the texts, and places in `[*openings, *closings]`, -1 where none fits.
    """
    if not openings and not closings:
        return column, np.full((len(column), 2), -1, np.int64)
    strip = _strip_compiled if jit_enabled() else _strip_plainly
    parts = list(map_threads(lambda piece: strip(piece[1], openings, closings), slices(column)))
    texts = pa.chunked_array([part[0] for part in parts], type=pa.large_string())
    return texts, np.concatenate([np.empty((0, 2), np.int64), *(part[1] for part in parts)])


def _strip_compiled(piece: pa.Array, openings: Sequence[str], closings: Sequence[str]) -> tuple[pa.Array, Array]:
    from .kernel_affixes import Affixes, strip_block

    words = [affix.strip().encode() for affix in (*openings, *closings)]
    affixes = Affixes(
        np.frombuffer(b"".join(words), np.uint8),
        np.cumsum([0, *map(len, words)]),
        np.array([word.count(b" ") + 1 for word in words], np.int64),
        len(openings),
    )
    block = ready_block(piece)
    size = int(block.offsets[-1] - block.offsets[0]) * (GROWTH if len(block.table.entries) else 1) + len(block.side)
    out, ends = np.empty(size, np.uint8), np.empty(len(piece) + 1, np.int64)
    removed = np.empty((len(piece), 2), np.int64)
    strip_block(block, affixes, out, ends, removed)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(out[: ends[-1]].tobytes())]
    return pa.Array.from_buffers(pa.large_string(), len(piece), buffers), removed


def _strip_plainly(piece: pa.Array, openings: Sequence[str], closings: Sequence[str]) -> tuple[pa.Array, Array]:
    kept, removed = [], np.full((len(piece), 2), -1, np.int64)
    for row, text in enumerate(piece.to_pylist()):
        rest = fold(text)
        for at, affix in enumerate(openings):
            if rest.startswith(affix):
                rest, removed[row, 0] = rest.removeprefix(affix), at
                break
        for at, affix in enumerate(closings, len(openings)):
            if rest.endswith(affix):
                rest, removed[row, 1] = rest.removesuffix(affix), at
                break
        kept.append(rest)
    return pa.array(kept, pa.large_string()), removed
