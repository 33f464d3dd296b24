"""A comparison and a policy to the no-loss checks of the gate: measured and limited, not yet decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...core.results import Check, Comparison, TaskComparison
from ..statistics.macro import macro_delta, macro_error, macro_interval, macro_p_value
from ..statistics.power import detectable_loss, items_to_decide
from ..statistics.task_interval import delta_interval, delta_variance
from .config import GateConfig
from .void import void_reason


def benchmark_checks(comparison: Comparison, policy: GateConfig, *, kind: str = "benchmark") -> list[Check]:
    """One check per benchmark, void or advisory where it is, else open (`inconclusive` without a reason)."""
    checks = []
    for task in _benchmarks(comparison):
        margin = policy.margin_of(task.info)
        check, void = no_loss_check(task, policy, margin, kind=kind), void_reason(task, policy, margin)
        if policy.is_advisory(task.info):
            check = replace(check, state="advisory", reason=void or "shown, does not decide")
        elif void:
            check = replace(check, state="void", reason=void)
        checks.append(check)
    return checks


def mean_check(comparison: Comparison, policy: GateConfig, *, kind: str = "mean") -> Check | None:
    """The check on the mean of all gated benchmarks that are measured in points and not void; None if there is none."""
    gated = [task for task in _benchmarks(comparison) if not policy.is_advisory(task.info)]
    points = [task for task in gated if task.info.scale != "ratio"]
    tasks = [task for task in points if not void_reason(task, policy, policy.margin_of(task.info))]
    if not tasks:
        return None
    low, high = macro_interval(tasks, policy.alpha)
    delta, n = macro_delta(tasks), sum(task.n for task in tasks)
    return Check(
        name="mean",
        kind=kind,
        state="inconclusive",
        n=n,
        base=_mean([task.base for task in tasks]),
        tuned=_mean([task.tuned for task in tasks]),
        delta=delta,
        low=low,
        high=high,
        margin=policy.mean_margin,
        lost=sum(task.lost for task in tasks),
        gained=sum(task.gained for task in tasks),
        p_value=macro_p_value(tasks),
        mde=_mean_mde(tasks, policy),
        items_needed=items_to_decide(
            delta + policy.mean_margin,
            n * macro_error(tasks, -policy.mean_margin) ** 2,
            alpha=policy.alpha,
            power=policy.power,
        ),
        reason="",
    )


def no_loss_check(task: TaskComparison, policy: GateConfig, margin: float, *, kind: str) -> Check:
    """The open check that one task's loss stays within a margin."""
    low, high = delta_interval(task, policy.alpha)
    flips = task.info.scale == "binary"
    spread, spread_at_margin = (task.n * float(delta_variance(task, delta)) for delta in (0.0, -margin))
    return Check(
        name=task.info.name,
        kind=kind,
        state="inconclusive",
        n=task.n,
        base=task.base,
        tuned=task.tuned,
        delta=task.delta,
        low=low,
        high=high,
        margin=margin,
        lost=task.lost,
        gained=task.gained,
        p_value=task.p_value,
        mde=detectable_loss(task.n, spread, alpha=policy.alpha, power=policy.power, flips=flips),
        items_needed=items_to_decide(task.delta + margin, spread_at_margin, alpha=policy.alpha, power=policy.power),
        reason="",
        scale=task.info.scale,
    )


def _benchmarks(comparison: Comparison) -> list[TaskComparison]:
    return [task for task in comparison.tasks if task.info.role == "benchmark"]


def _mean_mde(tasks: Sequence[TaskComparison], policy: GateConfig) -> float:
    per_item = macro_error(tasks, 0.0) ** 2
    smallest = min(task.n for task in tasks) * len(tasks)
    return detectable_loss(smallest, per_item * smallest, alpha=policy.alpha, power=policy.power)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
