"""A threshold and a target recall to MinHash permutations and bands, and to the recall that they promise.

Two texts of Jaccard similarity s agree in one MinHash value with probability s, in a band of r values with s^r, and in
at least one of b bands with 1 − (1 − s^r)^b (Leskovec, Rajaraman, Ullman: Mining of Massive Datasets, 3.4).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Bands:
    """How a signature is cut."""

    count: int
    """Bands, b."""
    rows: int
    """MinHash values in a band, r."""

    def recall(self, similarity: float) -> float:
        """Probability that a pair of this Jaccard similarity is proposed.

        >>> round(Bands(21, 6).recall(0.8), 4)
        0.9983
        """
        return float(1 - (1 - similarity**self.rows) ** self.count)

    def recall_curve(self, threshold: float) -> dict[str, float]:
        """Expected recall at Jaccard similarities from half-way below the threshold up to 1, in steps of 0.05."""
        steps = range(math.floor(threshold * 10) * 5, 101, 5)
        return {f"{step / 100:.2f}": round(self.recall(step / 100), 6) for step in steps}


def choose_bands(*, threshold: float, recall: float, permutations: int) -> Bands:
    """The most selective bands that propose a pair exactly at the threshold with probability `recall`.

    Of the band lengths whose fewest sufficient bands fit into `permutations`, the longest proposes the fewest pairs in
    vain. If none fits, every permutation becomes a band of its own, the highest recall there is.

    >>> choose_bands(threshold=0.8, recall=0.99, permutations=128)
    Bands(count=16, rows=6)
    """
    best = Bands(permutations, 1)
    for rows in range(1, permutations + 1):
        hit = threshold**rows
        count = 1 if hit >= recall else math.ceil(math.log(1 - recall) / math.log1p(-hit) - 1e-9)
        if count * rows <= permutations:
            best = Bands(count, rows)
    return best


def affine_permutations(permutations: int, seed: int = 1) -> tuple[Array, Array]:
    """The multipliers and offsets of datasketch 2's `affine32` scheme: h → a·h + b mod 2^32, a odd.

    Returns:
        a and b, each (permutations,) uint32, equal to `datasketch.MinHash(permutations, seed).permutations`.
    """
    generator = np.random.RandomState(seed)
    a = generator.randint(0, 1 << 31, permutations, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return a, generator.randint(0, 1 << 32, permutations, dtype=np.uint32)
