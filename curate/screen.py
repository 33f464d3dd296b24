"""A text column to a few bits per text: which needles and which kinds of bytes stand in it; one pass over the bytes.

A needle is four characters in a row, by class: case does not count, and all digits are one. Rules look closely only at
the texts whose bits say that they may find something there, so that the bits may promise too much but never too little.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ..core.texts import text_bytes
from .context import Array
from .duplicates.blocks import slices
from .duplicates.compiled import jit_enabled, map_threads

NON_ASCII, CONTROL, MARKUP, FENCE = 1 << 31, 1 << 30, 1 << 29, 1 << 28
"""Bytes beyond ASCII; control characters; one of `<` and `&`; a backtick."""
OTHER_DIGIT, ODD_CASE, MANY_DIGITS = 1 << 27, 1 << 26, 1 << 25
"""Perhaps a digit beyond ASCII; a letter beyond ASCII that is an ASCII one without case; ASCII digits, see below."""
FEWEST_DIGITS, WIDEST_GAP = 10, 2
"""`MANY_DIGITS` stands for at least so many digits with at most so many other bytes between one and the next.

A compiled pass looks for them only where a needle with a digit stands.
"""
DIGIT_LEADS = (0xD9, 0xDB, 0xDF, 0xE0, 0xE1, 0xEA, 0xEF, 0xF0)
"""First bytes, in UTF-8, of all digits beyond ASCII."""
ODD_LETTERS = ("\u017f", "\u212a", "\u0130", "\u0131")
"""Long s, the Kelvin sign, dotted I and dotless i: patterns that ignore case take them for s, k and i."""

SLICE_ROWS = 1 << 14
"""Texts looked at in one go, so that threads share the work."""
OTHER = 31
CLASSES: Array = np.full(256, OTHER, np.uint8)
"""(256,) class of each byte: letters 0 to 25, then as in `CLASS_OF`, all others 31."""
CLASS_OF = {"0": 26, "-": 27, "@": 28, "+": 29, " ": 30}
"""Characters of a needle: a digit; `-` or `_`; an at sign; a plus; one of space, full stop and parentheses."""
WILD = {"*": tuple(range(32)), "?": tuple(range(28)), "&": tuple(range(26))}
"""Characters of a needle that stand for several: any; a letter, a digit, `-` or `_`; a letter."""
USUAL = (6, 1, 3, 2, 8, 1, 1, 3, 5, 1, 1, 3, 2, 5, 5, 2, 1, 4, 5, 6, 2, 1, 1, 1, 1, 1, 3, 2, 1, 1, 18, 7)
"""(32,) percent of bytes that each class has in posts and instructions (20 Newsgroups, dolly), at least 1."""
GROUPS = 16
"""Groups of needles that are told apart while a text is read, as many as bits of a number for each of four places."""
for _class, _bytes in enumerate(
    [*((bytes([a, a - 32])) for a in range(97, 123)), b"0123456789", b"-_", b"@", b"+", b" .()"]
):
    CLASSES[list(_bytes)] = _class

FEATURES: Array = np.array(
    [
        NON_ASCII * (byte > 127)
        | CONTROL * ((byte < 32 and byte not in b"\t\n\r") or byte == 127)
        | MARKUP * (byte in b"<&")
        | FENCE * (byte == ord("`"))
        | OTHER_DIGIT * (byte in DIGIT_LEADS)
        for byte in range(256)
    ],
    np.uint32,
)
"""(256,) bits of each byte."""
ODD_PAIRS: Array = np.zeros(1 << 16, np.bool_)
"""(65536,) whether two bytes, the first the higher one, end a letter of ODD_LETTERS."""
ODD_PAIRS[[int.from_bytes(letter.encode()[-2:], "big") for letter in ODD_LETTERS]] = True


class Needles(NamedTuple):
    """All that a pass needs to know; a window of four classes is a number of 20 bits.

    A compiled pass takes from here what it would else be compiled with, so that its cached code never goes stale.
    """

    misses: Array
    """(256,) uint64: a bit per place (first place lowest) and group, set where no needle has this byte there."""
    bits: Array
    """(1048576,) uint32: the bits that each window stands for."""
    with_digits: np.uint32
    """The bits whose needles have digits."""
    classes: Array = CLASSES
    features: Array = FEATURES
    odd_pairs: Array = ODD_PAIRS
    non_ascii: np.uint32 = np.uint32(NON_ASCII)
    odd_case: np.uint32 = np.uint32(ODD_CASE)
    many_digits: np.uint32 = np.uint32(MANY_DIGITS)
    fewest_digits: int = FEWEST_DIGITS
    widest_step: int = WIDEST_GAP + 1


@cache
def as_needles(needles: tuple[tuple[str, ...], ...]) -> Needles:
    """Tables for needles of four characters, where those at place i of the tuple stand for bit i.

    >>> tables = as_needles((("hf_?",),))
    >>> int(tables.bits.sum())
    28
    """
    bits, with_digits = np.zeros(1 << 20, np.uint32), 0
    for at, group in enumerate(needles):
        for needle in group:
            bits[_windows(needle)] |= np.uint32(1 << at)
            with_digits |= ("0" in needle) << at
    return Needles(_misses({needle for group in needles for needle in group}), bits, np.uint32(with_digits))


def _windows(needle: str) -> list[int]:
    return [a << 15 | b << 10 | c << 5 | d for a, b, c, d in product(*_classes(needle))]


def _classes(needle: str) -> list[Sequence[int]]:
    """The classes that each character of a needle stands for."""
    return [WILD.get(c) or (CLASS_OF.get(c, int(CLASSES[ord(c)])),) for c in needle]


def _misses(needles: Iterable[str]) -> Array:
    """`Needles.misses`: each needle, the commonest first, joins the group that then is least commoner than before."""
    groups = np.zeros((GROUPS, 4, 32), np.bool_)
    for own in sorted((_as_group(needle) for needle in sorted(needles)), key=_commonness, reverse=True):
        groups[np.argmin(_commonness(groups | own) - _commonness(groups))] |= own
    by_byte = np.moveaxis(~groups, 0, 2)[:, CLASSES].swapaxes(0, 1).reshape(256, 4 * GROUPS)
    return np.packbits(by_byte, axis=1, bitorder="little").view(np.uint64)[:, 0]


def _as_group(needle: str) -> Array:
    """(4, 32) bool: the classes at each place of a needle."""
    return np.array([np.isin(np.arange(32), kinds) for kinds in _classes(needle)])


def _commonness(groups: Array) -> Array:
    """How often a window occurs that has classes of a group (…, 4, 32) at each place, next to others."""
    found: Array = np.prod(groups @ np.array(USUAL, np.float64), axis=-1)
    return found


def screen_column(column: pa.ChunkedArray, needles: Needles) -> Array:
    """(n,) uint32: the bits of each text, its needles' and the ones named above."""
    screen = _screen_compiled if jit_enabled() else _screen_plainly
    parts = map_threads(lambda piece: screen(*text_bytes(piece[1]), needles), slices(column, SLICE_ROWS))
    return np.concatenate([np.empty(0, np.uint32), *parts])


