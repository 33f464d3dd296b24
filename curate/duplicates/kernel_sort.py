"""Unsigned 64-bit numbers sorted digit by digit, compiled: several times faster than comparing them.

Of keys, those that occur once are mostly left out before.
"""

from __future__ import annotations

from typing import Any

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
SLOTS_A_ROW = 8
"""Slots for each row: about an eighth of the keys that occur once are not alone in theirs."""
MOST_MOVES = 8
"""Moves a number, in keys sorted by their first two digits, beyond which they are no hashes."""


@compiled
def radix_sort(values: Array, spare: Array) -> None:
    """Sort `values` in place; `spare` is as long. Digits that are the same in all of them cost nothing."""
    counts, n = np.zeros((DIGITS, RADIX), np.uint64), values.shape[0]
    for i in range(n):
        value = values[i]
        for digit in range(DIGITS):
            counts[digit, value & LAST_DIGIT] += uint64(1)
            value >>= uint64(DIGIT_BITS)
    source, target, passes = values, spare, 0
    for digit in range(DIGITS):
        shift, places = uint64(digit * DIGIT_BITS), counts[digit]
        if n == 0 or places[(values[0] >> shift) & LAST_DIGIT] == uint64(n):
            continue
        as_starts(places)
        for i in range(n):
            value = source[i]
            at = (value >> shift) & LAST_DIGIT
            target[places[at]] = value
            places[at] += uint64(1)
        source, target = target, source
        passes += 1
    if passes & 1:
        values[:] = spare


@compiled
def as_starts(counts: Array) -> None:
    """Turn counts into the place where each begins."""
    total = uint64(0)
    for at in range(counts.shape[0]):
        count = counts[at]
        counts[at] = total
        total += count


@compiled
def pack_shared(keys: Array, chosen: Array, bits: int, out: Array) -> Any:
    """Pack the chosen rows whose key another chosen row may have too; most keys occur once, and need no sorting.

    A key's upper bits name one of 8 or more slots for each row. What is alone in its slot is left out.

    Args:
        keys: (n,) uint64, hashes.
        chosen: (n,) bool.
        bits: as many as a row needs.
        out: (n,) uint64, receives the upper bits of each key, with its row in the lower `bits`.

    Returns:
        how many there are.
    """
    slots, shift, lower, count = 64, uint64(58), ~((uint64(1) << uint64(bits)) - uint64(1)), uint64(0)
    while slots < SLOTS_A_ROW * keys.shape[0]:
        slots *= 2
        shift -= uint64(1)
    once, twice = np.zeros(slots >> 6, np.uint64), np.zeros(slots >> 6, np.uint64)
    for row in range(keys.shape[0]):
        slot = keys[row] >> shift
        bit, word = uint64(chosen[row]) << (slot & uint64(63)), slot >> uint64(6)
        twice[word] |= once[word] & bit
        once[word] |= bit
    for row in range(keys.shape[0]):
        slot = keys[row] >> shift
        out[count] = (keys[row] & lower) | uint64(row)
        count += (twice[slot >> uint64(6)] >> (slot & uint64(63))) & uint64(chosen[row])
    return count


@compiled
def sort_packed(values: Array, spare: Array) -> bool:
    """Sort packed keys, hashes, which differ early; False, and any order, where that would take long.

    `spare` is as long.
    """
    counts, n = np.zeros((2, RADIX), np.uint64), values.shape[0]
    first, second = uint64(64 - 2 * DIGIT_BITS), uint64(64 - DIGIT_BITS)
    for i in range(n):
        counts[0, (values[i] >> first) & LAST_DIGIT] += uint64(1)
        counts[1, values[i] >> second] += uint64(1)
    as_starts(counts[0])
    as_starts(counts[1])
    for i in range(n):
        at = (values[i] >> first) & LAST_DIGIT
        spare[counts[0, at]] = values[i]
        counts[0, at] += uint64(1)
    for i in range(n):
        at = spare[i] >> second
        values[counts[1, at]] = spare[i]
        counts[1, at] += uint64(1)
    return insert_all(values)


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
