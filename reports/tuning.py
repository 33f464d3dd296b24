"""A tuned model's notes to what reports show: curves over the steps, and the settings that bear on forgetting."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..core.records import Tuned

Points = list[tuple[float, float]]


def validation_curve(tuned: Tuned) -> Points:
    """(step, validation loss)."""
    return _points(_evaluations(tuned), "loss")


def retention_curves(tuned: Tuned) -> list[tuple[str, Points]]:
    """Loss on watched general text and on watched benchmark items; the base's own level as a flat line beside it."""
    evaluations = _evaluations(tuned)
    curves = []
    for name, title in (("retention", "general text"), ("items", "benchmark items")):
        points = _points(evaluations, name)
        if points:
            curves.append((title, points))
            base = next((level for step, level in points if step == 0), None)
            if base is not None and len(points) > 1:
                curves.append((f"{title}, base", [(points[0][0], base), (points[-1][0], base)]))
    return curves


def lowest_retention(tuned: Tuned) -> tuple[int, float, float] | None:
    """(step, loss there, loss at the end) on general text, over the evaluations after the base; None without two."""
    points = [(step, loss) for step, loss in _points(_evaluations(tuned), "retention") if step > 0]
    if len(points) < 2:
        return None
    step, lowest = min(points, key=lambda point: point[1])
    return int(step), lowest, points[-1][1]


def replay_share(tuned: Tuned) -> float:
    """Share of general rows in a batch; 0 where none were mixed in."""
    replay = settings(tuned).get("replay")
    if not isinstance(replay, Mapping) or not replay.get("source"):
        return 0.0
    return float(replay.get("share") or 0.0)


def learning_rate(tuned: Tuned) -> float | None:
    """The peak learning rate as it was chosen, where the notes tell it."""
    audit = tuned.notes.get("audit")
    for place in (audit if isinstance(audit, Mapping) else {}, settings(tuned)):
        rate = place.get("learning_rate")
        if isinstance(rate, float) and rate > 0:
            return rate
    return None


def shares_tried(tuned: Tuned) -> tuple[list[Mapping[str, Any]], Mapping[str, Any]]:
    """The shares of the way from base to tuned that were tried, and what was chosen and why; empty where none were."""
    chosen = tuned.notes.get("interpolated")
    if not isinstance(chosen, Mapping):
        return [], {}
    return [entry for entry in chosen.get("tried") or [] if isinstance(entry, Mapping)], chosen


def is_interpolated(tuned: Tuned) -> bool:
    """Whether the weights were moved back towards the base."""
    return bool(settings(tuned).get("interpolate", 1.0) != 1.0)


def shown_notes(tuned: Tuned) -> dict[str, Any]:
    """The notes without the example that the audit decoded, which is a row of the data and may be private."""
    audit = tuned.notes.get("audit")
    public = {name: value for name, value in audit.items() if name != "example"} if isinstance(audit, Mapping) else {}
    return {**tuned.notes, **({"audit": public} if public else {})}


def settings(tuned: Tuned) -> Mapping[str, Any]:
    """The training config as it was used."""
    config = tuned.notes.get("config")
    return config if isinstance(config, Mapping) else {}


def _evaluations(tuned: Tuned) -> Sequence[Mapping[str, Any]]:
    found = tuned.notes.get("evaluations") or []
    return [entry for entry in found if isinstance(entry, Mapping) and isinstance(entry.get("step"), int)]


def _points(evaluations: Sequence[Mapping[str, Any]], name: str) -> Points:
    pairs = [(entry["step"], entry.get(name)) for entry in evaluations]
    return [(float(step), float(value)) for step, value in pairs if isinstance(value, float) and math.isfinite(value)]
