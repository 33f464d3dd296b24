"""Verified pairs to star clusters: which row stands for which, without ever chaining similarities."""

from __future__ import annotations

import numpy as np

from .compiled import compiled
from .shingles import Array


def cluster_stars(representative: Array, pairs: Array, jaccard: Array, rank: Array) -> tuple[Array, Array]:
    """`near_duplicates.star_clusters` over arrays."""
    n = len(representative)
    order = np.argsort(rank, kind="stable")
    best = np.empty(n, dtype=np.int64)  # of all rows with the representative's text, the one of lowest rank
    best[representative[order[::-1]]] = order[::-1]
    top = best[representative]
    ends = np.concatenate((pairs[:, 0], pairs[:, 1]))
    by_row = np.argsort(ends, kind="stable")
    other = best[representative[np.concatenate((pairs[:, 1], pairs[:, 0]))]][by_row]
    starts = np.searchsorted(ends[by_row], np.arange(n + 1))
    survivor, similarity = np.arange(n, dtype=np.int64), np.ones(n, dtype=np.float64)
    fill_stars(
        order[top[order] == order],
        representative,
        starts,
        other,
        np.tile(jaccard, 2)[by_row],
        rank,
        survivor,
        similarity,
    )
    return survivor[top], np.where(top == np.arange(n), similarity, similarity[top])


@compiled
def fill_stars(
    order: Array,
    representative: Array,
    starts: Array,
    other: Array,
    jaccard: Array,
    rank: Array,
    survivor: Array,
    similarity: Array,
) -> None:
    """Let each row of `order` join its most similar survivor so far, or survive."""
    survives = np.zeros(survivor.shape[0], dtype=np.bool_)
    for at in range(order.shape[0]):
        row = order[at]
        home = representative[row]
        best, chosen = 0.0, -1
        for p in range(starts[home], starts[home + 1]):
            candidate = other[p]
            if not survives[candidate] or candidate == row:
                continue
            if jaccard[p] > best or (jaccard[p] == best and rank[candidate] < rank[chosen]):
                best, chosen = jaccard[p], candidate
        if chosen < 0:
            survives[row] = True
        else:
            survivor[row] = chosen
            similarity[row] = best
