"""Band keys and shingle sets of texts to their verified near-duplicates in one segment of an index."""

from __future__ import annotations

import numpy as np

from .candidates import CAP, unpack_pairs
from .shingles import Array
from .sketches import kernels
from .sorting import sorted_union

BATCH_PAIRS = 1 << 16
"""Pairs verified at a time; bounds the shingle sets in memory."""


def search_segment(
    keys: Array, sets: tuple[Array, Array], segment: tuple[Array, Array, Array, Array], threshold: float
) -> tuple[Array, Array]:
    """Pairs of a text and a row of the segment (m, 2) int64, sorted, and their Jaccard similarities (m,).

    Args:
        keys: (bands, n) uint64, of the texts.
        sets: shingle sets of the texts, see `sketches.shingle_sets`.
        segment: keys, rows, shingles and ends, see `index`.
        threshold: lowest similarity kept.
    """
    candidates = sorted_union(
        np.empty(0, np.uint64), *(_meet(keys[band], segment[0][band], segment[1][band]) for band in range(len(keys)))
    )
    module, jaccard = kernels(), [np.empty(0)]
    for start in range(0, len(candidates), BATCH_PAIRS):
        texts, rows = unpack_pairs(candidates[start : start + BATCH_PAIRS])
        ours, theirs = np.unique(texts), np.unique(rows)
        values, ends = _gather(*sets, ours)
        more, more_ends = _gather(segment[2], segment[3], theirs)
        out = np.empty(len(texts), dtype=np.float64)
        one, two = np.searchsorted(ours, texts), len(ours) + np.searchsorted(theirs, rows)
        both = np.concatenate((values, more)), np.concatenate((ends, ends[-1] + more_ends[1:]))
        module.jaccard_of_pairs(one, two, *both, threshold, out)
        jaccard.append(out)
    similarity = np.concatenate(jaccard)
    kept = similarity >= threshold
    return np.stack(unpack_pairs(candidates[kept]), axis=1), similarity[kept]


def _meet(keys: Array, indexed: Array, rows: Array) -> Array:
    """Pairs of a text and an indexed row with the same key in one band; of more than `CAP` rows the first."""
    start = np.searchsorted(indexed, keys, "left")
    counts = np.minimum(np.searchsorted(indexed, keys, "right") - start, CAP)
    texts = np.repeat(np.arange(len(keys)), counts)
    within = np.arange(len(texts)) - np.repeat(np.cumsum(counts) - counts, counts)
    met: Array = (texts.astype(np.uint64) << np.uint64(32)) | rows[start[texts] + within].astype(np.uint64)
    return met


def _gather(values: Array, ends: Array, rows: Array) -> tuple[Array, Array]:
    """The sets of the given rows alone, and their ends (rows + 1,)."""
    start, size = ends[rows], ends[rows + 1] - ends[rows]
    fresh = np.concatenate(([0], np.cumsum(size)))
    at = np.arange(fresh[-1]) + np.repeat(start - fresh[:-1], size)
    return np.asarray(values[at]), fresh
