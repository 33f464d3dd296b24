"""The keys of one band to the pairs of rows that share one, compiled; `candidates` has the same in plain numpy."""

from __future__ import annotations

import numpy as np

from .compiled import compiled
from .shingles import Array


@compiled
def count_pairs(packed: Array, bits: int, cap: int) -> tuple[int, int]:
    """Pairs within runs of equal keys of at most `cap` rows, and the number of longer runs; the keys are sorted."""
    pairs, crowds, start, shift = 0, 0, 0, np.uint64(bits)
    for at in range(1, packed.shape[0] + 1):
        if at < packed.shape[0] and packed[at] >> shift == packed[start] >> shift:
            continue
        size = at - start
        if size > cap:
            crowds += 1
        else:
            pairs += size * (size - 1) // 2
        start = at
    return pairs, crowds


@compiled
def emit_band(packed: Array, bits: int, cap: int, pairs: Array, crowds: Array) -> None:
    """Write what `count_pairs` counts: pairs, the lower row in the upper half, uint64; start and end of longer runs."""
    pair, crowd, start, shift, lower = 0, 0, 0, np.uint64(bits), np.uint64((1 << bits) - 1)
    for at in range(1, packed.shape[0] + 1):
        if at < packed.shape[0] and packed[at] >> shift == packed[start] >> shift:
            continue
        if at - start > cap:
            crowds[crowd, 0], crowds[crowd, 1] = start, at
            crowd += 1
        else:
            for i in range(start, at - 1):  # the rows of a run ascend
                for j in range(i + 1, at):
                    pairs[pair] = ((packed[i] & lower) << np.uint64(32)) | (packed[j] & lower)
                    pair += 1
        start = at
