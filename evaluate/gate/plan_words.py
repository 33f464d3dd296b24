"""A plan to the lines that a terminal shows."""

from __future__ import annotations

from .plan import Plan

HEADER = ("benchmark", "items", "limit", "finds", "passes", "needs", "proposed")


def plan_text(plan: Plan) -> str:
    """The plan as a table with its conclusions, for a terminal of 80 columns."""
    rows = [HEADER]
    for one in plan.benchmarks:
        needed = f"{one.needed:,}" if one.needed else "-"
        proposed = f"{one.proposed:,}" + (" (all)" if one.proposed == one.available else "")
        points = f"{100 * one.margin:.1f}", f"{100 * one.mde:.1f}"
        rows.append((one.name, f"{one.items:,}", *points, f"{one.passes:.0%}", needed, proposed))
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = ["  ".join(map(_aligned, row, widths, range(len(row)))) for row in rows]
    return "\n".join([*lines, "", *_conclusions(plan), *(f"note: {note}" for note in plan.notes)])


def _conclusions(plan: Plan) -> list[str]:
    power = f"{plan.power:.0%}"
    total, proposed = (sum(getattr(one, name) for one in plan.benchmarks) for name in ("items", "proposed"))
    return [
        f"limit: loss allowed, points; finds: smallest loss found in {power} of runs; passes: chance",
        f"that an unchanged model passes; needs: items for {power}; proposed: for {power} on the whole suite",
        f"mean of the benchmarks: limit {100 * plan.mean_margin:.1f} points, finds {100 * plan.mean_mde:.1f}, "
        f"passes {plan.passes_mean:.0%}",
        f"whole suite as it is: {total:,} items, an unchanged model passes in {plan.passes:.0%}{_time(plan.seconds)}",
        f"proposed: {proposed:,} items, passes in {plan.proposed_passes:.0%}{_time(plan.proposed_seconds)}",
    ]


def _aligned(cell: str, width: int, column: int) -> str:
    return cell.rjust(width) if column else cell.ljust(width)


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    amount = f"{seconds / 60:.1f} minutes" if seconds >= 60 else f"{seconds:.0f} s"
    return f", about {amount} for both models"
