"""The planted truth and a curation's ledger to a score: which defects were found, and which were missed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...core.records import Ledger

ANSWERS: Mapping[str, frozenset[str]] = {
    "exact-duplicate": frozenset({"exact-duplicate", "near-duplicate"}),
    "near-duplicate": frozenset({"exact-duplicate", "near-duplicate"}),
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
    """Those whose row, or whose partner in a pair, is not trained on."""
    missed: tuple[int, ...]
    """Lines of those not found."""


def score_planted(ledger: Ledger, truth: Mapping[str, Any]) -> list[PlantedScore]:
    """One score a kind, in the order of ANSWERS; `truth` is truth.json."""
    named: dict[str, set[int]] = {kind: _lines(ledger, rules) for kind, rules in ANSWERS.items()}
    dropped = _dropped(ledger)
    scores = []
    for kind in ANSWERS:
        lines = [defect["line"] for defect in truth["defects"] if defect["kind"] == kind]
        gone = _partners(ledger, dropped) | dropped if "duplicate" in kind else dropped
        scores.append(
            PlantedScore(
                kind=kind,
                planted=len(lines),
                found=sum(line in named[kind] for line in lines),
                removed=sum(line in gone for line in lines),
                missed=tuple(line for line in lines if line not in named[kind]),
            )
        )
    return scores


def sound_rows_removed(ledger: Ledger, truth: Mapping[str, Any]) -> int:
    """Rows without a planted defect that curation removed, not counting the partner of a planted copy."""
    planted = {defect["line"] for defect in truth["defects"]}
    dropped = _dropped(ledger)
    stood_in = {
        row["line"]
        for row in ledger.findings.select(["line", "related_line", "action"]).to_pylist()
        if row["action"] == "drop" and row["related_line"] in planted
    }
    return len(dropped - planted - stood_in)


def _lines(ledger: Ledger, rules: frozenset[str]) -> set[int]:
    """Lines that a finding of these rules speaks of, on either side of a pair within the training data."""
    lines: set[int] = set()
    for row in ledger.findings.select(["line", "related_line", "rule"]).to_pylist():
        if row["rule"] in rules:
            lines.add(row["line"])
            if row["rule"] != "test-leak" and row["related_line"] is not None:
                lines.add(row["related_line"])
    return lines


def _dropped(ledger: Ledger) -> set[int]:
    rows = ledger.findings.select(["line", "action"]).to_pylist()
    return {row["line"] for row in rows if row["action"] == "drop"}


def _partners(ledger: Ledger, dropped: set[int]) -> set[int]:
    """Survivors that a dropped copy points to: of a planted pair, either row may be the one that stays."""
    rows = ledger.findings.select(["line", "related_line", "rule"]).to_pylist()
    copies = ANSWERS["near-duplicate"]
    return {row["related_line"] for row in rows if row["line"] in dropped and row["rule"] in copies}
