"""A comparison and its decided checks to what a person should know beside the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...core.results import Check, Comparison, TaskComparison
from .words import amount

ALPHA = 0.05
"""Level of the one-sided tests behind the warnings."""


def gate_warnings(comparison: Comparison, checks: Sequence[Check], noise: Mapping[str, float]) -> list[str]:
    """Swapped or equal models, real losses within the margin, margins below the noise, losses that leaks hide."""
    found = []
    if comparison.same_weights:
        found.append("base and tuned have the same weights: the model was compared with itself")
    elif not any(task.lost + task.gained for task in comparison.tasks):
        found.append("base and tuned answered every item alike: are they one model?")
    if any(_is_worse(task) for task in comparison.tasks if task.info.role == "task"):
        found.append("tuned is significantly worse than base on its own task: were base and tuned swapped?")
    for check in checks:
        if check.kind == "mean" and check.low is not None and check.low > 0:
            found.append("tuned is significantly better than base on the mean of the benchmarks: were they swapped?")
        if check.state == "pass" and check.kind != "task" and check.high is not None and check.high < 0:
            loss = amount(-(check.delta or 0.0), check.scale)
            found.append(f"{check.name}: its loss of {loss} is within the limit, but real")
    return found + [text for task in comparison.tasks for text in _task_warnings(task, checks, noise)]


def _task_warnings(task: TaskComparison, checks: Sequence[Check], noise: Mapping[str, float]) -> list[str]:
    name, found = task.info.name, []
    margins = [check.margin for check in checks if check.name == name and check.margin]
    if not margins:
        return []
    margin = min(margins)
    if margin < noise.get(name, 0.0):
        limit, floor = amount(margin, task.info.scale), f"{noise[name]:.2%} of items flip by numerics alone"
        if task.info.scale != "binary":
            floor = f"{amount(noise[name], task.info.scale)} by numerics alone"
        found.append(f"{name}: its limit of {limit} is below the noise floor ({floor})")
    if task.clean_delta is not None and task.clean_delta <= -margin < task.delta:
        clean = amount(task.clean_delta, task.info.scale, signed=True)
        found.append(f"{name}: {clean} without the {task.contaminated:,} contaminated items, beyond the limit")
    return found


def _is_worse(task: TaskComparison) -> bool:
    return task.high < 0 and task.p_value <= ALPHA
