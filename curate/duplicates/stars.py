"""Verified pairs to star clusters: which row stands for which, without ever chaining similarities."""

from __future__ import annotations

import numpy as np

from .candidates import best_rows
from .compiled import compiled
from .shingles import Array


def cluster_stars(representative: Array, pairs: Array, jaccard: Array, rank: Array) -> tuple[Array, Array]:
    """`near_duplicates.star_clusters` over arrays."""
    top = best_rows(representative, rank)
    is_paired, place = np.zeros(len(top), np.bool_), np.empty(len(top), np.int64)
    is_paired[pairs] = True
    texts = np.flatnonzero(is_paired)  # only they can join a survivor of another text
    place[texts] = np.arange(len(texts))
    ends = place[pairs]
    own, other = np.concatenate((ends[:, 0], ends[:, 1])), np.concatenate((ends[:, 1], ends[:, 0]))
    by_text = np.argsort(own, kind="stable")
    starts = np.concatenate(([0], np.cumsum(np.bincount(own, minlength=len(texts)))))
    rows = top[texts]
    joined, shared = np.arange(len(texts)), np.ones(len(texts))
    order = np.argsort(rank[rows])
    fill_stars(order, starts, other[by_text], np.tile(jaccard, 2)[by_text], rank[rows], joined, shared)
    survivor, similarity = np.arange(len(top)), np.ones(len(top))
    survivor[rows], similarity[rows] = rows[joined], shared
    return survivor[top], similarity[top]


@compiled
def fill_stars(
    order: Array, starts: Array, other: Array, jaccard: Array, rank: Array, survivor: Array, similarity: Array
) -> None:
    """Let each text of `order` join its most similar survivor so far, or survive."""
    survives = np.zeros(survivor.shape[0], dtype=np.bool_)
    for at in range(order.shape[0]):
        text = order[at]
        best, chosen = 0.0, -1
        for p in range(starts[text], starts[text + 1]):
            candidate = other[p]
            if not survives[candidate]:
                continue
            if jaccard[p] > best or (jaccard[p] == best and rank[candidate] < rank[chosen]):
                best, chosen = jaccard[p], candidate
        if chosen < 0:
            survives[text] = True
        else:
            survivor[text] = chosen
            similarity[text] = best
