"""A word diff loses nothing: without its insertions it is the old text, without its deletions the new one."""

from __future__ import annotations

import html
import re
import time

from hypothesis import given
from hypothesis import strategies as st
from tunegate.reports.worddiff import word_diff

SENTENCE = st.text("ab <&\n.", max_size=40)


@given(SENTENCE, SENTENCE)
def test_both_texts_can_be_read_from_the_diff(old: str, new: str) -> None:
    """Deletions and what is shared give the old text; insertions and what is shared give the new one."""
    marked = word_diff(old, new)
    inner = marked.removeprefix('<span class="data diff" dir="auto">').removesuffix("</span>")
    if "diff" not in marked:  # equal texts carry no marks
        return

    assert html.unescape(re.sub("<ins>.*?</ins>|</?del>", "", inner, flags=re.DOTALL)) == old
    assert html.unescape(re.sub("<del>.*?</del>|</?ins>", "", inner, flags=re.DOTALL)) == new


def test_equal_texts_carry_no_marks() -> None:
    """An exact duplicate is shown plainly."""
    assert "diff" not in word_diff("same text", "same text")


def test_long_repetitive_texts_cost_little() -> None:
    """Matching is never quadratic in a long text: a thousand pairs take less than 2 CPU seconds."""
    old, new = "a " * 390, "b " + "a " * 300 + "b " * 80
    started = time.process_time()
    for _ in range(1000):
        word_diff(old, new)

    assert time.process_time() - started < 2
