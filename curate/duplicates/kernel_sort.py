"""Unsigned 64-bit numbers sorted digit by digit, compiled: several times faster than comparing them."""

from __future__ import annotations

import numpy as np
from numba import uint64

from .compiled import compiled
from .shingles import Array

DIGIT_BITS = 11
"""Bits sorted by in one pass: as many places to write to as the caches follow."""
DIGITS = 6
"""Digits of a number."""
RADIX = 1 << DIGIT_BITS
LAST_DIGIT = np.uint64(RADIX - 1)
MOST_MOVES = 8
"""Moves a number, in keys sorted by their first two digits, beyond which they are no hashes."""


@compiled
def radix_sort(values: Array, spare: Array) -> None:
    """Sort `values` in place; `spare` is as long. Digits that are the same in all of them cost nothing."""
    counts, n = np.zeros((DIGITS, RADIX), np.int64), values.shape[0]
    for i in range(n):
        value = values[i]
        for digit in range(DIGITS):
            counts[digit, np.int64(value & LAST_DIGIT)] += 1
            value >>= uint64(DIGIT_BITS)
    source, target, passes = values, spare, 0
    for digit in range(DIGITS):
        shift, places = uint64(digit * DIGIT_BITS), counts[digit]
        if n == 0 or places[np.int64((values[0] >> shift) & LAST_DIGIT)] == n:
            continue
        as_starts(places)
        for i in range(n):
            value = source[i]
            at = np.int64((value >> shift) & LAST_DIGIT)
            target[places[at]] = value
            places[at] += 1
        source, target = target, source
        passes += 1
    if passes & 1:
        values[:] = spare


@compiled
def as_starts(counts: Array) -> int:
    """Turn counts into the place where each begins; their sum."""
    total = 0
    for at in range(counts.shape[0]):
        count = counts[at]
        counts[at] = total
        total += count
    return total


@compiled
def sort_keys(keys: Array, chosen: Array, bits: int, out: Array, spare: Array) -> int:
    """Sort the upper bits of each chosen key, with its row in the lower `bits`: hashes, which differ early.

    Args:
        keys: (n,) uint64.
        chosen: (n,) bool.
        bits: as many as a row needs.
        out: (n,) uint64, receives the numbers sorted.
        spare: (n,) uint64.

    Returns:
        how many there are, or -1 where sorting this way would take long.
    """
    lower, counts = ~((uint64(1) << uint64(bits)) - uint64(1)), np.zeros((2, RADIX), np.int64)
    first, second = uint64(64 - 2 * DIGIT_BITS), uint64(64 - DIGIT_BITS)
    for row in range(keys.shape[0]):
        if chosen[row]:
            counts[0, np.int64((keys[row] >> first) & LAST_DIGIT)] += 1
            counts[1, np.int64(keys[row] >> second)] += 1
    total = as_starts(counts[0])
    as_starts(counts[1])
    for row in range(keys.shape[0]):
        if chosen[row]:
            at = np.int64((keys[row] >> first) & LAST_DIGIT)
            spare[counts[0, at]] = (keys[row] & lower) | uint64(row)
            counts[0, at] += 1
    for i in range(total):
        at = np.int64(spare[i] >> second)
        out[counts[1, at]] = spare[i]
        counts[1, at] += 1
    return total if insert_all(out[:total]) else -1


@compiled
def insert_all(values: Array) -> bool:
    """Sort numbers that are nearly sorted; False, and any order, where they are not."""
    moves = MOST_MOVES * values.shape[0]
    for i in range(1, values.shape[0]):
        value, place = values[i], i
        while place > 0 and values[place - 1] > value:
            values[place] = values[place - 1]
            place -= 1
        values[place] = value
        moves -= i - place
        if moves < 0:
            return False
    return True
