"""Texts that are not ASCII to folded bytes by a table, compiled; what the table cannot tell is left to `fold`."""

from __future__ import annotations

import numpy as np
from numba import uint64

from ..folding import is_symbol
from .blocks import ASCII, FOLDED, TABLE
from .compiled import compiled
from .kernel_bits import load64
from .shingles import Array
from .unicode_table import PAGE_BITS, UnicodeTable

PAGE_MASK = (1 << PAGE_BITS) - 1
"""Place of a code point in its page."""
HIGH_BITS = np.uint64(0x8080808080808080)
"""Of 8 bytes, the bits that none of ASCII has."""
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
def find_ascii(data: Array, offsets: Array, kinds: Array) -> None:
    """Mark each row as ASCII, or as FOLDED where it holds any other character."""
    for row in range(kinds.shape[0]):
        start, stop, bits = offsets[row], offsets[row + 1], uint64(0)
        if stop - start < 8:
            for i in range(start, stop):
                bits |= uint64(data[i])
        else:
            for i in range(start, stop - 8, 8):
                bits |= load64(data, i)
            bits |= load64(data, stop - 8)  # overlaps the one before, since nothing after the row may be read
        kinds[row] = FOLDED if bits & HIGH_BITS else ASCII


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
            simple = simple and entry >= 0
            words |= (entry & 1) == 1
        if lacking == 0 and not (simple and words):
            kinds[row] = FOLDED
    return lacking


@compiled
def fold_by_table(data: Array, start: int, stop: int, table: UnicodeTable, text: Array, at: int) -> int:
    """Write the folded data[start:stop] to text[at:]; words may be parted by several spaces. The end."""
    i = start
    while i < stop:
        byte = data[i]
        if byte < 128:
            folded = ASCII_FOLDED[byte]
            if folded >= PARTED:
                text[at] = text[at + 2] = 32
                text[at + 1] = folded - PARTED
                at += 2
            else:
                text[at] = folded
            at += 1
            i += 1
            continue
        code, size = decode(data, i, stop)
        i += size
        entry = table.entries[table.pages[code >> PAGE_BITS] + (code & PAGE_MASK)]
        first = entry >> 6
        for k in range(first, first + ((entry >> 1) & 31)):
            text[at] = table.letters[k]
            at += 1
    return at
