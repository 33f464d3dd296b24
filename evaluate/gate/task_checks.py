"""The user's own task and its requirement to decided checks: a gain, a floor, or no loss."""

from __future__ import annotations

from dataclasses import replace

from ...core.results import Check, Comparison, TaskComparison
from ..statistics.intervals import t_interval, wilson_interval
from ..statistics.paired_tests import cluster_sign_flip, exact_mcnemar, permutation_test
from ..statistics.power import detectable_loss, items_to_decide
from ..statistics.task_interval import units
from .checks import no_loss_check
from .config import GateConfig
from .void import contamination_reason
from .words import amount, change


def gain_checks(comparison: Comparison, policy: GateConfig) -> list[Check]:
    """Decided checks of every task of the user's: the required gain, and the floor where there is one."""
    return [check for task in comparison.tasks if task.info.role == "task" for check in _task_checks(task, policy)]


def task_no_loss_checks(comparison: Comparison, policy: GateConfig, *, kind: str) -> list[Check]:
    """Open checks that every task of the user's loses no more than its margin."""
    checks = []
    for task in comparison.tasks:
        if task.info.role == "task":
            check, leaked = (
                no_loss_check(task, policy, policy.task.margin, kind=kind),
                contamination_reason(task, policy),
            )
            checks.append(replace(check, state="void", reason=leaked) if leaked else check)
    return checks


def _task_checks(task: TaskComparison, policy: GateConfig) -> list[Check]:
    checks = []
    if policy.task.require == "gain":
        checks.append(_gain_check(task, policy))
    elif policy.task.require == "nothing":
        check = no_loss_check(task, policy, policy.task.margin, kind="task")
        checks.append(replace(check, state="advisory", margin=None, reason="reported only: nothing is required"))
    if policy.task.min is not None:
        checks.append(_floor_check(task, policy, policy.task.min))
    leaked = contamination_reason(task, policy)
    return [replace(check, state="void", p_value=None, reason=leaked) for check in checks] if leaked else checks


def _gain_check(task: TaskComparison, policy: GateConfig) -> Check:
    """Pass: some gain is proven and the observed one is worth having. Fail: a gain worth having is ruled out."""
    wanted = policy.task.min_gain
    check = no_loss_check(task, policy, policy.task.margin, kind="task")
    p_value = _no_gain_p_value(task)
    check = replace(check, margin=wanted, p_value=p_value, items_needed=None)
    low, high, seen = check.low or 0.0, check.high or 0.0, change(check)
    if low > 0 and p_value <= policy.alpha and task.delta >= wanted:
        return replace(check, state="pass", reason=f"{seen}: a gain is proven (p {p_value:.2g})")
    if high < wanted:
        return replace(check, state="fail", reason=f"{seen}: a gain of {amount(wanted, check.scale)} is ruled out")
    needed = items_to_decide(max(task.delta, wanted), max(task.discordant, wanted), alpha=policy.alpha)
    return replace(check, items_needed=needed, reason=f"{seen}: a gain is neither proven nor ruled out")


def _no_gain_p_value(task: TaskComparison) -> float:
    if task.clusters:
        return cluster_sign_flip([-value for value in task.differences], task.clusters)
    if task.differences:
        return permutation_test([-value for value in task.differences])
    return exact_mcnemar(task.gained, task.lost)


def _floor_check(task: TaskComparison, policy: GateConfig, floor: float) -> Check:
    """The tuned model's score against a number; `delta` is the distance from it."""
    sign = 1.0 if task.info.higher_is_better else -1.0
    if task.info.scale == "binary" and not task.clusters:
        low, high = wilson_interval(task.tuned * task.n, task.n, policy.alpha)
    else:
        low, high = t_interval(task.tuned, task.tuned_error, max(units(task) - 1, 1), policy.alpha)
    distance, ends = sign * (task.tuned - floor), sorted((sign * (low - floor), sign * (high - floor)))
    variance = max(task.tuned_error**2 * task.n, floor * (1 - floor) if 0 < floor < 1 else 0.0)
    seen = f"tuned scores {task.tuned:.3f} (interval {low:.3f} to {high:.3f}), floor {floor:g}"
    check = Check(
        name=f"{task.info.name} floor",
        kind="task",
        state="inconclusive",
        n=task.n,
        base=None,
        tuned=task.tuned,
        delta=distance,
        low=ends[0],
        high=ends[1],
        margin=0.0,
        lost=None,
        gained=None,
        p_value=None,
        mde=detectable_loss(task.n, variance, alpha=policy.alpha, power=policy.power, flips=False),
        items_needed=None,
        reason=f"{seen}: the items cannot tell",
        scale=task.info.scale,
    )
    if ends[0] >= 0:
        return replace(check, state="pass", reason=f"{seen}: reached")
    if ends[1] < 0:
        return replace(check, state="fail", reason=f"{seen}: missed")
    return replace(check, items_needed=items_to_decide(distance, variance, alpha=policy.alpha, power=policy.power))
