"""Items that went from right to wrong, split by what went wrong: the answer, the format, a refusal, or the length."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

from ..core.results import Scores, TaskInfo
from .benchmarks.rows import LENGTH_METRIC

FlipKind = Literal["changed_answer", "lost_format", "refusal", "length_blow_up"]
"""changed_answer: it says something else. lost_format: a more lenient reading of the text still finds the right answer.
refusal: it declines to answer. length_blow_up: it writes far more than before."""
REFUSAL = re.compile(
    r"^\W*(i['’]?m sorry|i am sorry|sorry,|i can(?:no|['’])?t\b|i cannot|i am (?:not able|unable)"
    r"|i['’]?m (?:not able|unable)|as an ai|i won['’]t|i will not|i must decline|unfortunately, i)",
    re.IGNORECASE,
)
"""How refusals begin; only the beginning counts, since an answer may contain such words."""
BLOW_UP = 3.0
"""A text is blown up where it has this many times the characters of the base's …"""
BLOW_UP_LEAST = 200
"""… and at least this many more."""


def lost_by_kind(base: Scores, tuned: Scores) -> dict[str, dict[FlipKind, int]]:
    """Per task with a binary metric, the number of lost items of each kind; tasks that lost nothing are left out.

    Multiple-choice tasks only know changed answers. Both scores must hold the same items.
    """
    found: dict[str, dict[FlipKind, int]] = {}
    for info in base.tasks:
        if info.scale == "binary":
            before, after = _by_item(base, info.name), _by_item(tuned, info.name)
            lost = [item for item in before if _is_right(before[item], info) and not _is_right(after[item], info)]
            counts = Counter(flip_kind(info, before[item], after[item]) for item in lost)
            if counts:
                found[info.name] = dict(sorted(counts.items()))
    return found


def flip_kind(info: TaskInfo, before: Mapping[str, Any], after: Mapping[str, Any]) -> FlipKind:
    """Why one item was lost, from its rows by metric name on both sides.

    A refusal is told first: it has no format to lose. Then format, length, and what is left is a changed answer.
    """
    ours, theirs = _text(info, before), _text(info, after)
    if REFUSAL.match(theirs) and not REFUSAL.match(ours):
        return "refusal"
    lenient = [row for name, row in after.items() if name.startswith(f"{info.metric},")]
    lenient += [after["normalized_match"]] if info.metric == "exact_match" and "normalized_match" in after else []
    if any(row["value"] == 1.0 for row in lenient):
        return "lost_format"
    if len(theirs) >= max(BLOW_UP * len(ours), len(ours) + BLOW_UP_LEAST):
        return "length_blow_up"
    return "changed_answer"


def _by_item(scores: Scores, task: str) -> dict[tuple[str, str, int], dict[str, dict[str, Any]]]:
    items: dict[tuple[str, str, int], dict[str, dict[str, Any]]] = {}
    for row in scores.rows.to_pylist():
        if row["task"] == task:
            key = (row["doc_hash"], row["target_hash"], row["occurrence"])
            items.setdefault(key, {})[row["metric"]] = row
    return items


def _is_right(rows: Mapping[str, Any], info: TaskInfo) -> bool:
    return bool(rows[info.metric]["value"] == (1.0 if info.higher_is_better else 0.0))


def _text(info: TaskInfo, rows: Mapping[str, Any]) -> str:
    """The text as it was written, where one was; else nothing, since a choice has no form of its own."""
    if LENGTH_METRIC in rows:
        return str(rows[LENGTH_METRIC]["prediction"])
    return "" if rows[info.metric]["choices"] else str(rows[info.metric]["prediction"])
