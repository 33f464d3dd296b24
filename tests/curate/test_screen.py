"""What one pass over the bytes says of a text may promise too much, but never too little."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tunegate.curate.duplicates.rows import as_rows
from tunegate.curate.duplicates.sketches import count_shingles
from tunegate.curate.folding import fold
from tunegate.curate.rules.answer import REFUSAL, _may_end_open
from tunegate.curate.rules.repeats import LOOP_RUN, _may_contain
from tunegate.curate.rules.suspects import NEEDLES, may_refuse, screened
from tunegate.curate.scanning import matches
from tunegate.curate.screen import (
    DIGIT_LEADS,
    MANY_DIGITS,
    ODD_LETTERS,
    _screen_plainly,
    as_needles,
)

REFUSING = [
    "as an ", "As a ", "AI", "artificial intelligence", "language model", "llm", " ", "I'm ", "i am ", "sorry",
    "unable", "not able", "afraid", " but ", "I ", "can't", "cannot", "can\u2019t", "won't", "will not", " assist",
    " help", " answer", " do that", "my knowledge cutoff", "my \u212anowledge cut-off", "i don't have ",
    "i do not have ", "feelings", "per\u017fonal", "access to real", ".", "\n", "x",
]  # fmt: skip
PIECES = ["gh", "p_", "hub_", "a", "B", "00", "7", " ", "-", "_be", "g", "@x", "+", "\n", "sorry", "i d", "o ", "sk-"]
"""Parts of needles, all of ASCII."""
WORDS = st.lists(st.sampled_from(["a", "B", "c#", "_d", "*", "\n", "é", ".", "1"]), max_size=30).map(" ".join)
FOLDED = [
    "\u0301",
    "\u0338",
    "=",
    ">",
    "e",
    "ﬃ",
    "㌖",
    "ﷺ",
    "½",
    "ß",
    "\u2212",
    "中",
    "\ufe0f",
    "€",
    "a b c d ",
    " ",
    "ﬀ",
]
"""Characters that folding joins with those before them, splits, turns into several words, or drops."""
ODD_WORDS = st.lists(st.sampled_from(FOLDED), max_size=30).map("".join)


@settings(max_examples=300, deadline=None)
@given(texts=st.lists(st.lists(st.sampled_from(REFUSING), max_size=8).map("".join), max_size=5))
def test_the_screen_misses_no_refusal(texts: list[str]) -> None:
    """Where the pattern of refusals matches, the needles of one of its alternatives stand."""
    column = pa.chunked_array([pa.array(texts, pa.large_string())])

    assert not (matches(column, REFUSAL) & ~may_refuse(screened(column))).any()


@pytest.mark.parametrize(
    ("text", "many"), [("555 123.45-67 (8) 9", True), ("1234567890", True), ("12345 abc 67890", False)]
)
def test_many_digits_stand_close_together(text: str, many: bool) -> None:
    """Ten digits count only where no more than two other characters stand between one and the next."""
    column = pa.chunked_array([pa.array(["1", text, "99999"], pa.large_string())])

    assert (screened(column) & MANY_DIGITS > 0).tolist() == [False, many, False]


@settings(max_examples=300, deadline=None)
@given(texts=st.lists(st.lists(st.sampled_from(PIECES), max_size=6).map("".join), min_size=1, max_size=4))
def test_compiled_needles_are_those_of_each_text(texts: list[str]) -> None:
    """A text read alone in plain numpy has the same needles, wherever they stand and whatever is beside it."""
    needles = as_needles(NEEDLES)
    own = np.uint32(MANY_DIGITS - 1)
    expected = [
        int(_screen_plainly(np.frombuffer(text.encode(), np.uint8), np.array([0, len(text)]), needles)[0] & own)
        for text in texts
    ]

    assert (screened(pa.chunked_array([pa.array(texts, pa.large_string())])) & own).tolist() == expected


def test_no_digit_or_letter_beyond_ascii_is_left_out() -> None:
    """Patterns take digits of all scripts, and letters that are ASCII ones without case: all of them are looked for."""
    every = [chr(code) for code in range(128, sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    leads = {character.encode()[0] for character in every if unicodedata.category(character) == "Nd"}
    letters = {character for character in every if re.match("(?i)[a-z]", character)}

    assert leads <= set(DIGIT_LEADS)
    assert letters <= set(ODD_LETTERS)


@settings(max_examples=500, deadline=None)
@given(pairs=st.lists(st.tuples(WORDS | ODD_WORDS, WORDS | ODD_WORDS), min_size=1, max_size=5))
@example(pairs=[("It\u017f K", "its k")])
def test_repetitions_are_counted_and_none_is_overlooked(pairs: list[tuple[str, str]]) -> None:
    """A text that stands in another one may contain it; runs of words are counted as those of the folded text."""
    one, two = (pa.chunked_array([pa.array(side, pa.large_string())]) for side in zip(*pairs, strict=True))
    may = _may_contain(one, two, np.ones(len(one), np.bool_))
    for (left, right), held in zip(pairs, may.tolist(), strict=True):
        assert held or not (fold(left) in fold(right) or fold(right) in fold(left))

    counted = count_shingles(as_rows(one), np.arange(len(one)), LOOP_RUN)
    for (left, _), count, different in zip(pairs, *map(np.ndarray.tolist, counted), strict=True):
        words = fold(left).split()
        runs = [tuple(words[at : at + LOOP_RUN]) for at in range(len(words) - LOOP_RUN + 1)]
        assert (count, different) == ((len(runs), len(set(runs))) if runs else (int(bool(words)),) * 2)


def test_bounds_hold_for_every_character() -> None:
    """A byte beyond ASCII adds no more letters than the bound allows for."""
    for code in range(128, sys.maxunicode + 1):
        character = chr(code)
        folded = fold(f"x {character} x")
        letters = Counter(letter for letter in folded if letter.isascii() and letter.isalnum())
        size = len(character.encode(errors="surrogatepass"))
        assert max((count for letter, count in letters.items() if letter != "x"), default=0) <= size


@settings(deadline=None)
@given(texts=st.lists(st.text("a_,. (\n\x1c\u00a0é\u3000", max_size=4), max_size=6))
def test_open_ends_are_told_by_the_last_character(texts: list[str]) -> None:
    """White space of any kind apart, the last character decides."""
    expected = [bool(re.search(r"[\w,;:(\[{]$", text.rstrip(), re.ASCII)) for text in texts]

    assert np.asarray(_may_end_open(pa.array(texts, pa.large_string()))).tolist() == expected
