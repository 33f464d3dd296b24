"""Items that went from right to wrong, split by what went wrong: the answer, the format, a refusal, or the length."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from ..core.results import Scores, TaskInfo
from .benchmarks.rows import LENGTH_METRIC

LossKind = Literal["changed_answer", "lost_format", "refusal", "length_blow_up"]
"""changed_answer: it says something else. lost_format: a more lenient reading of the text still finds the right answer.
refusal: it declines to answer. length_blow_up: it writes far more than before."""
Item = tuple[str, str, int]
"""Document hash, target hash, occurrence."""
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
COLUMNS = ("metric", "doc_hash", "target_hash", "occurrence", "value", "prediction", "choices")


def loss_kinds(base: Scores, tuned: Scores) -> dict[str, dict[Item, LossKind]]:
    """Per task with a binary metric, each lost item and why; tasks that lost nothing are left out.

    Multiple-choice tasks only know changed answers. Both scores must hold the same items.
    """
    found = {info.name: _of_task(info, base, tuned) for info in base.tasks if info.scale == "binary"}
    return {name: kinds for name, kinds in found.items() if kinds}


def lost_by_kind(base: Scores, tuned: Scores) -> dict[str, dict[str, int]]:
    """Per task, the number of lost items of each kind; tasks that lost nothing are left out."""
    return {name: count_kinds(kinds) for name, kinds in loss_kinds(base, tuned).items()}


def count_kinds(kinds: Mapping[Item, LossKind]) -> dict[str, int]:
    """Items of each kind, by name."""
    return dict(sorted(Counter(kinds.values()).items()))


def flip_kind(info: TaskInfo, before: Mapping[str, Any], after: Mapping[str, Any]) -> LossKind:
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


def _of_task(info: TaskInfo, base: Scores, tuned: Scores) -> dict[Item, LossKind]:
    ours, theirs = _task_rows(base, info), _task_rows(tuned, info)
    lost = _right(ours, info) - _right(theirs, info)
    before, after = _by_item(ours, lost), _by_item(theirs, lost)
    return {item: flip_kind(info, before[item], after[item]) for item in sorted(lost) if item in after}


def _task_rows(scores: Scores, info: TaskInfo) -> pa.Table:
    return scores.rows.filter(pc.equal(scores.rows["task"], info.name)).select(list(COLUMNS))


def _right(rows: pa.Table, info: TaskInfo) -> set[Item]:
    right = pc.equal(rows["value"], 1.0 if info.higher_is_better else 0.0)
    return set(_items(rows.filter(pc.and_(pc.equal(rows["metric"], info.metric), right))))


def _items(rows: pa.Table) -> list[Item]:
    return list(zip(*(rows[name].to_pylist() for name in ("doc_hash", "target_hash", "occurrence")), strict=True))


def _by_item(rows: pa.Table, chosen: set[Item]) -> dict[Item, dict[str, dict[str, Any]]]:
    """The rows of the chosen items by metric: nothing else is taken out of the table."""
    inside = pa.array([item in chosen for item in _items(rows)], type=pa.bool_())
    found: dict[Item, dict[str, dict[str, Any]]] = {}
    for row in rows.filter(inside).to_pylist():
        found.setdefault((row["doc_hash"], row["target_hash"], row["occurrence"]), {})[row["metric"]] = row
    return found


def _text(info: TaskInfo, rows: Mapping[str, Any]) -> str:
    """The text as it was written, where one was; else nothing, since a choice has no form of its own."""
    if LENGTH_METRIC in rows:
        return str(rows[LENGTH_METRIC]["prediction"])
    return "" if rows[info.metric]["choices"] else str(rows[info.metric]["prediction"])
