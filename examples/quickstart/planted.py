"""The planted truth and a curation on disk to a score: which defects were found, and which were missed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...curate import read_ledger

COPIES = frozenset({"exact-duplicate", "near-duplicate"})
ANSWERS: Mapping[str, frozenset[str]] = {
    "exact-duplicate": COPIES,
    "near-duplicate": COPIES,
    "label-conflict": frozenset({"label-conflict", "near-label-conflict"}),
    "wrong-label": frozenset({"label-error"}),
    "test-leak": frozenset({"test-leak"}),
    "benchmark-leak": frozenset({"benchmark-leak"}),
    "placeholder": frozenset({"placeholder", "empty-input"}),
    "empty": frozenset({"empty-input", "unreadable"}),
    "damaged-text": frozenset({"mojibake", "control-characters"}),
    "broken-row": frozenset({"unreadable", "empty-input", "empty-target"}),
}
"""Kind of planted defect → rules whose finding counts as having found it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedScore:
    """How curation did on one kind of planted defect."""

    kind: str
    planted: int
    found: int
    """Those that a fitting rule names, whether it dropped the row or flagged it."""
    removed: int
    """Those that are not trained on; of a copied pair, either row may be the one that went."""
    missed: tuple[int, ...]
    """Lines of those not found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """One rule's word on one line, or on a pair of lines of the training file."""

    rule: str
    lines: frozenset[int]
    removed: int | None
    """The line that went because of it."""


def score_planted(curated: Path, truth: Mapping[str, Any]) -> tuple[list[PlantedScore], int]:
    """One score a kind, and how many sound rows went.

    Args:
        curated: the folder that the curation wrote.
        truth: truth.json.
    """
    marks = _marks(curated)
    gone = {mark.removed for mark in marks if mark.removed is not None}
    scores = [_score(kind, truth["defects"], marks, gone) for kind in ANSWERS]
    planted = {defect["line"] for defect in truth["defects"]}
    excused = {line for mark in marks if mark.lines & planted for line in mark.lines}
    return scores, len(gone - excused)


def _score(kind: str, defects: list[dict[str, Any]], marks: list[_Mark], gone: set[int]) -> PlantedScore:
    lines = [defect["line"] for defect in defects if defect["kind"] == kind]
    fitting = [mark for mark in marks if mark.rule in ANSWERS[kind]]
    named = {line for mark in fitting for line in mark.lines}
    if ANSWERS[kind] == COPIES:
        gone = gone | {line for mark in fitting if mark.removed is not None for line in mark.lines}
    return PlantedScore(
        kind=kind,
        planted=len(lines),
        found=sum(line in named for line in lines),
        removed=sum(line in gone for line in lines),
        missed=tuple(line for line in lines if line not in named),
    )


def _marks(curated: Path) -> list[_Mark]:
    """Findings, and the rows that could not even be read, which only the list of rejected rows holds."""
    rejected = [json.loads(row) for row in (curated / "rejected.jsonl").read_text(encoding="utf-8").splitlines()]
    gone = {row["line"] for row in rejected}
    marks = [_Mark(rule=row["rule"], lines=frozenset({row["line"]}), removed=row["line"]) for row in rejected]
    columns = ["file", "line", "related_file", "related_line", "rule"]
    for row in read_ledger(curated).findings.select(columns).to_pylist():
        lines = {row["line"]} | ({row["related_line"]} if row["related_file"] == row["file"] else set())
        marks.append(
            _Mark(rule=row["rule"], lines=frozenset(lines), removed=row["line"] if row["line"] in gone else None)
        )
    return marks
