"""Columns to the rows in which a rule may find something: what all rules look for, sought in one pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa

from ...core.records import Examples
from ..context import Array, Context
from ..scanning import prose_columns
from ..screen import MANY_DIGITS, ODD_CASE, OTHER_DIGIT, as_needles, screen_column
from .private import PATTERNS, Pattern

REFUSALS = (
    ((" llm", "n ai", "a ai", "ntel", "uage"),),
    (("sorr", "frai", "unab", " abl"), ("anno", "an't", "an~~", "unab", " abl")),
    (("i ca", "i am", "i wo", "i wi"), (" ass", " hel", " ful", " com", " pro", " ans", " do ")),
    (("y kn", "i do"),),
)
"""Needles of each alternative of `answer.REFUSAL`: of every group one stands in a match (`~` is part of a quote)."""
NUMBERS = tuple(at for at, pattern in enumerate(PATTERNS) if pattern.number_needles)
"""Places of PATTERNS that have needles which count only beside many digits."""
NEEDLES = (
    *(pattern.needles for pattern in PATTERNS),
    *(PATTERNS[at].number_needles for at in NUMBERS),
    ("orem",),
    *(group for groups in REFUSALS for group in groups),
)
"""Needles by the bit that they stand for: those of PATTERNS, of their numbers, of lorem ipsum, and of REFUSALS."""
FILLER = len(PATTERNS) + len(NUMBERS)
"""Place of the needles of lorem ipsum."""


def screened(column: pa.ChunkedArray) -> Array:
    """(n,) uint32: the bits of each text."""
    return screen_column(column, as_needles(NEEDLES))


def screen_examples(examples: Examples) -> Mapping[str, Array]:
    """The bits of all prose columns."""
    return {name: screened(examples.table[name]) for name in prose_columns(examples)}


def column_bits(examples: Examples, name: str, context: Context) -> Array:
    """(n,) uint32: the bits of a prose column, from the context if it knows them."""
    return context.screens[name] if name in context.screens else screened(examples.table[name])


def possible_patterns(bits: Array) -> Array:
    """(n,) uint32: bit i is set where PATTERNS[i] may find something.

    Letters and digits beyond ASCII are in no needle, though a pattern may take them for its own.
    """
    possible = bits & np.uint32((1 << len(PATTERNS)) - 1)
    for at, place in enumerate(NUMBERS, len(PATTERNS)):
        wanted = np.uint32(1 << at | MANY_DIGITS)
        possible[bits & wanted == wanted] |= np.uint32(1 << place)
    possible[bits & OTHER_DIGIT > 0] |= _bits(lambda pattern: "\\d" in pattern.needs)
    possible[bits & ODD_CASE > 0] |= _bits(lambda pattern: "(?i" in pattern.needs)
    return possible


def may_be_filler(bits: Array) -> Array:
    """(n,) bool: where lorem ipsum may stand."""
    return (bits >> np.uint32(FILLER) & 1) > 0


def may_refuse(bits: Array) -> Array:
    """(n,) bool: where `answer.REFUSAL` may match."""
    may, at = (bits & ODD_CASE) > 0, FILLER + 1
    for groups in REFUSALS:
        held = np.ones(len(bits), np.bool_)
        for _ in groups:
            held &= (bits >> np.uint32(at) & 1) > 0
            at += 1
        may |= held
    return may


def _bits(holds: Callable[[Pattern], bool]) -> np.uint32:
    """The bits of those of PATTERNS for which something holds."""
    return np.uint32(sum(1 << at for at, pattern in enumerate(PATTERNS) if holds(pattern)))
