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


EACH, HIGHEST = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
"""The lowest and the highest bit of each byte of a word."""
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
def read_plain_lines(lines: Any, span: tuple[int, int], fields: Any, out: Array, ends: Array) -> tuple[int, int]:
    """Number of lines that are read, and the place of the first that is not plain (`stop`: all are).

    Args:
        lines: uint8, lines that each end in a newline; and uint64, the eight bytes from each of these bytes on.
        span: where the first line begins, and where the last one ends.
        fields: uint8, the keys as they stand in each line, one after the other; (k + 1,) where each of them starts and
            the last one ends; (k,) bool, whether the value is a string, to be written to the next column.
        out: (1 + columns, room) uint64, likewise eight bytes from each byte on: the lines without their newlines, then
            the texts of each column; room for all that is read, and eight bytes more.
        ends: (1 + columns, rows + 1) int64, where each of them starts and the last one ends.
    """
    data, words = lines
    keys, key_ends, is_text = fields
    (at, stop), row = span, 0
    while at < stop:
        line = at
        at = after(data, at, OPEN)
        column = 1
        for key in range(is_text.shape[0]):
            if key > 0:
                at = after(data, at, COMMA)
            at = after_key(data, at, keys[key_ends[key] : key_ends[key + 1]])
            if at < 0:
                return row, line
            if is_text[key]:
                at, ends[column, row + 1] = copy_string(data, words, at, out[column], ends[column, row])
                column += 1
            else:
                at = after_scalar(data, at)
        at = after(data, after(data, at, CLOSE), NEWLINE)
        if at < 0:
            return row, line
        row += 1
        ends[0, row] = copy_line(words, line, at - 1, out[0], ends[0, row - 1])
    return row, at


@compiled
def copy_line(words: Array, at: int, stop: int, out: Array, end: int) -> int:
    """Write the bytes from `at` to `stop` to `out` from `end` on; the new end."""
    for step in range(0, stop - at, 8):
        out[end + step] = words[at + step]
    return end + stop - at


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
def copy_string(data: Array, words: Array, at: int, out: Array, end: int) -> tuple[int, int]:
    """Write the string that starts at `at` to `out` from `end` on; places after it here and there, -1 if it is bad."""
    if data[at] != QUOTE:
        return -1, end
    at += 1
    while True:
        word = words[at]
        out[end] = word
        plain = plain_bytes(word)
        at, end = at + plain, end + plain
        if plain == 8:
            continue
        byte = data[at]
        if byte == QUOTE:
            return at + 1, end
        if byte >= 0x80:
            out[end] = words[at]
            size = utf8_size(words[at])
            at, end = at + size, end + size
        elif byte == BACKSLASH:
            at, size = write_escaped(data, at, out, end)
            end += size
        else:
            size = 0
        if size == 0:
            return -1, end


@compiled
def plain_bytes(word: Any) -> Any:
    """How many of a word's bytes, from the lowest, are ASCII, no control bytes, quotes or backslashes."""
    quote, backslash = word ^ EACH * np.uint64(QUOTE), word ^ EACH * np.uint64(BACKSLASH)
    # A byte that borrows in a subtraction gets its highest bit; only one below that is not plain borrows from it.
    odd = (quote - EACH | backslash - EACH | word - EACH * np.uint64(32) | word) & HIGHEST
    if odd == 0:
        return 8
    below = (odd & (~odd + np.uint64(1))) - np.uint64(1) >> np.uint64(7)
    return np.int64((below & EACH) * EACH >> np.uint64(56))


@compiled
def utf8_size(word: Any) -> int:
    """Bytes of the well-formed UTF-8 sequence of two to four bytes that a word begins with; 0 where there is none."""
    first, second = word & np.uint64(0xFF), word >> np.uint64(8) & np.uint64(0xFF)
    if 0xC2 <= first <= 0xDF:
        return 2 if word & np.uint64(0xC000) == 0x8000 else 0
    if 0xE0 <= first <= 0xEF:
        low, high = 0xA0 if first == 0xE0 else 0x80, 0x9F if first == 0xED else 0xBF
        return 3 if low <= second <= high and word & np.uint64(0xC00000) == 0x800000 else 0
    if 0xF0 <= first <= 0xF4:
        low, high = 0x90 if first == 0xF0 else 0x80, 0x8F if first == 0xF4 else 0xBF
        return 4 if low <= second <= high and word & np.uint64(0xC0C00000) == 0x80800000 else 0
    return 0


@compiled
def write_escaped(data: Array, at: int, out: Array, end: int) -> tuple[int, int]:
    """Write the character whose escape is at `at` to `out` at `end`; place after it, and bytes written, 0 if bad."""
    letter = data[at + 1]
    if ESCAPED[letter]:
        out[end] = np.uint64(ESCAPED[letter])
        return at + 2, 1
    code = read_unit(data, at)
    at += 6
    if 0xD800 <= code < 0xDC00:
        low = read_unit(data, at)
        at += 6
        code = 0x10000 + ((code - 0xD800) << 10) + low - 0xDC00 if 0xDC00 <= low < 0xE000 else -1
    elif 0xDC00 <= code < 0xE000:
        code = -1
    if code <= 0:  # no tool can carry on a NUL: such a row is looked at alone
        return at, 0
    size = 1 if code < 0x80 else 2 if code < 0x800 else 3 if code < 0x10000 else 4
    out[end] = utf8_word(code, size)
    return at, size


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
def utf8_word(code: int, size: int) -> Any:
    """The UTF-8 bytes of a code point, the first one lowest."""
    if size == 1:
        return np.uint64(code)
    word = 0
    for _ in range(size - 1):
        word = (word | 0x80 | (code & 0x3F)) << 8
        code >>= 6
    return np.uint64(word | ((0xF00 >> size) & 0xFF) | code)


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
