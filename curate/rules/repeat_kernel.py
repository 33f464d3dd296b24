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
MIX: Array = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], dtype=np.uint64)
"""An odd multiplier for each word of a run.

Two words or runs that get one number make a text look more repetitive, never less.
"""
UNKNOWN, ONE, SHIFT = np.uint64(0), np.uint64(1), np.uint64(29)
LETTER_BITS, OTHER_BITS = np.uint64(7), np.uint64(57)
"""Bits that a letter turns the number of a word by, and the rest of 64: cheaper than a product, byte by byte."""
MOST_WORDS = 4
"""Words that a byte beyond ASCII may add: folded it is two at most (U+3316 becomes six by three bytes), and it may cut
the word that it stands in."""


@compiled
def may_contain(one: Array, one_ends: Array, two: Array, two_ends: Array, found: Array) -> None:
    """Whether one of two texts may stand in the other when both are folded, written to `found` (n,) bool where true.

    What stands in a text has no letter more often than the text. A byte beyond ASCII may become one letter more, or
    take one away.
    """
    counts = np.empty((2, 256), np.int64)
    for row in range(found.shape[0]):
        if not found[row]:
            continue
        counts[:] = 0
        for at in range(one_ends[row], one_ends[row + 1]):
            counts[0, one[at]] += 1
        for at in range(two_ends[row], two_ends[row + 1]):
            counts[1, two[at]] += 1
        beyond = 0
        for byte in range(128, 256):
            beyond += counts[0, byte] + counts[1, byte]
        fewer = more = True
        for byte in range(91):
            if LETTERS[byte] < 36:
                own, other = counts[0, byte], counts[1, byte]
                if byte > 64:
                    own, other = own + counts[0, byte + 32], other + counts[1, byte + 32]
                fewer, more = fewer and own <= other + beyond, more and own + beyond >= other
        found[row] = fewer or more


@compiled
def repeated_share(data: Array, ends: Array, fewest: int, shares: Array) -> None:
    """Share of the runs of four words that repeat an earlier one, written to `shares` (n,) float64.

    It is 0 for texts of fewer bytes than `fewest`, and never too low for those with bytes beyond ASCII.
    """
    longest = 1
    for row in range(shares.shape[0]):
        longest = max(longest, ends[row + 1] - ends[row])
    words, table = np.empty(longest + 1, np.uint64), np.zeros(4 * longest + 16, np.uint64)
    for row in range(shares.shape[0]):
        shares[row] = 0.0
        if ends[row + 1] - ends[row] < fewest:
            continue
        count, beyond = hash_words(data[ends[row] : ends[row + 1]], words)
        runs = count - RUN + 1
        most = runs + MOST_WORDS * beyond
        if most > 0:
            shares[row] = 1 - distinct_runs(words, max(0, runs), table) / most


@compiled
def hash_words(text: Array, words: Array) -> tuple[int, int]:
    """The words of a text as numbers, written to `words`; their count, and the bytes beyond ASCII.

    A word or symbol that such a byte stands beside is UNKNOWN: it may be folded to several words, or to another one.
    """
    count, beyond, before, word, is_unknown = 0, 0, 0, UNKNOWN, False
    for byte in text:
        if byte > 127:
            if SYMBOLS[before]:
                words[count - 1] = UNKNOWN
            beyond, is_unknown = beyond + 1, True
        elif LETTERS[byte] < 36 or byte == 95:
            word = ((word << LETTER_BITS) | (word >> OTHER_BITS)) + np.uint64(LETTERS[byte]) + ONE
        else:
            if word or is_unknown:
                words[count] = UNKNOWN if is_unknown else word
                count, word, is_unknown = count + 1, UNKNOWN, False
            if SYMBOLS[byte]:
                words[count] = np.uint64(byte)
                count += 1
        before = byte
    if word or is_unknown:
        words[count] = UNKNOWN if is_unknown else word
        count += 1
    return count, beyond


@compiled
def distinct_runs(words: Array, runs: int, table: Array) -> int:
    """How many different runs of known words begin at the first words; `table` is left empty."""
    size, distinct = 16, 0
    while size < 2 * runs:
        size *= 2
    mask = np.uint64(size - 1)
    for start in range(runs):
        run, is_known = UNKNOWN, True
        for at in range(RUN):
            word = words[start + at]
            run += word * MIX[at]
            is_known = is_known and word != UNKNOWN
        if not is_known:
            continue
        run |= ONE
        slot = (run >> SHIFT) & mask
        while table[slot] and table[slot] != run:
            slot = (slot + ONE) & mask
        if not table[slot]:
            table[slot] = run
            distinct += 1
    table[:size] = 0
    return distinct
