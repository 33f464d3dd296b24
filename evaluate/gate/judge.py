"""A comparison and a policy to a verdict: PASS, FAIL or INCONCLUSIVE, with a sentence for every check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from ...core.results import Check, Comparison, Outcome, Verdict
from ..statistics.multiplicity import holm
from .checks import benchmark_checks, mean_check
from .config import GateConfig
from .looks import look_level, look_of
from .names import require_fitting, require_gated
from .task_checks import gain_checks, task_no_loss_checks
from .waivers import apply_waivers
from .warnings import gate_warnings
from .words import amount, change

ROUNDING = 1e-12
"""A loss of exactly the margin reaches it, whatever the last bit says."""
NAMED = 3
"""Checks that the verdict's sentence names."""


def judge(
    comparison: Comparison,
    policy: GateConfig,
    *,
    references: Mapping[str, Comparison] | None = None,
    noise: Mapping[str, float] | None = None,
    today: date | None = None,
) -> Verdict:
    """Decide whether the tuned model may be deployed.

    A no-loss check passes if the interval of the difference lies above minus the margin; it fails if the observed
    loss reaches the margin and "no loss" is rejected under Holm over all such checks; else it is inconclusive.
    All must pass: the chance of passing a suite with a true loss at a margin is at most alpha without a correction
    (intersection-union, Berger 1982), the chance of failing an unchanged suite at most alpha by Holm.

    Args:
        comparison: Base against tuned; one of several looks at growing shares of the items is tested at its own part
            of alpha.
        policy: The limits.
        references: More comparisons with the same tuned model that must show no loss, by kind: `reference` (the last
            accepted run), `original` (the first base model).
        noise: Share of items per benchmark that flip by numerics alone; a margin below it is warned of.
        today: Day on which waivers must hold; none: this day.

    Raises:
        InputError: no benchmark is gated, so nothing would protect the model's abilities; or the policy names what was
            not measured.
    """
    benchmarks = [task.info for task in comparison.tasks if task.info.role == "benchmark"]
    require_gated(policy, benchmarks)
    require_fitting(policy, benchmarks)
    here = policy.model_copy(update={"alpha": look_level(comparison, policy.alpha)})
    decided = _decide(_all_checks(comparison, here, references or {}), here)
    final, waiver_warnings = apply_waivers(decided, policy.waivers, today or date.today())
    outcome = _outcome(final)
    return Verdict(
        outcome=outcome,
        reason=_reason(final, outcome) + _when(comparison),
        checks=tuple(final),
        policy=policy.as_policy() | _look(comparison, here),
        warnings=(*comparison.warnings, *gate_warnings(comparison, final, noise or {}), *waiver_warnings),
        inconclusive_blocks=policy.inconclusive == "block",
        base_model=comparison.base_model,
        tuned_model=comparison.tuned_model,
    )


def _all_checks(comparison: Comparison, policy: GateConfig, references: Mapping[str, Comparison]) -> list[Check]:
    checks = gain_checks(comparison, policy)
    if policy.task.require == "no-loss":
        checks += task_no_loss_checks(comparison, policy, kind="task")
    checks += _suite_checks(comparison, policy)
    for kind, other in references.items():
        if policy.task.require != "nothing":
            checks += task_no_loss_checks(other, policy, kind=kind)
        checks += _suite_checks(other, policy, kind=kind)
    return checks


def _suite_checks(comparison: Comparison, policy: GateConfig, kind: str | None = None) -> list[Check]:
    mean = mean_check(comparison, policy, kind=kind or "mean")
    return ([mean] if mean else []) + benchmark_checks(comparison, policy, kind=kind or "benchmark")


def _decide(checks: Sequence[Check], policy: GateConfig) -> list[Check]:
    """States of the open checks, and of void ones that lost all the same: what cannot pass can still fail."""
    family = [index for index, check in enumerate(checks) if not check.reason or check.state == "void"]
    p_values = [1.0 if (p := checks[index].p_value) is None else p for index in family]
    rejected = dict(zip(family, holm(p_values, policy.alpha), strict=True))
    return [
        _state(check, rejected[index]) if index in rejected and check.p_value is not None else check
        for index, check in enumerate(checks)
    ]


def _state(check: Check, rejected: bool) -> Check:
    delta, low, margin = (value or 0.0 for value in (check.delta, check.low, check.margin))
    seen, limit = change(check), amount(margin, check.scale)
    if low > -margin and check.state != "void":
        return replace(check, state="pass", items_needed=None, reason=f"{seen}: a loss of {limit} is ruled out")
    if delta <= -margin + ROUNDING and rejected:
        though = f", though {check.reason}" if check.state == "void" else ""
        reason = f"{seen}: the loss reaches {limit} and is not chance (p {check.p_value:.2g}){though}"
        return replace(check, state="fail", items_needed=None, reason=reason)
    if check.state == "void":
        return replace(check, items_needed=None)
    return replace(check, state="inconclusive", reason=f"{seen}: a loss of {limit} is not ruled out; {_needed(check)}")


def _needed(check: Check) -> str:
    if check.items_needed is None:
        return "it lies on the limit, where no number of items decides"
    return f"about {check.items_needed:,} items would decide, there are {check.n:,}"


def _outcome(checks: Sequence[Check]) -> Outcome:
    states = {check.state for check in checks}
    if "fail" in states:
        return "fail"
    return "inconclusive" if states & {"inconclusive", "void"} else "pass"


def _reason(checks: Sequence[Check], outcome: Outcome) -> str:
    wanted = {"fail": {"fail"}, "inconclusive": {"inconclusive", "void"}, "pass": {"pass", "waived"}}[outcome]
    chosen = [check for check in checks if check.state in wanted]
    if outcome == "pass":
        waived = sum(check.state == "waived" for check in chosen)
        return f"all {len(chosen)} checks pass" + (f", {waived} of them by a waiver" if waived else "")
    named = "; ".join(f"{_title(check)} {check.reason}" for check in chosen[:NAMED])
    rest = f"; and {len(chosen) - NAMED} more" if len(chosen) > NAMED else ""
    verb = "fail" if outcome == "fail" else "cannot be decided"
    return f"{len(chosen)} of {len(checks)} checks {verb}: {named}{rest}"


def _when(comparison: Comparison) -> str:
    """After how many items the looking stopped, where there was more than one look."""
    if comparison.blocks == 1:
        return ""
    return f"; after {comparison.share:.0%} of the items (look {look_of(comparison)} of {comparison.blocks})"


def _look(comparison: Comparison, here: GateConfig) -> dict[str, Any]:
    if comparison.blocks == 1:
        return {}
    return {"look": {"share": comparison.share, "blocks": comparison.blocks, "alpha": here.alpha}}


def _title(check: Check) -> str:
    against = {"reference": " against the last accepted run", "original": " against the original base"}
    return check.name + against.get(check.kind, "") + ("" if check.state != "void" else " is void:")
