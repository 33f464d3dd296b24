"""Texts to their bits, compiled: one look at every byte. `screen` has the same without compilation.

All groups of needles are followed at once (shift-or, Baeza-Yates and Gonnet 1992): a byte moves the state on by a
place, and a group that misses the byte there drops out. Only where one is left after four bytes is the window looked
up. Places are unsigned, which spares a test for negative ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import uint8, uint64

from .context import Array
from .duplicates.compiled import compiled
from .duplicates.kernel_bits import inlined
from .screen import Needles

PLACE, COMPLETE = np.uint64(16), np.uint64(0xFFFF << 48)
"""Bits that a state moves on by; a state below the second has a group that missed none of four bytes."""
ONE, WIDTH, CLASS_BITS = np.uint64(1), 4, np.uint64(5)
OUTSIDE = 255
"""A byte of the class of all others: it is as if such ones stood before a text."""


@compiled
def screen_rows(data: Array, ends: Array, needles: Needles, found: Array) -> None:
    """Bits of the texts data[ends[i]:ends[i + 1]], written to `found` (n,) uint32."""
    misses, features = needles.misses, needles.features
    fresh = ~uint64(0)
    for _ in range(WIDTH - 1):
        fresh = (fresh << PLACE) | misses[OUTSIDE]
    for row in range(found.shape[0]):
        start, stop = uint64(ends[row]), uint64(ends[row + 1])
        state, bits, at = fresh, np.uint32(0), start
        while at < stop:
            byte = data[at]
            state = (state << PLACE) | misses[byte]
            bits |= features[byte]
            at += ONE
            if state < COMPLETE:
                bits |= needles.bits[window_before(data, start, at, needles.classes)]
        if bits & needles.with_digits:
            bits |= many_digits(data[start:stop], needles)
        if bits & needles.non_ascii:
            bits |= odd_case(data[start:stop], needles)
        found[row] = bits


@inlined
def window_before(data: Array, start: int, stop: int, classes: Array) -> Any:
    """The window of the four bytes up to `stop`, of a text from `start` on."""
    window = uint64(0)
    for at in range(np.int64(stop) - WIDTH, np.int64(stop)):
        window = (window << CLASS_BITS) | uint64(classes[data[at] if at >= np.int64(start) else OUTSIDE])
    return window


@compiled
def many_digits(text: Array, needles: Needles) -> np.uint32:
    """The bit of many digits, if there are as many close together."""
    digits, last = 0, 0
    for at, byte in enumerate(text):
        if uint8(byte - uint8(48)) < 10:
            digits = digits + 1 if at - last <= needles.widest_step else 1
            last = at
            if digits == needles.fewest_digits:
                return needles.many_digits
    return np.uint32(0)


@compiled
def odd_case(text: Array, needles: Needles) -> np.uint32:
    """The bit of letters beyond ASCII that are ASCII ones without case, if there is one."""
    before = 0
    for byte in text:
        if byte > 127:
            if needles.odd_pairs[before << 8 | byte]:
                return needles.odd_case
            before = byte
    return np.uint32(0)
