"""Texts to band keys and whole-text numbers, or to shingle sets, block by block over the threads."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pyarrow as pa

from ...core.console import progress
from .blocks import Block, ready_block, slices
from .compiled import announce_compilation, jit_enabled, map_threads
from .shingles import Array, Spec, mix64
from .unicode_table import GROWTH


def kernels() -> ModuleType:
    """The compiled kernels, or those in plain numpy."""
    if jit_enabled():
        from . import kernel

        announce_compilation(kernel.sketch)
        return kernel
    from . import numpy_kernel

    return numpy_kernel


def sketch_texts(column: pa.ChunkedArray, spec: Spec, groups: Array | None = None) -> tuple[Array, Array]:
    """Band keys (bands, n) and whole-text numbers (n,), uint64; rows of different groups share none of them."""
    n = len(column)
    keys = np.empty((len(spec.a) // spec.rows, n), dtype=np.uint64)
    whole = np.empty(n, dtype=np.uint64)
    module = kernels()

    def work(item: tuple[int, pa.Array]) -> int:
        first, piece = item
        module.sketch(ready_block(piece), spec, keys, whole, first)
        if groups is not None:
            part = slice(first, first + len(piece))
            salt = mix64(groups[part].astype(np.int64).view(np.uint64) + np.uint64(1))
            keys[:, part] ^= salt
            whole[part] ^= salt
        return len(piece)

    with progress("comparing texts", n) as advance:
        for done in map_threads(work, slices(column)):
            advance(done)
    return keys, whole


def shingle_sets(column: pa.ChunkedArray, code: int) -> tuple[Array, Array]:
    """Shingle sets of all texts: numbers, where text i has numbers[ends[i]:ends[i + 1]] (uint64), and ends (n + 1,)."""
    module = kernels()
    parts = [block_sets(module, ready_block(piece), code) for _, piece in slices(column)]
    if len(parts) == 1:
        return parts[0]
    starts = np.cumsum([0] + [len(values) for values, _ in parts])
    ends = [np.zeros(1, np.int64)] + [part[1:] + start for (_, part), start in zip(parts, starts[:-1], strict=True)]
    return np.concatenate([np.empty(0, np.uint64), *(values for values, _ in parts)]), np.concatenate(ends)


def block_sets(module: ModuleType, block: Block, code: int) -> tuple[Array, Array]:
    """Shingle sets of one block, as `shingle_sets`; the numbers are a part of more memory, most of it never touched."""
    n, size = len(block.offsets) - 1, int(block.offsets[-1] - block.offsets[0])
    # A word or character takes at least a byte, of a text that grows where symbols are parted from letters.
    size = size * (GROWTH if len(block.table.entries) else 1 if code > 0 else 2) + len(block.side)
    out = np.empty(size + n, dtype=np.uint64)
    ends = np.empty(n + 1, dtype=np.int64)
    total = module.distinct_shingles(block, code, out, ends)
    return out[:total], ends
