"""Bitmaps of shingle sets to a bound on the similarity of two of them, so that few pairs need their texts again.

A shingle sets one of 256 bits. A bit that one map has and the other lacks stands for at least one shingle that only one
of the sets has (the bitmap filter of Sandes, Teodoro, Melo: Bitmap filter, 2020).
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from .compiled import compiled, map_threads
from .shingles import MAP_WORDS, Array

SLACK = 1e-9
"""Keeps rounding from ruling out a pair exactly at the threshold."""
MAPPED_PAIRS = 1 << 16
"""Pairs whose bitmaps a thread compares at a time."""
NO_MAPS = np.empty((0, MAP_WORDS + 1), np.uint64)
TWOS, FOURS, EIGHTS = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333), np.uint64(0x0F0F0F0F0F0F0F0F)
LAST_BYTE = np.uint64(0xFF)


def possible_pairs(pairs: Array, maps: Array, threshold: float) -> Array:
    """The pairs (m,) uint64 of n rows whose Jaccard similarity may reach the threshold, by their maps (n, words)."""
    found = np.empty(len(pairs), np.bool_)

    def work(first: int) -> None:
        part = slice(first, first + MAPPED_PAIRS)
        find_possible(pairs[part], maps, threshold, found[part])

    deque(map_threads(work, range(0, len(pairs), MAPPED_PAIRS)), 0)
    return pairs[found]


@compiled
def find_possible(pairs: Array, maps: Array, threshold: float, out: Array) -> None:
    """Write to `out`, (m,) bool, which pairs (m,) uint64 of rows may reach the threshold."""
    for at in range(pairs.shape[0]):
        one, two = np.int64(pairs[at] >> np.uint64(32)), np.int64(pairs[at] & np.uint64(0xFFFFFFFF))
        out[at] = may_reach(maps, one, two, threshold)


@compiled
def may_reach(maps: Array, one: Any, two: Any, threshold: float) -> Any:
    """Whether the Jaccard similarity of two mapped sets may reach the threshold."""
    only_one, only_two = 0, 0
    for word in range(MAP_WORDS):
        left, right = maps[one, word], maps[two, word]
        only_one += count_ones(left & ~right)
        only_two += count_ones(right & ~left)
    shared = min(np.int64(maps[one, MAP_WORDS]) - only_one, np.int64(maps[two, MAP_WORDS]) - only_two)
    return shared >= (threshold - SLACK) * (shared + only_one + only_two)


@compiled
def count_ones(value: Any) -> Any:
    """How many bits of a uint64 are set."""
    value = value - ((value >> np.uint64(1)) & TWOS)
    value = (value & FOURS) + ((value >> np.uint64(2)) & FOURS)
    value = (value + (value >> np.uint64(4))) & EIGHTS
    value += value >> np.uint64(8)
    value += value >> np.uint64(16)
    value += value >> np.uint64(32)
    return np.int64(value & LAST_BYTE)
