"""Texts to the lines of theirs that are known boilerplate, compiled: one look at every byte."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numba import uint64

from .compiled import compiled
from .kernel_bits import load64, same_bytes, trailing_zeros
from .kernel_shingles import mix64
from .kernel_unicode import decode
from .shingles import Array

WIDE_SPACES: Array = np.array([code for code in range(0x80, 0x3001) if chr(code).isspace()], np.int64)
"""White space beyond ASCII, as `str.strip` knows it."""
NEWLINES = np.uint64(0x0A0A0A0A0A0A0A0A)


class Lines(NamedTuple):
    """Known lines, without white space at their ends, the shortest first."""

    letters: Array
    """uint8: their bytes, one after the other."""
    ends: Array
    """(k + 1,) int64: where each starts and ends."""
    by_length: Array
    """(longest + 2,) int64: the lines of m bytes are those from by_length[m] to by_length[m + 1]."""


def as_lines(lines: Iterable[str]) -> Lines:
    """Lines for the kernel."""
    coded = sorted((line.encode() for line in lines), key=lambda line: (len(line), line))
    sizes = np.array([len(line) for line in coded], np.int64)
    by_length = np.searchsorted(sizes, np.arange(sizes.max(initial=0) + 2))
    return Lines(np.frombuffer(b"".join(coded), np.uint8), np.cumsum([0, *sizes.tolist()]), by_length)


@compiled
def find_lines(data: Array, offsets: Array, lines: Lines, spans: Array, ways: Array, marks: Array) -> int:
    """Find the known lines of each text data[offsets[i]:offsets[i + 1]] that has several lines.

    Args:
        data: UTF-8.
        offsets: (n + 1,) int64.
        lines: the known ones.
        spans: (m, 3) int32, receives text, start and end, counted from the start of the text, of the first m.
        ways: (n,) uint64, receives a number for the known lines of each text in their order, 0 for none.
        marks: (n, 2) bool, receives whether a text is nothing but known lines, and then has no spans; and whether an
            ASCII letter or digit stays.

    Returns:
        how many spans there are.
    """
    count = 0
    for text in range(marks.shape[0]):
        start, stop = offsets[text], offsets[text + 1]
        ways[text], marks[text, 0], marks[text, 1] = 0, False, False
        begin, end, before, stays = start, next_newline(data, start, stop), count, False
        if end == stop:
            continue
        while True:
            first, last = trim(data, begin, end)
            line = known_line(data, first, last, lines)
            if line < 0:
                stays |= first < last
                marks[text, 1] = marks[text, 1] or has_ascii_word(data, first, last)
            else:
                ways[text] = mix64(ways[text] + uint64(line + 1))
                if count < spans.shape[0]:
                    spans[count, 0], spans[count, 1], spans[count, 2] = text, begin - start, end - start
                count += 1
            if end == stop:
                break
            begin, end = end + 1, next_newline(data, end + 1, stop)
        if not stays:
            marks[text, 0] = count > before
            count = before
    return count


@compiled
def next_newline(data: Array, i: int, stop: int) -> Any:
    """Place of the next end of a line from i on, else `stop`."""
    while i + 8 <= stop:
        found = same_bytes(load64(data, i), NEWLINES)
        if found != uint64(0):
            return i + (trailing_zeros(found) >> 3)
        i += 8
    while i < stop and data[i] != 10:
        i += 1
    return i


@compiled
def trim(data: Array, start: int, stop: int) -> tuple[int, int]:
    """Start and end without the white space at both ends."""
    while start < stop:
        size = space_size(data, start, stop)
        if size == 0:
            break
        start += size
    while start < stop:
        last = stop - 1
        while last > start and (data[last] & 0xC0) == 0x80:
            last -= 1
        if space_size(data, last, stop) == 0:
            break
        stop = last
    return start, stop


@compiled
def space_size(data: Array, i: int, stop: int) -> int:
    """Bytes of the white space at i, 0 where there is none."""
    byte = int(data[i])
    if byte < 0x80:
        return int(9 <= byte <= 13 or 28 <= byte <= 32)
    code, size = decode(data, i, stop)
    for space in WIDE_SPACES:
        if code == space:
            return size
    return 0


@compiled
def has_ascii_word(data: Array, start: int, stop: int) -> bool:
    """Whether an ASCII letter or digit is in data[start:stop]."""
    i = start
    while i < stop and not (97 <= (data[i] | 32) <= 122 or 48 <= data[i] <= 57):
        i += 1
    return i < stop


@compiled
def known_line(data: Array, start: int, stop: int, lines: Lines) -> int:
    """Which known line data[start:stop] is, -1 for none."""
    size = stop - start
    if size + 1 >= lines.by_length.shape[0]:
        return -1
    for line in range(lines.by_length[size], lines.by_length[size + 1]):
        first, same = lines.ends[line], True
        for i in range(size):
            if lines.letters[first + i] != data[start + i]:
                same = False
                break
        if same:
            return line
    return -1
