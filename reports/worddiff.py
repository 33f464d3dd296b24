"""Two texts to one with the words that differ marked: what a reviewer looks for in a near-duplicate.

What both begin and end with is set aside first. Where more than `MAX_WORDS` words are left, no marks are made, since
matching is quadratic in their number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import takewhile

from .markup import KEPT_TEXT, Html, data, join, tag, text

MAX_WORDS = 80
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


def word_diff(old: str, new: str) -> Html:
    """`new` with the words it lacks from `old` as deletions and those it adds as insertions.

    >>> word_diff("pay by card", "pay by phone")
    '<span class="data diff" dir="auto">pay by <del>card</del><ins>phone</ins></span>'
    """
    if old == new or max(len(old), len(new)) > KEPT_TEXT:
        return data(new)
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    start = _shared(before, after)
    end = _shared(before[start:][::-1], after[start:][::-1])
    old_part, new_part = before[start : len(before) - end], after[start : len(after) - end]
    if max(len(old_part), len(new_part)) > MAX_WORDS:
        return data(new)
    head, tail = "".join(after[:start]), "".join(after[len(after) - end :])
    return tag("span", text(head), _marked(old_part, new_part), text(tail), class_="data diff", dir="auto")


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _marked(before: Sequence[str], after: Sequence[str]) -> Html:
    pieces = []
    for code, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        gone, come = text("".join(before[i:j])), text("".join(after[k:m]))
        if code == "equal":
            pieces.append(come)
            continue
        pieces += [tag("del", gone)] if gone else []
        pieces += [tag("ins", come)] if come else []
    return join(pieces)
