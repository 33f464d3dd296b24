"""Texts to verified near-duplicates: which rows say almost the same, and which row stands for which.

Similarity is the Jaccard similarity of two texts' shingle sets (word or character n-grams of the folded text). A text
shorter than one shingle is itself its only shingle, so a one-word text equals only the same word. MinHash bands, or an
exact join, only propose pairs: every pair that is returned was compared shingle by shingle. Rows of several fields are
alike where each field is; how similar they are is said by the least alike one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..config import DedupConfig
from .rows import Rows, Texts, as_rows

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
    texts: Texts | Rows,
    *,
    config: DedupConfig,
    groups: Array | None = None,
    rank: Array | None = None,
    labels: Array | None = None,
) -> NearDuplicates:
    """Pairs of different texts whose Jaccard similarity reaches `config.threshold`; neither order nor threads matter.

    Where very many texts share a band, as fills of one template do, only the pairs that star clustering needs are
    given: pass the `rank` and `labels` that will decide who stands for whom, else text numbers do.

    Args:
        texts: n texts; a null counts as an empty text.
        config: shingle, threshold, bands or exact join.
        groups: (n,) integers; rows of different groups are never paired, nor represented by one another.
        rank: (n,) distinct numbers, lower is better, as for `star_clusters`.
        labels: (n,) integers; rows of different labels are paired but will not stand for one another.
    """
    from .pair_search import search_pairs

    rows = as_rows(texts)
    pairs, jaccard, representative, _ = search_pairs(rows, config, groups=groups, rank=rank, labels=labels)
    return NearDuplicates(pairs=pairs, jaccard=jaccard, representative=representative)


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
    from .stars import cluster_stars

    return cluster_stars(near.representative, near.pairs, near.jaccard, rank)


def cross_duplicates(texts: Texts, others: Texts, *, config: DedupConfig) -> tuple[Array, Array]:
    """Near-duplicates between two lists of texts, such as training rows and test rows.

    Returns:
        pairs (m, 2) int64: a row of `texts` and a row of `others`, Jaccard at or above the threshold, sorted; of rows
        with the same folded text, each is paired at least with the other side's first such row; and
        jaccard (m,) float64: the true Jaccard similarity of each pair.
    """
    from .blocks import as_column
    from .cross_search import search_cross_pairs

    return search_cross_pairs(as_column(texts), as_column(others), config)


def describe_search(config: DedupConfig, rows: int, fields: int = 1) -> dict[str, Any]:
    """What a search over rows of so many fields will do, JSON-ready: bands, expected recall, peak memory in bytes."""
    from .engine_plan import describe_engine

    return describe_engine(config, rows, fields)
