"""Texts to verified pairs: representatives of identical texts, candidates from bands or an exact join, verification."""

from __future__ import annotations

import numpy as np

from ..config import DedupConfig
from .candidates import band_candidates, best_rows, pack_pairs, representatives
from .crowds import crowd_pairs
from .engine_plan import EnginePlan, plan_engine
from .rows import Rows
from .shingles import Array, bandless
from .sketches import sketch_texts
from .sorting import sorted_union
from .verification import verify_pairs


def search_pairs(
    texts: Rows,
    config: DedupConfig,
    *,
    groups: Array | None = None,
    rank: Array | None = None,
    labels: Array | None = None,
) -> tuple[Array, Array, Array, Array]:
    """`near_duplicates.find_near_duplicates`: pairs, similarities, representatives; and (n,) numbers of words."""
    plan = plan_engine(config, len(texts))
    code, threshold = plan.spec.code, config.threshold
    if config.exact:
        from .exact_join import exact_candidates

        numbers = sketch_texts(texts, bandless(code), groups)[1]
        representative = representatives(numbers[0])
        candidates = exact_candidates(texts, representative, code, threshold, groups)
        crowds: list[Array] = []
    else:
        candidates, crowds, numbers, representative = propose_pairs(texts, plan, groups)
    pairs, jaccard = verify_pairs(texts, candidates, code, threshold)
    if crowds:
        rank = numbers[0] if rank is None else rank
        best = best_rows(representative, rank)
        label = np.zeros(len(texts), np.int64) if labels is None else labels.astype(np.int64)[best]
        more = crowd_pairs(texts, crowds, pairs, (code, threshold), rank[best], label)
        fresh = np.setdiff1d(more, pack_pairs(*pairs.T), assume_unique=True)
        pairs, jaccard = _merged((pairs, jaccard), verify_pairs(texts, fresh, code, threshold))
    return pairs, jaccard, representative, numbers[1]


def _merged(one: tuple[Array, Array], two: tuple[Array, Array]) -> tuple[Array, Array]:
    """Two lists of different pairs with their similarities as one, sorted."""
    pairs, jaccard = np.concatenate((one[0], two[0])), np.concatenate((one[1], two[1]))
    order = np.argsort(pack_pairs(*pairs.T))
    return pairs[order], jaccard[order]


def propose_pairs(
    texts: Rows, plan: EnginePlan, groups: Array | None = None, split: int = 0
) -> tuple[Array, list[Array], Array, Array]:
    """Candidate pairs and crowds of all bands, in as many passes as the plan says; numbers (2, n) and representatives.

    With `split`, only pairs of a text before it and a text from it on.
    """
    candidates, crowds = np.empty(0, np.uint64), []
    for first in range(0, plan.bands.count, plan.bands_at_once):
        keys, numbers = sketch_texts(texts, plan.part(first), groups)
        if first == 0:
            representative = representatives(numbers[0])
            stands = representative == np.arange(len(texts))
            sides = sides_of(representative, split) if split else None
        fresh, more = band_candidates(keys, stands, numbers[0], sides)
        candidates = sorted_union(candidates, fresh) if len(candidates) else fresh
        crowds += more
    return candidates, crowds, numbers, representative


def sides_of(representative: Array, split: int) -> tuple[Array, Array]:
    """(n,) bool each: whether a representative's text occurs before `split`, and from it on."""
    before, after = np.zeros(len(representative), dtype=bool), np.zeros(len(representative), dtype=bool)
    before[representative[:split]] = True
    after[representative[split:]] = True
    return before, after
