"""A check that did not pass, and a person's written exception, to a waived or a failed check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from pydantic import Field

from ...core.config import Config
from ...core.results import Check
from .names import suggested
from .words import amount

SOON = 14
"""Days before its end from which a waiver is warned of."""


class Waiver(Config):
    """A known loss that is let through, by someone, for a reason, until a day."""

    benchmark: str
    """Name of the check: a benchmark, `task` or `mean`."""
    reason: str = Field(min_length=1)
    """Why the loss is accepted."""
    owner: str = Field(min_length=1)
    """Who answers for it."""
    expires: date
    """Last day on which it holds, as YYYY-MM-DD."""
    max_drop: float = Field(gt=0)
    """Largest observed loss that it covers, as a share (0.08: 8 points)."""


def apply_waivers(checks: Sequence[Check], waivers: Sequence[Waiver], today: date) -> tuple[list[Check], list[str]]:
    """Checks after the waivers, and warnings about waivers.

    A failed or inconclusive check becomes `waived`; with an expired waiver, or a loss beyond its `max_drop`, it fails.
    Passed, void and advisory checks stay as they are: a waiver excuses a loss, not a benchmark that cannot be measured.
    """
    by_name = {waiver.benchmark: waiver for waiver in waivers}
    names = {check.name for check in checks}
    warnings = [
        f"waiver for {name!r}: no such check; {suggested(name, names)}" for name in by_name if name not in names
    ]
    waived = []
    for check in checks:
        waiver = by_name.get(check.name)
        if waiver is None:
            waived.append(check)
        elif check.state in ("fail", "inconclusive"):
            waived.append(_waive(check, waiver, today))
        else:
            waived.append(check)
            warnings.append(f"waiver for {check.name!r} is not used: the check is {check.state}; remove it")
    return waived, warnings + [text for waiver in waivers if (text := _expiry(waiver, today))]


def _waive(check: Check, waiver: Waiver, today: date) -> Check:
    drop = -(check.delta or 0.0)
    if waiver.expires < today:
        return replace(check, state="fail", reason=f"{check.reason}; its waiver expired on {waiver.expires}")
    if drop > waiver.max_drop + 1e-12:
        lost, allowed = amount(drop, check.scale), amount(waiver.max_drop, check.scale)
        beyond = f"the loss of {lost} is beyond the {allowed} that {waiver.owner} waived"
        return replace(check, state="fail", reason=f"{check.reason}; {beyond}")
    until = f"waived by {waiver.owner} until {waiver.expires} ({waiver.reason})"
    return replace(check, state="waived", reason=f"{check.reason}; {until}")


def _expiry(waiver: Waiver, today: date) -> str:
    days = (waiver.expires - today).days
    if days < 0:
        return f"waiver for {waiver.benchmark!r} expired on {waiver.expires}"
    when = {0: "today", 1: "tomorrow"}.get(days, f"in {days} days")
    return f"waiver for {waiver.benchmark!r} expires {when}" if days <= SOON else ""
