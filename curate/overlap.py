"""Shingle sets and their Jaccard similarity in plain Python: what compiled code is measured against."""

from __future__ import annotations

from .folding import fold


def text_shingles(text: str, shingle: str) -> frozenset[str]:
    """The shingle set of a text: runs of N folded words (`word:N`) or characters (`char:N`).

    A text shorter than one shingle is itself its only shingle.

    >>> sorted(text_shingles("How do I pay?", "word:2"))
    ['do i', 'how do', 'i pay']
    """
    unit, _, size = shingle.partition(":")
    folded = fold(text)
    parts = folded.split() if unit == "word" else folded
    n, glue = min(int(size), len(parts)), " " if unit == "word" else ""
    return frozenset(glue.join(parts[start : start + n]) for start in range(len(parts) - n + 1)) - {""}


def jaccard(one: frozenset[str], two: frozenset[str]) -> float:
    """Shared over all; two empty sets are alike.

    >>> jaccard(frozenset("ab"), frozenset("bc"))
    0.3333333333333333
    """
    return len(one & two) / len(one | two) if one or two else 1.0
