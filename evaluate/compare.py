"""Two models' scores to a Comparison: per task the difference on the same items, its interval and what changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from ..core.results import Comparison, Flip, Scores, TaskComparison, TaskInfo
from .flip_kinds import Item, LossKind, count_kinds, loss_kinds
from .pairing import Pairs, pair_tasks
from .statistics.intervals import clustered_error, mean_error, ratio_error
from .statistics.multiplicity import benjamini_hochberg
from .statistics.paired_tests import exact_mcnemar, permutation_test
from .statistics.task_interval import delta_interval, no_loss_p_value

INTERVAL_ALPHA = 0.05
"""Each side of the interval that a comparison shows: a two-sided 90 % interval is a one-sided 95 % bound."""
SUBJECT_RATE = 0.10
"""Expected share of false alarms among the subjects that are marked."""
FLIPS_SHOWN = {"lost": 20, "gained": 5}
"""Flips a task gives people to look at."""
UNCHANGED = 1e-12
"""A difference below this is rounding."""


def compare_scores(base: Scores, tuned: Scores) -> Comparison:
    """Compare two models that were measured on the same items.

    Items are paired by task, metric, filter, document, target and occurrence; the order of rows does not matter.

    Returns:
        One TaskComparison per task, the user's own first, before any limit is set.

    Raises:
        IntegrityError: tasks, items or prompts differ, an item occurs twice, or a value is no score.
    """
    pairs = pair_tasks(base, tuned)
    kinds = loss_kinds(base, tuned)
    flips = [flip for pair in pairs for flip in _flips(pair, kinds.get(pair.info.name, {}))]
    return Comparison(
        tasks=tuple(_compare_task(pair, count_kinds(kinds.get(pair.info.name, {}))) for pair in pairs),
        flips=tuple(sorted(flips, key=lambda flip: flip.direction != "lost")),
        base_model=base.model,
        tuned_model=tuned.model,
        same_weights=base.model_hash == tuned.model_hash and bool(base.model_hash),
        blocks=max(int(side.settings.get("blocks", 1)) for side in (base, tuned)),
        share=min(float(side.settings.get("share", 1.0)) for side in (base, tuned)),
        warnings=tuple(_setting_warnings(base.settings, tuned.settings)),
    )


def _compare_task(pairs: Pairs, kinds: Mapping[str, int]) -> TaskComparison:
    info, changes = pairs.info, _changes(pairs)
    clusters = _clusters(pairs.base)
    weights = _numbers(pairs.base, "weight") if info.scale == "ratio" else np.ones(len(changes))
    lost, gained = int(np.sum(changes < -UNCHANGED)), int(np.sum(changes > UNCHANGED))
    keep_items = info.scale != "binary" or bool(clusters)
    contaminated = _contaminated(pairs)
    task = TaskComparison(
        info=info,
        n=len(changes),
        base=_score(pairs.base, weights),
        tuned=_score(pairs.tuned, weights),
        delta=float(changes.sum() / weights.sum()),
        low=0.0,
        high=0.0,
        lost=lost,
        gained=gained,
        p_value=1.0,
        discordant=(lost + gained) / len(changes),
        differences=tuple(changes.tolist()) if keep_items else (),
        clusters=clusters,
        weights=tuple(weights.tolist()) if info.scale == "ratio" else (),
        contaminated=int(contaminated.sum()),
        clean_delta=_clean_delta(changes, weights, contaminated),
        subjects=tuple(_subjects(pairs, changes)),
        base_error=_error(info, pairs.base, clusters),
        tuned_error=_error(info, pairs.tuned, clusters),
        loss_kinds=kinds,
    )
    low, high = delta_interval(task, INTERVAL_ALPHA)
    return replace(task, low=low, high=high, p_value=no_loss_p_value(task))


def _changes(pairs: Pairs) -> Any:
    """Per-item tuned - base, signed so that a loss is negative."""
    changes = _numbers(pairs.tuned, "value") - _numbers(pairs.base, "value")
    return changes if pairs.info.higher_is_better else -changes


def _numbers(rows: pa.Table, column: str) -> Any:
    return rows[column].to_numpy(zero_copy_only=False).astype(float)


def _score(rows: pa.Table, weights: Any) -> float:
    return float(_numbers(rows, "value").sum() / weights.sum())


def _error(info: TaskInfo, rows: pa.Table, clusters: tuple[str, ...]) -> float:
    values = _numbers(rows, "value")
    if info.scale == "ratio":
        return ratio_error(values, _numbers(rows, "weight"), clusters)
    return clustered_error(values, clusters) if clusters else mean_error(values)


def _clusters(rows: pa.Table) -> tuple[str, ...]:
    """Cluster of each item; empty where no two items share one. An item without a name is a cluster of its own."""
    names = rows["cluster"].to_pylist()
    clusters = tuple(name or f"item {position}" for position, name in enumerate(names))
    return clusters if len(set(clusters)) < len(clusters) else ()


def _contaminated(pairs: Pairs) -> Any:
    sides = [rows["contaminated"].to_numpy(zero_copy_only=False).astype(bool) for rows in (pairs.base, pairs.tuned)]
    return sides[0] | sides[1]


def _clean_delta(changes: Any, weights: Any, contaminated: Any) -> float | None:
    if not contaminated.any() or contaminated.all():
        return None
    return float(changes[~contaminated].sum() / weights[~contaminated].sum())


def _subjects(pairs: Pairs, changes: Any) -> list[Mapping[str, Any]]:
    """Subjects are strata: each is tested by itself, and marked under a false discovery rate over all of them."""
    names = np.asarray(pairs.base["subject"].to_pylist(), dtype=object)
    strata = sorted(set(names.tolist()) - {""})
    if len(strata) < 2 or pairs.info.scale == "ratio":
        return []
    found = [_subject(name, pairs, changes, names == name) for name in strata]
    marked = benjamini_hochberg([row["p_value"] for row in found], SUBJECT_RATE)
    return [{**row, "significant": mark} for row, mark in zip(found, marked, strict=True)]


def _subject(name: str, pairs: Pairs, changes: Any, inside: Any) -> dict[str, Any]:
    own = changes[inside]
    lost, gained = int(np.sum(own < -UNCHANGED)), int(np.sum(own > UNCHANGED))
    binary = pairs.info.scale == "binary"
    return {
        "subject": name,
        "n": int(inside.sum()),
        "base": float(_numbers(pairs.base, "value")[inside].mean()),
        "tuned": float(_numbers(pairs.tuned, "value")[inside].mean()),
        "delta": float(own.mean()),
        "lost": lost,
        "gained": gained,
        "p_value": exact_mcnemar(lost, gained) if binary else permutation_test(own),
    }


def _flips(pairs: Pairs, kinds: Mapping[Item, LossKind]) -> list[Flip]:
    if pairs.info.scale != "binary":
        return []
    changes = _changes(pairs)
    lost, gained = np.flatnonzero(changes < 0), np.flatnonzero(changes > 0)
    chosen = [*lost[: FLIPS_SHOWN["lost"]], *gained[: FLIPS_SHOWN["gained"]]]
    base, tuned = (rows.take(pa.array(chosen, type=pa.int64())).to_pylist() for rows in (pairs.base, pairs.tuned))
    return [
        Flip(
            task=pairs.info.name,
            direction="lost" if changes[position] < 0 else "gained",
            prompt=before["prompt"],
            base=before["prediction"],
            tuned=after["prediction"],
            target=before["target"],
            subject=before["subject"],
            loss_kind=kinds.get((before["doc_hash"], before["target_hash"], before["occurrence"]), "")
            if changes[position] < 0
            else "",
        )
        for position, before, after in zip(chosen, base, tuned, strict=True)
    ]


def _setting_warnings(base: Mapping[str, Any], tuned: Mapping[str, Any]) -> list[str]:
    """Prompts and items are proven equal by their hashes; what else differs is said, not refused."""
    return [
        f"base and tuned were measured with different {name}: {base.get(name)!r} and {tuned.get(name)!r}"
        for name in sorted({*base, *tuned})
        if base.get(name) != tuned.get(name)
    ]
