"""Lines of flat JSON objects to columns of text, compiled.

Only plain lines are read: all with the same keys in one order, each value a string wherever the first line's is one,
else a short number, true, false or null. What is not plain is not told from what is wrong: the caller looks closer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .compiled import compile_cached

Array = np.ndarray[Any, Any]


def compiled(function: Any) -> Any:
    """Compiled with this file alone."""
    return compile_cached(function, [Path(__file__)])


QUOTE, BACKSLASH, COLON, COMMA, OPEN, CLOSE, NEWLINE = (ord(c) for c in '"\\:,{}\n')
ESCAPED: Array = np.zeros(256, np.uint8)
"""(256,) byte that stands for each letter after a backslash; 0 where none does."""
for _letter, _byte in zip('"\\/bfnrt', '"\\/\b\f\n\r\t', strict=True):
    ESCAPED[ord(_letter)] = ord(_byte)
HEX: Array = np.full(256, 255, np.uint8)
"""(256,) value of each hexadecimal digit; 255 for other bytes."""
for _value, _digit in enumerate("0123456789abcdef"):
    HEX[[ord(_digit), ord(_digit.upper())]] = _value
LONGEST_NUMBER = 18
"""Characters of a number that is surely read as what it says."""


@compiled
def read_plain_lines(data: Array, keys: Array, key_ends: Array, is_text: Array, out: Array, ends: Array) -> int:
    """The number of lines, whose texts are written to `out`; -1 where one is not plain.

    Args:
        data: uint8, lines that each end in a newline.
        keys: uint8, the keys as they stand in each line, one after the other.
        key_ends: (k + 1,) where each of them starts and the last one ends.
        is_text: (k,) bool, whether the value is a string, to be written to the next column.
        out: (columns, bytes) uint8, the texts of each column.
        ends: (columns, rows + 1) int64, where each of them starts and the last one ends.
    """
    at, row = 0, 0
    while at < data.shape[0]:
        at = after(data, at, OPEN)
        column = 0
        for key in range(is_text.shape[0]):
            if key > 0:
                at = after(data, at, COMMA)
            at = after_key(data, at, keys[key_ends[key] : key_ends[key + 1]])
            if at < 0:
                return -1
            if is_text[key]:
                at, ends[column, row + 1] = copy_string(data, at, out[column], ends[column, row])
                column += 1
            else:
                at = after_scalar(data, at)
        at = after(data, after(data, at, CLOSE), NEWLINE)
        if at < 0:
            return -1
        row += 1
    return row


@compiled
def after(data: Array, at: int, wanted: int) -> int:
    """Place after a byte that stands at `at` or after white space; -1 where it does not, or `at` is negative."""
    if at < 0:
        return -1
    while data[at] == 32 or data[at] == 9 or data[at] == 13:
        at += 1
    return at + 1 if data[at] == wanted else -1


@compiled
def after_key(data: Array, at: int, key: Array) -> int:
    """Place after a key, a colon and white space; -1 where they are not there."""
    at = after(data, at, QUOTE)
    if at < 0:
        return -1
    for byte in key:  # the newline at the end of the data is in no key
        if data[at] != byte:
            return -1
        at += 1
    if data[at] != QUOTE:
        return -1
    at = after(data, at + 1, COLON)
    while at >= 0 and (data[at] == 32 or data[at] == 9):
        at += 1
    return at


@compiled
def copy_string(data: Array, at: int, out: Array, end: int) -> tuple[int, int]:
    """Write the string that starts at `at` to `out` from `end` on; places after it here and there, -1 if it is bad."""
    if data[at] != QUOTE:
        return -1, end
    at += 1
    while data[at] != QUOTE:
        byte = data[at]
        if byte < 32:
            return -1, end
        if byte != BACKSLASH:
            out[end] = byte
            at, end = at + 1, end + 1
            continue
        letter = data[at + 1]
        if ESCAPED[letter]:
            out[end] = ESCAPED[letter]
            at, end = at + 2, end + 1
            continue
        code = read_unit(data, at)
        at += 6
        if 0xD800 <= code < 0xDC00:
            low = read_unit(data, at)
            at += 6
            code = 0x10000 + ((code - 0xD800) << 10) + low - 0xDC00 if 0xDC00 <= low < 0xE000 else -1
        elif 0xDC00 <= code < 0xE000:
            code = -1
        if code < 0:
            return -1, end
        end = write_utf8(code, out, end)
    return at + 1, end


@compiled
def read_unit(data: Array, at: int) -> int:
    r"""The number of a \uXXXX at `at`; -1 where there is none."""
    if at + 6 > data.shape[0] or data[at] != BACKSLASH or data[at + 1] != 117:
        return -1
    code = 0
    for digit in data[at + 2 : at + 6]:
        if HEX[digit] > 15:
            return -1
        code = code * 16 + HEX[digit]
    return code


@compiled
def write_utf8(code: int, out: Array, end: int) -> int:
    """Write a code point to `out`, at most as many bytes as its escape has; the new end."""
    if code < 0x80:
        out[end] = code
        return end + 1
    size = 2 if code < 0x800 else 3 if code < 0x10000 else 4
    for back in range(size - 1, 0, -1):
        out[end + back] = 0x80 | (code & 0x3F)
        code >>= 6
    out[end] = ((0xF00 >> size) & 0xFF) | code
    return end + size


@compiled
def after_scalar(data: Array, at: int) -> int:
    """Place after true, false, null, or a number without exponent; -1 where there is none."""
    for word in (b"true", b"false", b"null"):
        fits = True
        for place in range(len(word)):
            fits = fits and at + place < data.shape[0] and data[at + place] == word[place]
        if fits:
            return at + len(word)
    start = at + (data[at] == 45)
    at = start
    while 48 <= data[at] < 58:
        at += 1
    whole = at - start
    if whole == 0 or (whole > 1 and data[start] == 48):
        return -1
    if data[at] == 46:
        at += 1
        if not 48 <= data[at] < 58:
            return -1
        while 48 <= data[at] < 58:
            at += 1
    return at if at - start <= LONGEST_NUMBER else -1
