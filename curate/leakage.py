"""Training rows to findings about leakage: rows that are, or nearly are, rows of the test split.

Folded equality first, then the Jaccard similarity of character 5-grams with a guard, since two questions that differ
in one slot ("a hotel in france", "a hotel in japan") are alike in characters and different in meaning.
"""

from __future__ import annotations

import pyarrow as pa

from ..core.records import Examples, Finding
from .compared import compared_fields, joined
from .config import CurateConfig, DedupConfig
from .context import Context
from .near_duplicates import cross_duplicates
from .slots import asks_something_else
from .template import detect_template, strip_template

SHINGLE = "char:5"
"""Finer than words, so that typing errors and inflections do not hide a copy."""


def find_leaks(examples: Examples, config: CurateConfig, context: Context) -> list[Finding]:
    """One finding per training row that occurs in the test split."""
    if context.test is None or not len(context.test) or not len(examples):
        return []
    ours, theirs = _texts(examples, context.test, config)
    settings = DedupConfig(shingle=SHINGLE, threshold=config.leakage.threshold, exact=config.dedup.exact)
    pairs, jaccard = cross_duplicates(ours, theirs, config=settings)
    best: dict[int, tuple[float, str, int]] = {}
    ids = context.test.ids
    for (row, other), score in zip(pairs.tolist(), jaccard.tolist(), strict=True):
        if score < 1 and config.leakage.guard and asks_something_else(ours[row], theirs[other]):
            continue
        entry = (-score, ids[other], other)
        if row not in best or entry < best[row]:
            best[row] = entry
    return [_finding(row, -entry[0], context.test, entry[2]) for row, entry in sorted(best.items())]


def _texts(examples: Examples, test: Examples, config: CurateConfig) -> tuple[list[str], list[str]]:
    """What is compared on both sides: the question without the template of the training data."""
    names = [name for name in compared_fields(examples, "input") if name in test.table.column_names]
    template = detect_template(examples, config.dedup.template_share)
    sides = []
    for side in (examples, test):
        columns = [side.table[name] for name in names]
        if template:
            columns[0] = pa.chunked_array(
                [pa.array(strip_template(columns[0].to_pylist(), template)[0], pa.large_string())]
            )
        sides.append(joined(columns).to_pylist())
    return sides[0], sides[1]


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
