"""What a shingle is and how it becomes a number: the arithmetic that every kernel of the engine shares.

A text is folded and split into words. `word:n` takes every run of n words, `char:n` every run of n characters of the
words joined by single spaces. A text of fewer units is itself its only shingle; an empty text has none.

Numbers have 63 bits, so that two different shingles are hardly ever confused; MinHash sees the lower 32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

PAD = 72
"""Bytes that a kernel may read past the end of a row: it looks at 64 bytes at a time."""
MIX_A = np.uint64(0x9E3779B97F4A7C15)
"""2^64 divided by the golden ratio, odd: spreads a word's first 8 bytes."""
MIX_B = np.uint64(0xC2B2AE3D27D4EB4F)
"""Second odd multiplier (a prime of xxHash64): spreads a word's further bytes and a band's key."""


MAP_WORDS = 4
"""Words of 64 bits in the bitmap of a shingle set, a power of two; one more has the number of shingles."""


@dataclass(frozen=True, slots=True)
class Shingle:
    """A parsed `word:n` or `char:n`."""

    unit: Literal["word", "char"]
    """What is counted."""
    size: int
    """Units in a run."""

    @property
    def code(self) -> int:
        """One integer for the kernels: n for words, -n for characters."""
        return self.size if self.unit == "word" else -self.size


def parse_shingle(text: str) -> Shingle:
    """`word:2` as a value.

    >>> parse_shingle("char:5")
    Shingle(unit='char', size=5)
    """
    unit, _, size = text.partition(":")
    return Shingle("char" if unit == "char" else "word", int(size))


class Spec(NamedTuple):
    """What a kernel computes."""

    code: int
    """`Shingle.code`: n for words, -n for characters."""
    a: Array
    """(bands · rows,) uint32: multipliers of the permutations."""
    b: Array
    """(bands · rows,) uint32: their offsets."""
    rows: int
    """MinHash values in a band."""


def bandless(code: int) -> Spec:
    """The spec of numbers of whole texts alone."""
    return Spec(code, np.empty(0, np.uint32), np.empty(0, np.uint32), 1)


def mix64(values: Array) -> Array:
    """MurmurHash3's 64-bit finalizer, a bijection, over a uint64 array."""
    with np.errstate(over="ignore"):
        values = values ^ (values >> np.uint64(33))
        values = values * np.uint64(0xFF51AFD7ED558CCD)
        values = values ^ (values >> np.uint64(33))
        values = values * np.uint64(0xC4CEB9FE1A85EC53)
        mixed: Array = values ^ (values >> np.uint64(33))
        return mixed


def mix32(values: Array) -> Array:
    """MurmurHash3's 32-bit finalizer, a bijection, over a uint32 array; datasketch applies it before permuting."""
    values = values ^ (values >> np.uint32(16))
    values = values * np.uint32(0x85EBCA6B)
    values = values ^ (values >> np.uint32(13))
    values = values * np.uint32(0xC2B2AE35)
    mixed: Array = values ^ (values >> np.uint32(16))
    return mixed


POSITION: Array = mix64(np.arange(1, 10, dtype=np.uint64)) | np.uint64(1)
"""(9,) odd multipliers: the weight of a word at each place of a word n-gram."""
BYTES: Array = np.array([(1 << (8 * count)) - 1 for count in range(9)], dtype=np.uint64)
"""(9,) masks that keep the first 0 to 8 bytes of a little-endian 64-bit load."""
