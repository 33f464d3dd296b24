"""Two similar questions to whether they ask for two things: a content word swapped, or another number.

A near copy rewords ("how do i find my card", "how can I find my card?"); another question of the same form swaps a
slot ("flights to paris", "flights to rome").
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from ..folding import MINUS, fold

STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        """a about all also am an and any are as at be been but by can could did do does doing for from get
        give go going got had has have help hello hey hi how i if in into is it its just know let like m me
        more my need of on one or our please ll re s should so some t tell than thank thanks that the their
        them then there these they this those to too um us ve very want was we were what when where which
        who why will with would you your d isn don doesn""",
    )
)
"""Words that carry no slot: swapping one rewords a question."""

SUFFIXES = re.compile(r"(ing|ed|es|s|ly)$")
STEM_LENGTH = 5
"""Words that share their first letters are one stem: transferred, transfers, transferring."""
SHORTEST_STEM = 3
"""Shorter words must be equal."""
TYPING_ERROR = 0.85
"""Matching share of letters (difflib) from which on two longer words are one word and a typing error."""


def asks_something_else(one: str, two: str) -> bool:
    """Whether both texts hold a content word without a partner in the other, or their numbers differ.

    >>> asks_something_else("what is the weather in france", "what is the weather in japan")
    True
    >>> asks_something_else("Is it 5 degrees?", "is it -5 degrees")
    True
    >>> asks_something_else("How do I locate my card?", "how can I locate my cards")
    False
    """
    first, second = fold(one).split(), fold(two).split()
    if sorted(filter(_is_number, first)) != sorted(filter(_is_number, second)):
        return True
    ours, theirs = _stems(first), _stems(second)
    return bool(_unmatched(ours, theirs)) and bool(_unmatched(theirs, ours))


def _is_number(word: str) -> bool:
    return word.removeprefix(MINUS).isdecimal()


def _stems(words: list[str]) -> set[str]:
    return {SUFFIXES.sub("", word) or word for word in words if word not in STOP_WORDS and not _is_number(word)}


def _unmatched(ours: set[str], theirs: set[str]) -> set[str]:
    """Stems of one side that nothing on the other side begins like."""
    return {stem for stem in ours if not any(_alike(stem, other) for other in theirs)}


def _alike(one: str, two: str) -> bool:
    """The same word but for its ending, or a typing error in a longer word."""
    if one == two or (min(len(one), len(two)) >= SHORTEST_STEM and one[:STEM_LENGTH] == two[:STEM_LENGTH]):
        return True
    shorter, longer = sorted((one, two), key=len)
    if len(shorter) >= SHORTEST_STEM and longer.startswith(shorter):
        return True
    return len(shorter) >= STEM_LENGTH and SequenceMatcher(None, one, two).ratio() >= TYPING_ERROR
