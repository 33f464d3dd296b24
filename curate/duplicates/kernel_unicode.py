"""Texts that are not ASCII to folded bytes by a table, compiled; what the table cannot tell is left to `fold`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import uint64

from ..folding import DASH, JOINED, MINUS, is_symbol
from .blocks import ASCII, FOLDED, TABLE
from .compiled import compiled
from .kernel_bits import HIGH_BITS, inlined, load64, same_bytes, trailing_zeros
from .shingles import Array
from .unicode_table import PAGE_BITS, UnicodeTable

PAGE_MASK = (1 << PAGE_BITS) - 1
"""Place of a code point in its page."""
PARTED = 128
"""Added to a symbol that is parted from what is beside it."""
ASCII_FOLDED: Array = np.array(
    [
        byte + PARTED if is_symbol(chr(byte)) else ord(chr(byte).lower()) if chr(byte).isalnum() or byte == 95 else 32
        for byte in range(128)
    ],
    dtype=np.uint8,
)
"""(128,) ASCII characters folded, a space for those that part words."""
JOINS: Array = np.array([byte >= 128 or chr(byte).isalnum() or chr(byte) in f"_-{JOINED}" for byte in range(256)])
"""(256,) bytes behind which a hyphen joins; what is not ASCII is looked at from its own place."""
HYPHEN, DOLLAR, POINT, EN_DASH = ord("-"), ord("$"), ord("."), ord(DASH)
HYPHENS = np.uint64(0x2D2D2D2D2D2D2D2D)
DASH_BYTES = len(DASH.encode())
SIGN: Array = np.frombuffer(MINUS.encode(), np.uint8)
"""(3,) uint8."""


@compiled
def decode(data: Array, i: int, stop: int) -> tuple[int, int]:
    """Code point at data[i:] of valid UTF-8, and the bytes it takes; -1 where the text breaks off."""
    byte = int(data[i])
    if byte < 0x80:
        return byte, 1
    size = 2 + (byte >= 0xE0) + (byte >= 0xF0)
    if i + size > stop or byte < 0xC0:
        return -1, 1
    code = byte & (0x7F >> size)
    for k in range(1, size):
        code = (code << 6) | (int(data[i + k]) & 0x3F)
    return (code if code < 0x110000 else -1), size


@compiled
def find_kinds(data: Array, offsets: Array, kinds: Array) -> None:
    """Mark each row as ASCII; as TABLE where it holds other characters or a negative number; or as FOLDED.

    What stands before or is a character that is not ASCII is left to `classify_rows`.
    """
    for row in range(kinds.shape[0]):
        start, stop, high, hyphens = offsets[row], offsets[row + 1], uint64(0), uint64(0)
        if stop - start < 8:
            for i in range(start, stop):
                high |= uint64(data[i])
                hyphens |= uint64(data[i] == HYPHEN)
        else:
            for i in range(start, stop - 8, 8):
                eight = load64(data, i)
                high |= eight
                hyphens |= same_bytes(eight, HYPHENS)
            eight = load64(data, stop - 8)  # overlaps the one before, since nothing after the row may be read
            high |= eight
            hyphens |= same_bytes(eight, HYPHENS)
        kinds[row] = TABLE if high & HIGH_BITS else ASCII
        if hyphens:
            kinds[row] = max(kinds[row], kind_by_signs(data, start, stop))


@compiled
def kind_by_signs(data: Array, start: int, stop: int) -> int:
    """TABLE if a hyphen of data[start:stop] is the sign of a number, FOLDED if only `fold` can tell, else ASCII."""
    kind, i = ASCII, start
    while i < stop:
        if i + 8 <= stop:
            found = same_bytes(load64(data, i), HYPHENS)
            if not found:
                i += 8
                continue
            i += trailing_zeros(found) >> 3
        if data[i] == HYPHEN and (i == start or not JOINS[data[i - 1]]):
            number = number_after(data, i + 1, stop)
            if number < stop and data[number] >= 128:
                return FOLDED
            if number < stop:
                kind = TABLE
        i += 1
    return kind


@inlined
def number_after(data: Any, at: Any, stop: Any) -> Any:
    """Place in data[at:stop] of the digit, or byte beyond ASCII, at the start or behind `$` and a point; or `stop`."""
    at += at < stop and data[at] == DOLLAR
    at += at < stop and data[at] == POINT
    return at if at < stop and (data[at] >= 128 or 48 <= data[at] <= 57) else stop


@compiled
def classify_rows(data: Array, offsets: Array, kinds: Array, table: UnicodeTable, missing: Array) -> int:
    """Find out which rows marked TABLE must be FOLDED instead: the table cannot tell, or no word is in them.

    Pages of the table that are needed but absent are marked in `missing` (bool), and their number is returned; the
    kinds are right once it is 0.
    """
    lacking = 0
    for row in range(kinds.shape[0]):
        if kinds[row] != TABLE:
            continue
        i, stop, words, simple = offsets[row], offsets[row + 1], False, True
        while i < stop:
            if words and i + 8 <= stop and not load64(data, i) & HIGH_BITS:
                i += 8
                continue
            byte = data[i]
            if byte < 128:
                words |= ASCII_FOLDED[byte] != 32
                i += 1
                continue
            code, size = decode(data, i, stop)
            i += size
            page = -2 if code < 0 else table.pages[code >> PAGE_BITS]
            if page == -1:
                lacking += not missing[code >> PAGE_BITS]
                missing[code >> PAGE_BITS] = True
                continue
            entry = -1 if page < 0 else table.entries[page + (code & PAGE_MASK)]
            simple = simple and entry >= 0 and (entry & 2 == 2 or not beside_sign(data, code, offsets[row], i, stop))
            words |= (entry & 1) == 1
        if lacking == 0 and not (simple and words):
            kinds[row] = FOLDED
    return lacking


@compiled
def beside_sign(data: Array, code: int, start: int, i: int, stop: int) -> bool:
    """Whether a character, no letter, may be the sign of a number or stand before one.

    Args:
        data: UTF-8.
        code: its code point.
        start: where the row starts.
        i: where the character ends.
        stop: where the row ends.
    """
    if i < stop and data[i] == HYPHEN:
        return bool(number_after(data, i + 1, stop) < stop)
    before = i - DASH_BYTES - 1
    joins = before >= start and data[before] < 128 and JOINS[data[before]]
    return bool(code == EN_DASH and not joins and number_after(data, i, stop) < stop)


@compiled
def fold_by_table(data: Array, start: int, stop: int, table: UnicodeTable, text: Array, at: int) -> int:
    """Write the folded data[start:stop] to text[at:]; words may be parted by several spaces. The end."""
    i = start
    while i < stop:
        byte = data[i]
        if byte == HYPHEN and (i == start or not JOINS[data[i - 1]]):
            number = number_after(data, i + 1, stop)
            if number < stop:
                at = write_sign(data[i + 1] == DOLLAR, text, at)
                i = number
                continue
        if byte < 128:
            at = write_ascii(ASCII_FOLDED[byte], text, at)
            i += 1
            continue
        code, size = decode(data, i, stop)
        i += size
        entry = table.entries[table.pages[code >> PAGE_BITS] + (code & PAGE_MASK)]
        first = entry >> 6
        for k in range(first, first + ((entry >> 2) & 15)):
            text[at] = table.letters[k]
            at += 1
    return at


@inlined
def write_ascii(folded: Any, text: Any, at: Any) -> Any:
    """Write an item of ASCII_FOLDED to text[at:]; the end."""
    if folded >= PARTED:
        text[at] = text[at + 2] = 32
        text[at + 1] = folded - PARTED
        at += 2
    else:
        text[at] = folded
    return at + 1


@inlined
def write_sign(has_dollar: Any, text: Any, at: Any) -> Any:
    """Write the sign of a number to text[at:], behind a dollar sign where it has one; the end."""
    if has_dollar:
        at = write_ascii(np.uint8(DOLLAR + PARTED), text, at)
    text[at : at + 3] = SIGN
    return at + 3
