"""Candidate pairs to the true Jaccard similarity of each, some thousand texts at a time."""

from __future__ import annotations

import numpy as np

from .candidates import unpack_pairs
from .compiled import map_threads
from .rows import Rows
from .shingles import Array
from .sketches import block_sets, kernels
from .sorting import sorted_union

BATCH_PAIRS = 1 << 15
"""Pairs verified at a time; bounds the texts and shingle sets in memory."""


def verify_pairs(texts: Rows, pairs: Array, code: int, threshold: float) -> tuple[Array, Array]:
    """The pairs whose true Jaccard similarity reaches the threshold.

    Args:
        texts: n rows.
        pairs: (m,) uint64, sorted; see `candidates`.
        code: the kind of shingle.
        threshold: lowest similarity kept.

    Returns:
        (k, 2) int64 rows, in the order of the pairs, and (k,) float64 similarities.
    """
    jaccard = pair_similarities(texts, pairs, code, threshold)
    kept = jaccard >= threshold
    return np.stack(unpack_pairs(pairs[kept]), axis=1), jaccard[kept]


def pair_similarities(texts: Rows, pairs: Array, code: int, threshold: float = 0.0) -> Array:
    """(m,) float64: true Jaccard similarity of pairs (m,) uint64, sorted; 0 where sizes alone forbid the threshold."""
    module = kernels()

    def work(start: int) -> Array:
        one, two = unpack_pairs(pairs[start : start + BATCH_PAIRS])
        rows = sorted_union(one, two)
        values, ends = block_sets(module, texts.gather(rows.astype(np.int64)), code)
        out = np.empty(len(one), dtype=np.float64)
        module.jaccard_of_pairs(np.searchsorted(rows, one), np.searchsorted(rows, two), values, ends, threshold, out)
        return out

    return np.concatenate([np.empty(0), *map_threads(work, range(0, len(pairs), BATCH_PAIRS))])
