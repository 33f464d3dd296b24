"""Two texts to one with the words that differ marked: what a reviewer looks for in a near-duplicate.

Texts that are too long to show whole are shown without marks: matching is quadratic in the number of words.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from .markup import KEPT_TEXT, Html, data, join, tag, text

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


def word_diff(old: str, new: str) -> Html:
    """`new` with the words it lacks from `old` as deletions and those it adds as insertions.

    >>> word_diff("pay by card", "pay by phone")
    '<span class="data diff" dir="auto">pay by <del>card</del><ins>phone</ins></span>'
    """
    if max(len(old), len(new)) > KEPT_TEXT:
        return data(new)
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    pieces = []
    for code, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        gone, come = text("".join(before[i:j])), text("".join(after[k:m]))
        if code == "equal":
            pieces.append(come)
            continue
        pieces += [tag("del", gone)] if gone else []
        pieces += [tag("ins", come)] if come else []
    return tag("span", join(pieces), class_="data diff", dir="auto")
