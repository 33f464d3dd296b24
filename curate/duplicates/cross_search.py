"""Two lists of texts to the verified near-duplicates between them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ..config import DedupConfig
from .candidates import across, pack_pairs, representatives
from .crowds import LEADERS
from .engine_plan import Thresholds, plan_engine
from .pair_search import propose_pairs, sides_of
from .rows import as_rows
from .shingles import Array
from .sorting import sorted_union
from .verification import verify_pairs


def search_cross_pairs(left: pa.ChunkedArray, right: pa.ChunkedArray, config: DedupConfig) -> tuple[Array, Array]:
    """`near_duplicates.cross_duplicates` over two columns."""
    split = len(left)
    both = as_rows(pa.chunked_array(left.chunks + right.chunks, type=left.type))
    if not split or not len(right):
        return np.empty((0, 2), np.int64), np.empty(0)
    plan = plan_engine(config, len(both))
    code, threshold = plan.spec.code, config.threshold
    if config.exact:
        from .exact_join import exact_candidates, text_numbers

        representative = representatives(text_numbers(both, code))
        candidates = exact_candidates(both, representative, code, threshold)
        candidates = candidates[across(candidates, sides_of(representative, split))]
    else:
        candidates, crowds, _, representative, _ = propose_pairs(both, plan, threshold, split=split)
        sides = sides_of(representative, split)
        candidates = sorted_union(candidates, *(_crowd_candidates(crowd, sides) for crowd in crowds))
    pairs, jaccard = verify_pairs(both, candidates, code, Thresholds.of(threshold, both.fields))
    return _of_members(representative, split, pairs, jaccard)


def _crowd_candidates(crowd: Array, sides: tuple[Array, Array]) -> Array:
    """Each text of one side with the first few of the other, in time linear in the crowd."""
    left, right = crowd[sides[0][crowd]], crowd[sides[1][crowd]]
    one = pack_pairs(np.repeat(left, len(right[:LEADERS])), np.tile(right[:LEADERS], len(left)))
    two = pack_pairs(np.repeat(left[:LEADERS], len(right)), np.tile(right, len(left[:LEADERS])))
    return sorted_union(one, two)


def _of_members(representative: Array, split: int, pairs: Array, jaccard: Array) -> tuple[Array, Array]:
    """Pairs of representatives as pairs of rows: each row of a text with the first row of the other, on either side."""
    rows = np.arange(len(representative))
    left, right = _members(representative[:split], rows[:split]), _members(representative[split:], rows[split:])
    same = np.unique(representative)
    one, two = np.concatenate((same, pairs[:, 0], pairs[:, 1])), np.concatenate((same, pairs[:, 1], pairs[:, 0]))
    similarity = np.concatenate((np.ones(len(same)), jaccard, jaccard))
    links = []
    for first, all_of, swapped in ((one, two, False), (two, one, True)):
        # The first row on one side, every row on the other.
        heads, tails = (right, left) if swapped else (left, right)
        head = _first(heads, first)
        link, tail = _expand(tails, all_of)
        link, tail = link[head[link] >= 0], tail[head[link] >= 0]
        ours, theirs = (tail, head[link]) if swapped else (head[link], tail)
        links.append(np.stack((ours, theirs - split, link), axis=1))
    found = np.concatenate(links)
    _, kept = np.unique(found[:, 0] * (len(representative) + 1) + found[:, 1], return_index=True)
    return found[kept, :2], similarity[found[kept, 2]]


def _members(texts: Array, rows: Array) -> tuple[Array, Array]:
    """Texts, sorted, and the row of each, rows of one text ascending."""
    order = np.argsort(texts, kind="stable")
    return texts[order], rows[order]


def _first(members: tuple[Array, Array], wanted: Array) -> Array:
    """The first row of each wanted text, -1 where there is none."""
    texts, rows = members
    at = np.minimum(np.searchsorted(texts, wanted), len(texts) - 1)
    return np.where(texts[at] == wanted, rows[at], -1)


def _expand(members: tuple[Array, Array], wanted: Array) -> tuple[Array, Array]:
    """Every row of each wanted text: the position of the text, and the row."""
    texts, rows = members
    start, stop = np.searchsorted(texts, wanted, "left"), np.searchsorted(texts, wanted, "right")
    which = np.repeat(np.arange(len(wanted)), stop - start)
    within = np.arange(len(which)) - np.repeat(np.cumsum(stop - start) - (stop - start), stop - start)
    return which, rows[start[which] + within]