def _screen_compiled(data: Array, ends: Array, needles: Needles) -> Array:
    from .screen_kernel import screen_rows

    found = np.empty(len(ends) - 1, np.uint32)
    screen_rows(data, ends, needles, found)
    return found


def _screen_plainly(data: Array, ends: Array, needles: Needles) -> Array:
    """The same with numpy; a window may begin in the text before, which only promises more."""
    data = data[ends[0] : ends[-1]]
    before = np.concatenate([np.full(3, OTHER, np.int32), CLASSES[data].astype(np.int32)])
    window = before[:-3] << 15 | before[1:-2] << 10 | before[2:-1] << 5 | before[3:]
    bits = FEATURES[data] | needles.bits[window]
    pairs = np.append(np.uint16(0), data[:-1].astype(np.uint16) << np.uint16(8) | data[1:])[: len(data)]
    bits[ODD_PAIRS[pairs]] |= np.uint32(ODD_CASE)
    found = np.zeros(len(ends) - 1, np.uint32)
    filled = np.flatnonzero(np.diff(ends))
    if len(filled):
        found[filled] = np.bitwise_or.reduceat(bits, ends[filled] - ends[0])
    places = np.flatnonzero(before[3:] == CLASS_OF["0"])
    near = np.append(0, np.cumsum(np.diff(places) > needles.widest_step))
    later = near[needles.fewest_digits - 1 :]
    first = np.flatnonzero(later == near[: len(later)])
    found[np.searchsorted(ends - ends[0], places[first], side="right") - 1] |= np.uint32(MANY_DIGITS)
    return found
