"""Texts to band keys and whole-text numbers, or to shingle sets, block by block over the threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from types import ModuleType

import numpy as np

from ...core.console import progress
from .bitmaps import NO_MAPS
from .blocks import BLOCK_ROWS, Block
from .compiled import announce_compilation, compiled, jit_enabled, map_threads
from .rows import Rows
from .shingles import Array, Spec, bandless, mix64
from .unicode_table import GROWTH

SET_ROWS = 1 << 12
"""Rows whose shingle sets a thread makes at a time."""


def kernels() -> ModuleType:
    """The compiled kernels, or those in plain numpy."""
    if jit_enabled():
        from . import kernel

        announce_compilation(kernel.sketch)
        return kernel
    from . import numpy_kernel

    return numpy_kernel


def sketch_texts(
    rows: Rows, spec: Spec, groups: Array | None = None, maps: Array = NO_MAPS, *, shown: bool = True
) -> tuple[Array, Array]:
    """Sketches of n rows, uint64; `maps` (n, words) receives bitmaps of their shingles, if it has rows.

    Progress is told if it is to be `shown`.

    Returns:
        band keys (bands, n); and (2, n) numbers of the whole texts and of their words in any order. Rows of different
        groups share no key and no number of a whole text.
    """
    n = len(rows)
    keys = np.empty((len(spec.a) // spec.rows, n), dtype=np.uint64)
    texts = np.empty((2, n), dtype=np.uint64)
    module = kernels()

    def work(piece: tuple[int, int]) -> int:
        first, stop = piece
        module.sketch(rows.block(first, stop), spec, keys, texts, maps, first)
        if groups is not None:
            salt = mix64(groups[first:stop].astype(np.int64).view(np.uint64) + np.uint64(1))
            keys[:, first:stop] ^= salt
            texts[0, first:stop] ^= salt
        return stop - first

    with progress("comparing texts", n) if shown else nullcontext(lambda _rows: None) as advance:
        deque(map(advance, map_threads(work, rows.pieces())), 0)
    return keys, texts


def numbers_of(rows: Rows, chosen: Array) -> Array:
    """(2, chosen) uint64: numbers of the whole texts of the chosen rows, ascending, and of their words in any order."""
    texts, module = np.empty((2, len(chosen)), np.uint64), kernels()

    def work(first: int) -> None:
        block = rows.gather(chosen[first : first + BLOCK_ROWS])
        module.sketch(block, bandless(1), np.empty((0, len(chosen)), np.uint64), texts, NO_MAPS, first)

    deque(map_threads(work, range(0, len(chosen), BLOCK_ROWS)), 0)
    return texts


def shingle_sets(rows: Rows, code: int, chosen: Array | None = None, *, ordered: bool = False) -> tuple[Array, Array]:
    """Shingle sets of all or of chosen rows: row i has numbers[ends[i]:ends[i + 1]] (uint64), and ends (rows + 1,).

    The numbers of a row ascend if `ordered`.
    """
    module = kernels()

    def work(block: Callable[[], Block]) -> tuple[Array, Array]:
        values, ends = block_sets(module, block(), code)
        if ordered:
            sort_sets(values, ends)
        return values, ends

    if chosen is None:
        blocks = [partial(rows.block, *piece) for piece in rows.pieces()]
    else:
        blocks = [partial(rows.gather, chosen[at : at + SET_ROWS]) for at in range(0, len(chosen), SET_ROWS)]
    parts = list(map_threads(work, blocks))
    if len(parts) == 1:
        return parts[0]
    starts = np.cumsum([0] + [len(values) for values, _ in parts])
    ends = [np.zeros(1, np.int64)] + [part[1:] + start for (_, part), start in zip(parts, starts[:-1], strict=True)]
    return np.concatenate([np.empty(0, np.uint64), *(values for values, _ in parts)]), np.concatenate(ends)


def count_shingles(rows: Rows, chosen: Array, code: int) -> tuple[Array, Array]:
    """How many shingles each of the chosen rows (ascending) has, repeats included; and how many different ones."""
    module = kernels()

    def work(at: int) -> tuple[Array, Array]:
        _, ends, counts = _numbered(module, rows.gather(chosen[at : at + SET_ROWS]), code)
        return counts, np.diff(ends)

    parts = list(map_threads(work, range(0, len(chosen), SET_ROWS)))
    counts, distinct = zip(*parts, strict=True) if parts else ((), ())
    return tuple(np.concatenate([np.empty(0, np.int64), *own]) for own in (counts, distinct))  # type: ignore[return-value]


def block_sets(module: ModuleType, block: Block, code: int) -> tuple[Array, Array]:
    """Shingle sets of one block, as `shingle_sets`; the numbers are a part of more memory, most of it never touched."""
    values, ends, _ = _numbered(module, block, code)
    return values, ends


def _numbered(module: ModuleType, block: Block, code: int) -> tuple[Array, Array, Array]:
    """Shingle sets of one block, and how many shingles each row has, repeats included."""
    n, size = len(block.offsets) - 1, int(block.offsets[-1] - block.offsets[0])
    # A word or character takes at least a byte, of a text that grows where symbols are parted from letters.
    size = size * (GROWTH if len(block.table.entries) else 1 if code > 0 else 2) + len(block.side)
    out = np.empty(size + n, dtype=np.uint64)
    ends, counts = np.empty(n + 1, dtype=np.int64), np.empty(n, dtype=np.int64)
    total = module.distinct_shingles(block, code, out, ends, counts)
    return out[:total], ends, counts


@compiled
def sort_sets(values: Array, ends: Array) -> None:
    """Sort each set in place."""
    for row in range(ends.shape[0] - 1):
        values[ends[row] : ends[row + 1]].sort()
