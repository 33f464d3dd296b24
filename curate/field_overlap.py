"""Pairs of rows to the Jaccard similarity of single fields: prompt with prompt, answer with answer."""

from __future__ import annotations

import numpy as np

from .context import Array
from .duplicates.candidates import pack_pairs
from .duplicates.rows import Rows
from .duplicates.shingles import parse_shingle
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


def alike_fields(rows: Rows, pairs: Array, shingle: str, threshold: float) -> tuple[Array, Array]:
    """The pairs of rows of which every field reaches the threshold.

    Args:
        rows: rows of several fields.
        pairs: (m, 2), sorted, the lower row first.
        shingle: as `dedup.shingle`.
        threshold: Jaccard similarity.

    Returns:
        (k,) int64 positions of these pairs, ascending, and (k,) float64 the similarity of the least alike field.
    """
    from .duplicates.verification import pair_similarities

    code, packed = parse_shingle(shingle).code, pack_pairs(pairs[:, 0], pairs[:, 1])
    alike, least = np.arange(len(pairs)), np.ones(len(pairs))
    for at in range(rows.fields):
        scores = pair_similarities(rows.field(at), packed[alike], code, threshold)
        kept = scores >= threshold
        alike, least = alike[kept], np.minimum(least[kept], scores[kept])
    return alike, least
