"""Pairs of texts to whether one may stand in the other, compiled: cheap to tell, and never too seldom."""

from __future__ import annotations

from string import ascii_lowercase, digits

import numpy as np

from ..context import Array
from ..duplicates.compiled import compiled

LETTERS: Array = np.full(256, 255, np.uint8)
"""(256,) number of each ASCII digit or letter, case ignored; 255 for other bytes."""
for _at, _character in enumerate(digits + ascii_lowercase):
    LETTERS[[ord(_character), ord(_character.upper())]] = _at


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
