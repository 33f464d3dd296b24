"""Verdict and comparison to the lines every report shows: one per measured quantity, the worst first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..core.results import Check, Comparison, RunResults, TaskComparison, Verdict
from . import figures
from .figures import Unit

State = Literal["pass", "fail", "inconclusive", "void", "waived", "advisory", "measured"]
"""A check's state, or `measured` where nothing was gated."""

STATE_ORDER: tuple[State, ...] = ("fail", "void", "inconclusive", "waived", "advisory", "measured", "pass")
"""Worst first."""

STATE_SIGNS: dict[State, str] = {
    "fail": "✕",
    "void": "∅",
    "inconclusive": "?",
    "waived": "~",
    "advisory": "i",
    "measured": "·",
    "pass": "✓",
}
"""A sign beside the word, so that no report depends on colour."""


COMPARED_ALPHA = 0.05
"""What each side of the interval in a comparison leaves out."""

AGAINST = {"reference": " against the accepted run", "original": " against the first base"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One measured quantity: the gate's check where there is one, joined with what the comparison knows of it."""

    name: str
    kind: str
    state: State
    unit: Unit
    metric: str
    ability: str
    n: int
    base: float | None
    tuned: float | None
    delta: float | None
    low: float | None
    high: float | None
    margin: float | None
    lost: int | None
    gained: int | None
    p_value: float | None
    mde: float | None
    items_needed: int | None
    reason: str
    contaminated: int = 0
    clean_delta: float | None = None

    @property
    def title(self) -> str:
        """The name, and what it is compared with where that is not the base."""
        return f"{self.name}{AGAINST.get(self.kind, '')}"


def lines_of(verdict: Verdict | None, comparison: Comparison | None) -> list[Line]:
    """All checks, then every task that no check covers; within a state the order of the results is kept."""
    tasks = {task.info.name: task for task in comparison.tasks} if comparison else {}
    checks = verdict.checks if verdict else ()
    lines = [_from_check(check, tasks.get(check.name)) for check in checks]
    checked = {check.name for check in checks}
    lines += [_from_task(task) for name, task in tasks.items() if name not in checked]
    return sorted(lines, key=lambda line: STATE_ORDER.index(line.state))


def interval_alpha(verdict: Verdict | None) -> float:
    """What each side of the shown intervals leaves out.

    The level at which the gate tested, at its last look if it had several; without a verdict COMPARED_ALPHA.
    """
    if verdict is None:
        return COMPARED_ALPHA
    look = verdict.policy.get("look") or verdict.policy
    return float(look.get("alpha", COMPARED_ALPHA))


def interval_title(verdict: Verdict | None) -> str:
    """Heading of the intervals: `90 % interval` where alpha is 0.05."""
    return f"{figures.level(2 * interval_alpha(verdict))} interval"


def outcome_word(results: RunResults) -> str:
    """PASS, FAIL or INCONCLUSIVE; what was done where there is no verdict."""
    if results.verdict:
        return results.verdict.outcome.upper()
    if results.comparison:
        return "NOT GATED"
    if results.tuned_scores or results.base_scores:
        return "MEASURED"
    return "TUNED" if results.tuned else "CURATED" if results.ledger else "EMPTY"


def gain_and_loss(lines: Sequence[Line]) -> tuple[Line | None, Line | None]:
    """The user's own task, and the mean of the broad abilities: from its check, else the plain mean."""
    task = next((line for line in lines if line.kind == "task"), None)
    mean = next((line for line in lines if line.kind == "mean"), None)
    return task, mean or _plain_mean([line for line in lines if line.kind == "benchmark"])


def sentence(line: Line) -> str:
    """A line in words: `acc 12.4 → 93.1 % (+80.7 points)`."""
    metric = f"{line.metric} " if line.metric else ""
    change = f"{figures.change(line.delta, line.unit)}{figures.unit_name(line.unit)}"
    if line.base is None or line.tuned is None:
        return f"{metric}{change}"
    levels = f"{figures.score(line.base, line.unit)} → {figures.score(line.tuned, line.unit)}"
    return f"{metric}{levels}{figures.percent_sign(line.unit)} ({change})"


def _from_check(check: Check, task: TaskComparison | None) -> Line:
    return Line(
        name=check.name,
        kind=check.kind,
        state=check.state,
        unit="fine" if check.name == "mean" else unit_of(check.scale),
        metric=task.info.metric if task else "",
        ability=task.info.ability if task else "",
        n=check.n,
        base=check.base,
        tuned=check.tuned,
        delta=check.delta,
        low=check.low,
        high=check.high,
        margin=check.margin,
        lost=check.lost,
        gained=check.gained,
        p_value=check.p_value,
        mde=check.mde,
        items_needed=check.items_needed,
        reason=check.reason,
        contaminated=task.contaminated if task else 0,
        clean_delta=task.clean_delta if task else None,
    )


def _from_task(task: TaskComparison) -> Line:
    return Line(
        name=task.info.name,
        kind=task.info.role,
        state="measured",
        unit=unit_of(task.info.scale),
        metric=task.info.metric,
        ability=task.info.ability,
        n=task.n,
        base=task.base,
        tuned=task.tuned,
        delta=task.delta,
        low=task.low,
        high=task.high,
        margin=None,
        lost=task.lost,
        gained=task.gained,
        p_value=task.p_value,
        mde=None,
        items_needed=None,
        reason="",
        contaminated=task.contaminated,
        clean_delta=task.clean_delta,
    )


def unit_of(scale: str) -> Unit:
    """How figures of a scale are written: shares in points, a ratio (such as bits per byte) as it is."""
    return "number" if scale == "ratio" else "points"


def _plain_mean(benchmarks: list[Line]) -> Line | None:
    changes = [line.delta for line in benchmarks if line.delta is not None and line.unit == "points"]
    if not changes:
        return None
    return Line(
        name="mean",
        kind="mean",
        state="measured",
        unit="fine",
        metric="",
        ability="",
        n=sum(line.n for line in benchmarks if line.unit == "points"),
        base=None,
        tuned=None,
        delta=sum(changes) / len(changes),
        low=None,
        high=None,
        margin=None,
        lost=None,
        gained=None,
        p_value=None,
        mde=None,
        items_needed=None,
        reason="",
    )
