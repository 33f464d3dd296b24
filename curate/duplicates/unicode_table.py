"""`fold` as a table over code points, so that a kernel can fold most texts that are not ASCII.

Folding a text is folding its characters one by one, unless a character acts on its neighbours when it is normalised:
combining marks, the parts of Hangul syllables, some letters of scripts encoded late, signs of negative numbers. Texts
with such a character are left to `fold` itself. The table grows page by page, as texts need it.
"""

from __future__ import annotations

import threading
import unicodedata
from typing import NamedTuple

import numpy as np

from ..folding import DASH, MINUS, fold
from .shingles import Array

PAGE_BITS = 4
"""A page holds 2^4 code points: what texts use of an alphabet lies close together, and each costs time."""
PAGES = 0x110000 >> PAGE_BITS
"""Pages of all code points."""
LEFT_TO_FOLD = -1
"""Entry of a character that acts on its neighbours."""
GROWTH = 3
"""A folded character takes at most this many times its own bytes; a longer one is left to `fold`."""
JAMO = ((0x1100, 0x11FF), (0xA960, 0xA97F), (0xD7B0, 0xD7FF))
"""Code points that join into Hangul syllables."""
UNICODE_PLANE = 0x10000
"""First code point past the basic plane: there only symbols and ideographs are tabulated."""


class UnicodeTable(NamedTuple):
    """The folded form of characters, as far as tabulated."""

    pages: Array
    """(PAGES,) int64: first entry of each page, -1 where it is not tabulated."""
    entries: Array
    """int64, one per code point: 64 · start in `letters` + 4 · bytes + 2 · whether it joins words as a letter does +
    whether it belongs to a word."""
    letters: Array
    """uint8: folded characters in UTF-8; a space where words are parted."""


EMPTY = UnicodeTable(np.full(PAGES, -1, np.int64), np.empty(0, np.int64), np.empty(0, np.uint8))
_grown = EMPTY
_growing = threading.Lock()


def current_table() -> UnicodeTable:
    """The table as it is, with a page at least, by which kernels know that rows may grow when they are folded."""
    return _grown if len(_grown.entries) else grow_table(np.zeros(1, np.int64))


def grow_table(wanted: Array) -> UnicodeTable:
    """The table with the pages listed; others that look at it keep what they have."""
    global _grown
    with _growing:
        pages, entries, letters = _grown.pages.copy(), [_grown.entries], [_grown.letters]
        used = len(_grown.letters)
        for page in wanted.tolist():
            if pages[page] < 0:
                pages[page] = sum(map(len, entries))
                fresh, text = _page(page, used)
                entries.append(fresh)
                letters.append(text)
                used += len(text)
        _grown = UnicodeTable(pages, np.concatenate(entries), np.concatenate(letters))
        return _grown


def _page(page: int, start: int) -> tuple[Array, Array]:
    """Entries of one page, and the letters that they point to, which will lie from `start` on."""
    entries, text = np.empty(1 << PAGE_BITS, dtype=np.int64), bytearray()
    for at in range(len(entries)):
        folded = _fold_character((page << PAGE_BITS) + at)
        if folded is None:
            entries[at] = LEFT_TO_FOLD
        else:
            is_letter = all(byte >= 128 or chr(byte).isalpha() for byte in folded)
            entries[at] = 64 * (start + len(text)) + 4 * len(folded) + 2 * is_letter + (folded.strip() != b"")
            text += folded
    return entries, np.frombuffer(bytes(text), dtype=np.uint8)


def _fold_character(code: int) -> bytes | None:
    """What a character adds to a folded text, None where that depends on its neighbours."""
    character = chr(code)
    if 0xD800 <= code <= 0xDFFF or (code >= UNICODE_PLANE and not _is_alone(character)):
        return None
    plain = unicodedata.normalize("NFKC", character).casefold()
    if "-" in plain or MINUS in plain or (DASH in plain and character != DASH):
        return None  # maybe the sign of a number; a kernel knows the common signs alone
    for form in (character, plain):
        first = unicodedata.normalize("NFKD", form)[:1]
        if first and (unicodedata.category(first)[0] == "M" or any(low <= ord(first) <= high for low, high in JAMO)):
            return None
    between = fold(f"x{character}x")
    folded = between[1:-1].encode()
    fits = between[0] == between[-1] == "x" and len(folded) <= GROWTH * len(character.encode())
    return folded if fits else None


def _is_alone(character: str) -> bool:
    """Whether a character past the basic plane is a symbol or an ideograph, which never join."""
    name = unicodedata.name(character, "")
    return unicodedata.category(character)[0] in "SP" or name.startswith("CJK UNIFIED IDEOGRAPH")
