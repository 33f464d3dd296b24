"""Texts to bounds on what they may repeat, compiled: cheap to compute, and never too low."""

from __future__ import annotations

from string import ascii_lowercase, digits

import numpy as np

from ..context import Array
from ..duplicates.compiled import compiled

LETTERS: Array = np.full(256, 255, np.uint8)
"""(256,) number of each ASCII digit or letter, case ignored; 255 for other bytes."""
for _at, _character in enumerate(digits + ascii_lowercase):
    LETTERS[[ord(_character), ord(_character.upper())]] = _at
SYMBOLS: Array = np.array([chr(byte) in "#$%*+/<=>^" for byte in range(256)])
"""(256,) whether an ASCII character is a word of its own, as `folding.ASCII_SYMBOLS`."""
RUN = 4
"""Words in a run, as `repeats.LOOP_RUN`."""
MIX_A, MIX_B = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
"""Odd multipliers; two words or runs that get one number make a text look more repetitive, never less."""
ONE, SHIFT = np.uint64(1), np.uint64(29)


@compiled
def may_contain(one: Array, one_ends: Array, two: Array, two_ends: Array, found: Array) -> None:
    """Whether one of two texts may stand in the other when both are folded, written to `found` (n,) bool.

    What stands in a text has no letter more often than the text; texts beyond ASCII may always.
    """
    counts = np.empty((2, 256), np.int64)
    for row in range(found.shape[0]):
        counts[:] = 0
        for at in range(one_ends[row], one_ends[row + 1]):
            counts[0, one[at]] += 1
        for at in range(two_ends[row], two_ends[row + 1]):
            counts[1, two[at]] += 1
        fewer = more = True
        beyond = 0
        for byte in range(256):
            if byte > 127:
                beyond += counts[0, byte] + counts[1, byte]
            elif LETTERS[byte] < 36 and byte < 91:
                own, other = counts[0, byte], counts[1, byte]
                if byte > 64:
                    own, other = own + counts[0, byte + 32], other + counts[1, byte + 32]
                fewer, more = fewer and own <= other, more and own >= other
        found[row] = fewer or more or beyond > 0


@compiled
def repeated_share(data: Array, ends: Array, shares: Array) -> None:
    """Share of the runs of four words that repeat an earlier one, written to `shares` (n,) float64; 1 beyond ASCII."""
    longest = 1
    for row in range(shares.shape[0]):
        longest = max(longest, ends[row + 1] - ends[row])
    words, table = np.empty(longest + 1, np.uint64), np.zeros(4 * longest + 16, np.uint64)
    for row in range(shares.shape[0]):
        count = hash_words(data[ends[row] : ends[row + 1]], words)
        runs = count - RUN + 1
        shares[row] = 1.0 if count < 0 else 1 - distinct_runs(words, runs, table) / runs if runs > 0 else 0.0


@compiled
def hash_words(text: Array, words: Array) -> int:
    """The words of a text as numbers, written to `words`; their count, -1 where the text is not all ASCII."""
    count, word = 0, np.uint64(0)
    for byte in text:
        if byte > 127:
            return -1
        if LETTERS[byte] < 36 or byte == 95:
            word = (word + np.uint64(LETTERS[byte]) + ONE) * MIX_A
            word ^= word >> SHIFT
            continue
        if word:
            words[count] = word
            count, word = count + 1, np.uint64(0)
        if SYMBOLS[byte]:
            words[count] = np.uint64(byte)
            count += 1
    if word:
        words[count] = word
        count += 1
    return count


@compiled
def distinct_runs(words: Array, runs: int, table: Array) -> int:
    """How many different runs begin at the first words; `table` is left empty."""
    size, distinct = 16, 0
    while size < 2 * runs:
        size *= 2
    mask = np.uint64(size - 1)
    for start in range(runs):
        run = ONE
        for word in words[start : start + RUN]:
            run = (run ^ word) * MIX_B
            run ^= run >> SHIFT
        run |= ONE
        slot = (run >> SHIFT) & mask
        while table[slot] and table[slot] != run:
            slot = (slot + ONE) & mask
        if not table[slot]:
            table[slot] = run
            distinct += 1
    table[:size] = 0
    return distinct
