"""ASCII texts to the e-mail addresses in them, compiled: what `private.find_emails` finds, byte for byte."""

from __future__ import annotations

from pathlib import Path
from string import ascii_letters, digits
from typing import Any

import numpy as np

from ...core.compiled import compile_cached
from ..context import Array
from .private import LOCAL, LONGEST_LOCAL

AT, DOT = ord("@"), ord(".")
LONGEST_LABEL, MOST_LABELS, SHORTEST_TOP, LONGEST_TOP = 63, 8, 2, 24
"""As in `private.DOMAIN`."""


def _class_of(characters: str) -> Array:
    return np.array([chr(byte) in characters for byte in range(256)])


IN_LOCAL = _class_of(LOCAL)
IN_LABEL = _class_of(f"{ascii_letters}{digits}-")
LETTER = _class_of(ascii_letters)
IN_WORD = _class_of(f"{ascii_letters}{digits}_")


def compiled(function: Any) -> Any:
    """Compiled with the patterns that it mirrors."""
    return compile_cached(function, [Path(__file__), Path(__file__).with_name("private.py")])


@compiled
def find_addresses(data: Array, ends: Array, wanted: Array, found: Array) -> int:
    """How many addresses stand in the wanted texts; they are written to `found` as far as it reaches.

    Args:
        data: uint8; text i is data[ends[i]:ends[i + 1]], all of it ASCII where wanted.
        ends: (n + 1,) int64.
        wanted: (n,) bool.
        found: (m, 3) int64, receives row, start and stop within the text; they ascend.
    """
    count = 0
    for row in range(wanted.shape[0]):
        if not wanted[row]:
            continue
        begin, stop, last = ends[row], ends[row + 1], ends[row]
        for at in range(begin, stop):
            if data[at] != AT:
                continue
            start = at
            while start > last and at - start <= LONGEST_LOCAL and IN_LOCAL[data[start - 1]]:
                start -= 1
            is_cut = start > begin and IN_LOCAL[data[start - 1]]
            end = -1 if start == at or is_cut or at - start > LONGEST_LOCAL else after_domain(data, at + 1, stop)
            if end > 0:
                last = end
                if count < found.shape[0]:
                    found[count, 0], found[count, 1], found[count, 2] = row, start - begin, end - begin
                count += 1
    return count


@compiled
def after_domain(data: Array, at: int, stop: int) -> int:
    """Place after the longest domain that starts at `at`; -1 where there is none."""
    end = -1
    for _ in range(MOST_LABELS):
        dot = at
        while dot < stop and dot - at <= LONGEST_LABEL and IN_LABEL[data[dot]]:
            dot += 1
        if not 1 <= dot - at <= LONGEST_LABEL or dot == stop or data[dot] != DOT:
            return end
        at = dot + 1
        top = at
        while top < stop and top - at <= LONGEST_TOP and LETTER[data[top]]:
            top += 1
        if SHORTEST_TOP <= top - at <= LONGEST_TOP and (top == stop or not IN_WORD[data[top]]):
            end = top
    return end
