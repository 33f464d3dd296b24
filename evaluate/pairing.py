"""Two models' scores to pairs of rows on the same items; whatever has no partner is an integrity error."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..core.errors import IntegrityError
from ..core.results import SCORE_COLUMNS, Scores, TaskInfo

IDENTITY = ("filter", "doc_hash", "target_hash", "occurrence")
"""What makes two rows of one task and metric the same item; never a position."""
SHOWN = 3
"""Offending items that a message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """One task's rows of both models, item by item, in the order of their identities."""

    info: TaskInfo
    base: pa.Table
    """Columns as SCORE_COLUMNS."""
    tuned: pa.Table
    """The same items in the same order."""


def pair_tasks(base: Scores, tuned: Scores) -> list[Pairs]:
    """Pair every task of two models, in the base's order, the user's own task first.

    Raises:
        IntegrityError: tasks, items, prompts or weights differ, an item occurs twice, or a value is no score.
    """
    for side, scores in (("base", base), ("tuned", tuned)):
        _require_columns(scores, side)
    infos = _common_tasks(base, tuned)
    return [_pair_task(info, base.rows, tuned.rows) for info in sorted(infos, key=lambda info: info.role != "task")]


def identities(rows: pa.Table) -> list[tuple[Any, ...]]:
    """The identity of each row."""
    return list(zip(*(rows[name].to_pylist() for name in IDENTITY), strict=True))


def task_rows(rows: pa.Table, info: TaskInfo) -> pa.Table:
    """The rows of one task in its compared metric, in order of their identities."""
    chosen = rows.filter(pc.and_(pc.equal(rows["task"], info.name), pc.equal(rows["metric"], info.metric)))
    return chosen.sort_by([(name, "ascending") for name in IDENTITY])


def _require_columns(scores: Scores, side: str) -> None:
    missing = [name for name in SCORE_COLUMNS if name not in scores.rows.column_names]
    if missing:
        raise IntegrityError(f"{side} scores: not a table of scores (no column {', '.join(map(repr, missing))})")
    if scores.rows.num_rows == 0 or not scores.tasks:
        raise IntegrityError(f"{side} scores: no item in it; evaluate the {side} model again")


def _common_tasks(base: Scores, tuned: Scores) -> list[TaskInfo]:
    theirs = {info.name: info for info in tuned.tasks}
    ours = {info.name: info for info in base.tasks}
    if set(ours) != set(theirs):
        lonely = [f"{name!r} only in base" for name in sorted(set(ours) - set(theirs))]
        lonely += [f"{name!r} only in tuned" for name in sorted(set(theirs) - set(ours))]
        raise IntegrityError(f"base and tuned were measured on different tasks: {_some(lonely)}")
    for name, info in ours.items():
        for field in ("metric", "scale", "higher_is_better", "version", "role"):
            if getattr(info, field) != getattr(theirs[name], field):
                values = f"{getattr(info, field)!r} in base, {getattr(theirs[name], field)!r} in tuned"
                raise IntegrityError(f"task {name!r}: {field} differs ({values}); evaluate both models alike")
    return list(ours.values())


def _pair_task(info: TaskInfo, base: pa.Table, tuned: pa.Table) -> Pairs:
    pairs = Pairs(info=info, base=task_rows(base, info), tuned=task_rows(tuned, info))
    sides = {"base": identities(pairs.base), "tuned": identities(pairs.tuned)}
    for side, keys in sides.items():
        if not keys:
            raise IntegrityError(f"task {info.name!r}: no item of metric {info.metric!r} in the {side} scores")
        if len(set(keys)) != len(keys):
            twice = [key for key, following in pairwise(keys) if key == following]
            raise IntegrityError(
                f"task {info.name!r}: items occur twice in the {side} scores: {_items(twice)}; evaluate again"
            )
    for side, other in (("base", "tuned"), ("tuned", "base")):
        missing = sorted(set(sides[other]) - set(sides[side]))
        if missing:
            raise IntegrityError(
                f"task {info.name!r}: {len(missing):,} of {len(sides[other]):,} items are missing in the {side} "
                f"scores: {_items(missing)}; evaluate both models on the same items"
            )
    _require_same_prompts(pairs)
    _require_scores(pairs)
    return pairs


def _require_same_prompts(pairs: Pairs) -> None:
    differing = pc.not_equal(pairs.base["prompt_hash"], pairs.tuned["prompt_hash"])
    if pc.any(differing).as_py():
        keys = identities(pairs.base.filter(differing))
        raise IntegrityError(
            f"task {pairs.info.name!r}: base and tuned read different prompts for {len(keys):,} of "
            f"{pairs.base.num_rows:,} items: {_items(keys)}; use the same template, few-shot examples and seed for both"
        )


def _require_scores(pairs: Pairs) -> None:
    name, scale = pairs.info.name, pairs.info.scale
    for side, rows in (("base", pairs.base), ("tuned", pairs.tuned)):
        values, weights = (rows[column].to_numpy(zero_copy_only=False) for column in ("value", "weight"))
        wrong = ~np.isfinite(values)
        if scale == "binary":
            wrong |= (values != 0) & (values != 1)
        if scale == "ratio":
            wrong |= ~(weights > 0)
        if wrong.any():
            items = _items(identities(rows.filter(pa.array(wrong))))
            allowed = {"binary": "0 or 1", "continuous": "a finite number", "ratio": "finite with a positive weight"}
            raise IntegrityError(f"task {name!r}: {side} scores that are not {allowed[scale]}: {items}; evaluate again")
    if scale == "ratio" and not pairs.base["weight"].equals(pairs.tuned["weight"]):
        raise IntegrityError(f"task {name!r}: weights (bytes) differ between base and tuned; evaluate both alike")


def _items(keys: list[tuple[Any, ...]]) -> str:
    names = [(doc or target, occurrence) for _, doc, target, occurrence in keys]
    return _some([f"{name} (#{occurrence})" if occurrence else name for name, occurrence in names])


def _some(texts: list[str]) -> str:
    rest = len(texts) - SHOWN
    return ", ".join(texts[:SHOWN]) + (f" and {rest:,} more" if rest > 0 else "")
