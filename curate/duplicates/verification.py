"""Candidate pairs to the true Jaccard similarity of each, some thousand texts at a time."""

from __future__ import annotations

import numpy as np

from .candidates import unpack_pairs
from .compiled import map_threads
from .engine_plan import Thresholds
from .rows import Rows
from .shingles import Array
from .sketches import block_sets, kernels
from .sorting import sorted_union

ROUNDING = 1e-12
"""Sizes alone rule nothing out that a product of them with a threshold misses by so little."""
BATCH_PAIRS = 1 << 15
"""Pairs verified at a time; bounds the texts and shingle sets in memory."""


def verify_pairs(texts: Rows, pairs: Array, code: int, thresholds: Thresholds) -> tuple[Array, Array]:
    """The pairs of rows that are alike in every field, and as a whole.

    Fields come first: they are shorter, and each leaves fewer pairs to the next.

    Args:
        texts: n rows.
        pairs: (m,) uint64, sorted; see `candidates`.
        code: the kind of shingle.
        thresholds: lowest similarities kept.

    Returns:
        (k, 2) int64 rows, in the order of the pairs, and (k,) float64 similarities, that of the least alike field.
    """
    least = np.ones(len(pairs))
    if texts.fields > 1:
        for at in range(texts.fields):
            scores = pair_similarities(texts.field(at), pairs, code, thresholds.field)
            kept = scores >= thresholds.field
            pairs, least = pairs[kept], np.minimum(least[kept], scores[kept])
    whole = pair_similarities(texts, pairs, code, thresholds.whole)
    kept = whole >= thresholds.whole
    return np.stack(unpack_pairs(pairs[kept]), axis=1), least[kept] if texts.fields > 1 else whole[kept]


def pair_similarities(texts: Rows, pairs: Array, code: int, threshold: float = 0.0) -> Array:
    """(m,) float64: true Jaccard similarity of pairs (m,) uint64, sorted; 0 where sizes alone forbid the threshold."""
    module = kernels()

    def work(start: int) -> Array:
        one, two = unpack_pairs(pairs[start : start + BATCH_PAIRS])
        rows = sorted_union(one, two)
        values, ends = block_sets(module, texts.gather(rows.astype(np.int64)), code)
        out = np.empty(len(one), dtype=np.float64)
        places = np.searchsorted(rows, one), np.searchsorted(rows, two)
        module.jaccard_of_pairs(*places, values, ends, threshold - ROUNDING, out)
        return out

    return np.concatenate([np.empty(0), *map_threads(work, range(0, len(pairs), BATCH_PAIRS))])
