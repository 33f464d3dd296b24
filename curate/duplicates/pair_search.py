"""Texts to verified pairs: representatives of identical texts, candidates from bands or an exact join, verification."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..config import DedupConfig
from .bitmaps import NO_MAPS, possible_pairs
from .candidates import band_candidates, best_rows, pack_pairs, representatives
from .compiled import jit_enabled
from .crowds import crowd_pairs
from .engine_plan import EnginePlan, Thresholds, plan_engine
from .rows import Rows
from .shingles import MAP_WORDS, Array, bandless
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
    thresholds = Thresholds.of(config.threshold, texts.fields)
    threshold = thresholds.whole
    plan = plan_engine(config, len(texts), texts.fields)
    code = plan.spec.code
    if config.exact:
        from .exact_join import exact_candidates

        numbers = sketch_texts(texts, bandless(code), groups)[1]
        representative = representatives(numbers[0])
        candidates = exact_candidates(texts, representative, code, threshold, groups)
        found = Proposed(candidates, [], numbers, representative, NO_MAPS)
    else:
        found = propose_pairs(texts, plan, threshold, groups)
    numbers, representative = found.numbers, found.representative
    pairs, jaccard = verify_pairs(texts, found.candidates, code, thresholds)
    if found.crowds:
        rank = numbers[0] if rank is None else rank
        best = best_rows(representative, rank)
        label = np.zeros(len(texts), np.int64) if labels is None else labels.astype(np.int64)[best]
        more = crowd_pairs(texts, found.crowds, pairs, (code, threshold), rank[best], label, found.maps)
        fresh = np.setdiff1d(more, pack_pairs(*pairs.T), assume_unique=True)
        pairs, jaccard = _merged((pairs, jaccard), verify_pairs(texts, fresh, code, thresholds))
    return pairs, jaccard, representative, numbers[1]


def _merged(one: tuple[Array, Array], two: tuple[Array, Array]) -> tuple[Array, Array]:
    """Two lists of different pairs with their similarities as one, sorted."""
    pairs, jaccard = np.concatenate((one[0], two[0])), np.concatenate((one[1], two[1]))
    order = np.argsort(pack_pairs(*pairs.T))
    return pairs[order], jaccard[order]


class Proposed(NamedTuple):
    """What bands tell of n texts."""

    candidates: Array
    """(m,) uint64: pairs that may reach the threshold, sorted."""
    crowds: list[Array]
    """Rows of each bucket that is too full for pairs."""
    numbers: Array
    """(2, n) uint64: numbers of the whole texts and of their words in any order."""
    representative: Array
    """(n,) int64: the first row of the same text."""
    maps: Array
    """(n, words) uint64: bitmaps of the shingle sets; without rows where they are not compiled."""


def propose_pairs(
    texts: Rows, plan: EnginePlan, threshold: float, groups: Array | None = None, split: int = 0
) -> Proposed:
    """Candidate pairs and crowds of all bands, in as many passes as the plan says.

    With `split`, only pairs of a text before it and a text from it on.
    """
    candidates, crowds = np.empty(0, np.uint64), []
    maps = np.empty((len(texts), MAP_WORDS + 1), np.uint64) if jit_enabled() else NO_MAPS
    for first in range(0, plan.bands.count, plan.bands_at_once):
        keys, numbers = sketch_texts(texts, plan.part(first), groups, NO_MAPS if first else maps)
        if first == 0:
            representative = representatives(numbers[0])
            stands = representative == np.arange(len(texts))
            sides = sides_of(representative, split) if split else None
        fresh, more = band_candidates(keys, stands, numbers[0], sides)
        fresh = possible_pairs(fresh, maps, threshold) if len(maps) else fresh
        candidates = sorted_union(candidates, fresh) if len(candidates) else fresh
        crowds += more
    return Proposed(candidates, crowds, numbers, representative, maps)


def sides_of(representative: Array, split: int) -> tuple[Array, Array]:
    """(n,) bool each: whether a representative's text occurs before `split`, and from it on."""
    before, after = np.zeros(len(representative), dtype=bool), np.zeros(len(representative), dtype=bool)
    before[representative[:split]] = True
    after[representative[split:]] = True
    return before, after
