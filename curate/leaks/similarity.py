"""Training rows and benchmark questions to findings about rephrased items, which no shared run of words betrays.

The score is the mean of word and character TF-IDF cosines and of word and character-5-gram Jaccard, corrected for hubs
by cross-domain similarity local scaling (CSLS; Conneau et al. 2018): a row that is a little like everything is like
nothing. Shared numbers add to it where they matter. It sees rephrased wording; it does not see a translation, an item
solved in other terms, or a question whose numbers and names were all changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ...core.records import Examples, Finding
from ..config import CurateConfig
from ..context import Array, Context
from ..scanning import excerpt
from .test_split import without_template

NEIGHBOURS = 10
"""Nearest neighbours whose mean similarity measures how much of a hub a text is."""
NUMBER_WEIGHT = 0.2
"""Of the Jaccard similarity of the numbers, beside the mean of four scores."""
BLOCK = 1_000
"""Rows compared with all questions at a time."""
SHOWN = 5
"""Items that a finding lists at most."""


def find_similar(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:
    """Rows whose score with a benchmark question reaches the threshold; only where the search is switched on."""
    settings, items = config.leakage, context.benchmarks
    if settings.similarity == "off" or not items or not len(examples):
        return
    texts = without_template(examples, examples, config)
    scores = similarity(texts, [item.question for item in items], with_numbers=settings.compare_numbers)
    for row in np.flatnonzero(scores.max(axis=1) >= settings.similarity_threshold).tolist():
        best = np.argsort(-scores[row], kind="stable")[:SHOWN]
        best = best[scores[row][best] >= settings.similarity_threshold]
        listed = [
            {
                "task": items[at].task,
                "doc_hash": items[at].doc_hash,
                "score": round(float(scores[row, at]), 4),
                "how": "similar wording",
            }
            for at in best.tolist()
        ]
        question = excerpt(items[int(best[0])].question, width=200)
        yield Finding(
            row=row,
            rule="benchmark-similar",
            severity="warning",
            reason=f"The row reads like a rephrased item of {listed[0]['task']}.",
            score=float(scores[row, best[0]]),
            evidence={"items": listed, "question": question, "outcome": settings.similarity},
        )


def similarity(texts: Sequence[str], questions: Sequence[str], *, with_numbers: bool) -> Array:
    """(n, m) float32 hub-corrected similarity of n texts and m questions.

    Hubs are measured on the texts themselves, so that the score of one row depends a little on the others.
    """
    raw = np.zeros((len(texts), len(questions)), dtype=np.float32)
    for rows, columns in _spaces(texts, questions):
        for start in range(0, len(texts), BLOCK):
            part = rows[start : start + BLOCK]
            raw[start : start + BLOCK] += _compared(part, columns) / 4
    k_rows, k_columns = min(NEIGHBOURS, len(questions)), min(NEIGHBOURS, len(texts))
    row_hub = np.partition(raw, -k_rows, axis=1)[:, -k_rows:].mean(axis=1)
    column_hub = np.partition(raw, -k_columns, axis=0)[-k_columns:].mean(axis=0)
    scores = raw - (row_hub[:, None] + column_hub[None, :]) / 2
    if with_numbers:
        scores += NUMBER_WEIGHT * _number_overlap(texts, questions)
    return np.asarray(scores)


def _spaces(texts: Sequence[str], questions: Sequence[str]) -> Iterator[tuple[Any, Any]]:
    """Sparse rows of both sides: two of unit-length TF-IDF, two of 0/1 sets."""
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

    words, short_runs = (
        {"ngram_range": (1, 2), "token_pattern": r"(?u)\b\w+\b"},
        {"analyzer": "char_wb", "ngram_range": (3, 5)},
    )
    single, long_runs = {"token_pattern": r"(?u)\b\w+\b"}, {"analyzer": "char", "ngram_range": (5, 5)}
    vectorizers: list[Any] = [
        TfidfVectorizer(**part, sublinear_tf=True, dtype=np.float32) for part in (words, short_runs)
    ]
    vectorizers += [CountVectorizer(**part, binary=True, dtype=np.float32) for part in (single, long_runs)]
    for vectorizer in vectorizers:
        both = vectorizer.fit_transform([*texts, *questions])
        yield both[: len(texts)], both[len(texts) :].T.tocsr()


def _compared(rows: Any, columns: Any) -> Array:
    """Cosine of unit-length rows; Jaccard of 0/1 rows."""
    shared = np.asarray((rows @ columns).toarray())
    if rows.nnz and float(rows.data.max()) == 1.0 == float(rows.data.min()):
        sizes = np.asarray(rows.sum(axis=1)) + np.asarray(columns.sum(axis=0)) - shared
        return np.asarray(shared / np.maximum(sizes, 1))
    return shared


def _number_overlap(texts: Sequence[str], questions: Sequence[str]) -> Array:
    """(n, m) Jaccard similarity of the sets of numbers."""
    from scipy.sparse import csr_matrix

    sides = [[set(re.findall(r"\d+(?:\.\d+)?", text.replace(",", ""))) for text in side] for side in (texts, questions)]
    vocabulary = {number: at for at, number in enumerate(sorted(set().union(*sides[0], *sides[1])))}
    matrices = []
    for side in sides:
        cells = [(row, vocabulary[number]) for row, numbers in enumerate(side) for number in numbers]
        rows, columns = np.array(cells, dtype=np.int64).reshape(-1, 2).T
        shape = (len(side), max(1, len(vocabulary)))
        matrices.append(csr_matrix((np.ones(len(cells), np.float32), (rows, columns)), shape=shape))
    return _compared(matrices[0], matrices[1].T.tocsr()) if vocabulary else np.zeros((len(texts), len(questions)))
