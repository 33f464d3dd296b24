"""Texts to verified near-duplicates: which rows say almost the same, and which row stands for which.

Similarity is the Jaccard similarity of two texts' shingle sets (word or character n-grams of the folded text). A text
shorter than one shingle is itself its only shingle, so a one-word text equals only the same word.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from .config import DedupConfig
from .folding import fold

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class NearDuplicates:
    """The near-duplicate pairs of n texts."""

    pairs: Array
    """(m, 2) int64: representatives i < j of one group with Jaccard at or above the threshold, sorted."""
    jaccard: Array
    """(m,) float64: the true Jaccard similarity of each pair."""
    representative: Array
    """(n,) int64: the first row with the same folded text (and group)."""


def find_near_duplicates(
    texts: pa.ChunkedArray | Sequence[str], *, config: DedupConfig, groups: Array | None = None
) -> NearDuplicates:
    """Every pair of different texts whose Jaccard similarity reaches `config.threshold`.

    Args:
        texts: n texts; a null counts as an empty text.
        config: shingle and threshold.
        groups: (n,) integers, such as label codes; rows of different groups are never paired.
    """
    folded = [fold(text or "") for text in (texts.to_pylist() if isinstance(texts, pa.ChunkedArray) else texts)]
    first: dict[tuple[str, int], int] = {}
    keys = zip(folded, [0] * len(folded) if groups is None else [int(g) for g in groups], strict=True)
    representative = np.array([first.setdefault(key, row) for row, key in enumerate(keys)], dtype=np.int64)
    rows = sorted(first.values())
    sets = [_shingles(folded[row], config.shingle) for row in rows]
    found = [
        (rows[i], rows[j], jaccard)
        for i, j, jaccard in _join(sets, config.threshold)
        if groups is None or groups[rows[i]] == groups[rows[j]]
    ]
    return NearDuplicates(
        pairs=np.array(sorted((i, j) for i, j, _ in found), dtype=np.int64).reshape(-1, 2),
        jaccard=np.array([jaccard for *_, jaccard in sorted(found)], dtype=np.float64),
        representative=representative,
    )


def star_clusters(near: NearDuplicates, rank: Array) -> tuple[Array, Array]:
    """Stars around survivors: a row survives unless a better-ranked survivor is its verified near-duplicate.

    A row that does not survive joins its most similar surviving partner (of equals, the one of lowest rank). Similarity
    is never chained: every row cites a survivor that it was itself compared with.

    Args:
        near: the pairs of n rows.
        rank: (n,) distinct numbers, lower is better; they must not depend on the order of the rows.

    Returns:
        survivor (n,) int64: the row that stands for each row, itself where it survives; and
        jaccard (n,) float64: the true Jaccard similarity to that row.
    """
    n = len(near.representative)
    order = np.argsort(rank, kind="stable")
    best = np.empty(n, dtype=np.int64)  # of all rows with the representative's text, the one of lowest rank
    best[near.representative[order[::-1]]] = order[::-1]
    partners: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for (i, j), jaccard in zip(near.pairs.tolist(), near.jaccard.tolist(), strict=True):
        partners[int(best[i])].append((jaccard, int(best[j])))
        partners[int(best[j])].append((jaccard, int(best[i])))
    survivor = np.arange(n, dtype=np.int64)
    similarity = np.ones(n, dtype=np.float64)
    survives = np.zeros(n, dtype=bool)
    for row in order.tolist():
        top = int(best[near.representative[row]])
        if row != top:
            survivor[row], similarity[row] = survivor[top], similarity[top]
            continue
        found = [(-jaccard, int(rank[other]), other) for jaccard, other in partners[row] if survives[other]]
        if found:
            jaccard, _, survivor[row] = min(found)
            similarity[row] = -jaccard
        survives[row] = not found
    return survivor, similarity


def cross_duplicates(
    texts: pa.ChunkedArray | Sequence[str], others: pa.ChunkedArray | Sequence[str], *, config: DedupConfig
) -> tuple[Array, Array]:
    """Near-duplicates between two lists of texts, such as training rows and test rows.

    Returns:
        pairs (m, 2) int64: a row of `texts` and a row of `others`, Jaccard at or above the threshold; of rows with the
        same folded text, each is paired at least with the other side's first such row; and jaccard (m,) float64.
    """
    left, right = (list(side.to_pylist() if isinstance(side, pa.ChunkedArray) else side) for side in (texts, others))
    near = find_near_duplicates(left + right, config=config)
    n = len(left)
    members: dict[int, list[int]] = defaultdict(list)
    for row, representative in enumerate(near.representative.tolist()):
        members[representative].append(row)
    found: dict[tuple[int, int], float] = {}
    links = [(row, row, 1.0) for row in members]
    links += [(i, j, jaccard) for (i, j), jaccard in zip(near.pairs.tolist(), near.jaccard.tolist(), strict=True)]
    for i, j, jaccard in links:
        for one, two in ((members[i], members[j]), (members[j], members[i])):
            ours, theirs = [row for row in one if row < n], [row - n for row in two if row >= n]
            found.update({(row, theirs[0]): jaccard for row in ours if theirs})
            found.update({(ours[0], row): jaccard for row in theirs if ours})
    pairs = sorted(found)
    return np.array(pairs, dtype=np.int64).reshape(-1, 2), np.array([found[p] for p in pairs], dtype=np.float64)


def _shingles(folded: str, shingle: str) -> frozenset[str]:
    """The set of n-grams of one folded text."""
    unit, _, size = shingle.partition(":")
    parts = folded.split() if unit == "word" else list(folded)
    n, glue = min(int(size), len(parts)), " " if unit == "word" else ""
    return frozenset(glue.join(parts[start : start + n]) for start in range(len(parts) - n + 1)) - {""}


def _join(sets: Sequence[frozenset[str]], threshold: float) -> Iterator[tuple[int, int, float]]:
    """Every pair of sets at or above the threshold, by prefix filtering (Chaudhuri et al. 2006)."""
    frequency = Counter(shingle for shingles in sets for shingle in shingles)
    postings: dict[str, list[int]] = defaultdict(list)
    for j, shingles in enumerate(sets):
        rarest = sorted(shingles, key=lambda shingle: (frequency[shingle], shingle))
        prefix = rarest[: len(shingles) - int(np.ceil(threshold * len(shingles) - 1e-9)) + 1]
        for i in {i for shingle in prefix for i in postings[shingle]}:
            shared = len(sets[i] & shingles)
            jaccard = shared / (len(sets[i]) + len(shingles) - shared)
            if jaccard >= threshold:
                yield i, j, jaccard
        for shingle in prefix:
            postings[shingle].append(j)
