"""Texts to their bits, compiled: one look at every byte. `screen` has the same without compilation."""

from __future__ import annotations

import numpy as np

from .context import Array
from .duplicates.compiled import compiled
from .screen import Needles

WINDOW = (1 << 20) - 1
"""All windows of four classes; at the start of a text it is as if other characters stood before it."""


@compiled
def screen_rows(data: Array, ends: Array, needles: Needles, found: Array) -> None:
    """Bits of the texts data[ends[i]:ends[i + 1]], written to `found` (n,) uint32."""
    hits, meanings, classes, features, odd_pairs, odd_case, many_digits, digit, fewest, step = needles
    for row in range(found.shape[0]):
        bits, digits, last, window, before = np.uint32(0), 0, 0, WINDOW, 0
        for at in range(ends[row], ends[row + 1]):
            byte = data[at]
            kind = classes[byte]
            window = ((window << 5) | kind) & WINDOW
            bits |= features[byte]
            if kind == digit:
                digits = digits + 1 if at - last <= step else 1
                last = at
                if digits == fewest:
                    bits |= many_digits
            if hits[window >> 3] >> (window & 7) & 1:
                bits |= meanings[window]
            if byte > 127:
                if odd_pairs[before << 8 | byte]:
                    bits |= odd_case
                before = byte
        found[row] = bits
