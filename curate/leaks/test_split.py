"""Training rows to findings about leakage: rows that are, or nearly are, rows of the test split.

Folded equality first, then the Jaccard similarity of character 5-grams with a guard, since two questions that differ
in one slot ("a hotel in france", "a hotel in japan") are alike in characters and different in meaning.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pyarrow as pa

from ...core.records import Examples, Finding
from ..compared import compared_fields, joined
from ..config import CurateConfig, DedupConfig
from ..context import Context
from ..duplicates.near_duplicates import cross_duplicates
from ..template import detect_template, strip_template
from .slots import asks_something_else

SHINGLE = "char:5"
"""Finer than words, so that typing errors and inflections do not hide a copy."""


def find_leaks(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:
    """One finding per training row that occurs in the test split."""
    if context.test is None or not len(context.test) or not len(examples):
        return
    ours, theirs = without_template(examples, examples, config), without_template(context.test, examples, config)
    ids = context.test.ids
    for row, copies in sorted(near_copies(ours, theirs, config).items()):
        score, other = min(copies, key=lambda copy: (-copy[0], ids[copy[1]], copy[1]))
        yield _finding(row, score, context.test, other)


def near_copies(ours: list[str], theirs: list[str], config: CurateConfig) -> dict[int, list[tuple[float, int]]]:
    """Row → (similarity, other) of everything on the other side that it copies."""
    settings = DedupConfig(shingle=SHINGLE, threshold=config.leakage.threshold, exact=config.dedup.exact)
    pairs, jaccard = cross_duplicates(ours, theirs, config=settings)
    found: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for (row, other), score in zip(pairs.tolist(), jaccard.tolist(), strict=True):
        if score == 1 or not config.leakage.guard or not asks_something_else(ours[row], theirs[other]):
            found[row].append((score, other))
    return found


def without_template(side: Examples, train: Examples, config: CurateConfig) -> list[str]:
    """What is compared: the question, without the template of the training data."""
    names = [name for name in compared_fields(train, "input") if name in side.table.column_names]
    columns = [side.table[name] for name in names]
    template = detect_template(train, config.dedup.template_share)
    if template:
        stripped, _ = strip_template(columns[0].to_pylist(), template)
        columns[0] = pa.chunked_array([pa.array(stripped, pa.large_string())])
    return joined(columns).to_pylist()  # type: ignore[no-any-return]


def _finding(row: int, score: float, test: Examples, other: int) -> Finding:
    place = test.table.select(["file", "line", "id", "input", "target"]).slice(other, 1).to_pylist()[0]
    how = "the same as" if score == 1 else f"{score:.0%} alike with"
    evidence = {
        "jaccard": round(score, 6),
        "test_file": place["file"],
        "test_line": place["line"],
        "test_id": place["id"],
        "test_input": place["input"],
        "test_target": place["target"],
    }
    return Finding(
        row=row,
        rule="test-leak",
        severity="error",
        reason=f"The input is {how} a row of the test split.",
        score=score,
        evidence=evidence,
    )
