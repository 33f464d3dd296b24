"""One benchmark's scores to the reason why it proves nothing, if there is one.

A model that guesses has nothing to lose, so "no loss" on such a benchmark is true of any damage whatsoever.
"""

from __future__ import annotations

from ...core.results import TaskComparison
from ..statistics.intervals import t_interval, wilson_interval
from ..statistics.task_interval import units
from .config import GateConfig

FLOOR_ALPHA = 0.05
"""Level of the bound by which the base must be above chance, at most the gate's alpha."""
ROOM = 2.0
"""The base must stand at least this many margins above chance."""
MIN_UNITS = 10
"""Independent documents (or clusters) below which the spread of numbers cannot be estimated."""


def void_reason(task: TaskComparison, policy: GateConfig, margin: float) -> str:
    """Why the benchmark cannot decide anything, or "" if it can."""
    if leaked := contamination_reason(task, policy):
        return leaked
    if task.info.scale != "binary" and units(task) < MIN_UNITS:
        return f"{units(task)} independent documents are too few to estimate a spread; use at least {MIN_UNITS}"
    return _too_close_to_chance(task, margin, min(FLOOR_ALPHA, policy.alpha))


def contamination_reason(task: TaskComparison, policy: GateConfig) -> str:
    """Why the items are not held out, or "" if they are."""
    share = task.contaminated / task.n
    if share <= policy.max_contaminated:
        return ""
    return f"{share:.1%} of its items occur in the training data (limit {policy.max_contaminated:.1%})"


def _too_close_to_chance(task: TaskComparison, margin: float, alpha: float) -> str:
    chance = task.info.chance
    if chance is None:
        if task.info.scale != "binary":
            return ""
        chance = 0.0
    sign = 1.0 if task.info.higher_is_better else -1.0
    room = sign * (task.base - chance)
    if _low_bound(task, sign, alpha) <= sign * chance:
        return f"the base scores {task.base:.3g}, which is not proven better than chance ({chance:.3g})"
    if room < ROOM * margin:
        return f"the base is only {room:.3g} above chance ({chance:.3g}), less than {ROOM:g} margins of {margin:g}"
    return ""


def _low_bound(task: TaskComparison, sign: float, alpha: float) -> float:
    if task.info.scale == "binary" and not task.clusters:
        low, high = wilson_interval(task.base * task.n, task.n, alpha)
        return low if sign > 0 else -high
    low, _ = t_interval(sign * task.base, task.base_error, max(units(task) - 1, 1), alpha)
    return low
