"""Waivers: known losses that a person let through."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from tunegate.evaluate import GateConfig, Waiver, judge

TODAY = date(2026, 6, 1)
LOSS = (150, 30, 650, 170)
"""1,000 items that lost 12 points."""


def verdict(compared: Any, counts: tuple[int, ...], **waiver: Any) -> Any:
    facts = {"benchmark": "a", "reason": "known", "owner": "Ada", "expires": "2026-12-31", "max_drop": 0.15, **waiver}
    policy = GateConfig(waivers=(Waiver.model_validate(facts),), mean_margin=0.3)
    return judge(compared({"a": counts}), policy, today=TODAY)


def test_a_waived_loss_passes_and_is_shown(compared: Any) -> None:
    """The check is neither pass nor fail, and says who answers for it."""
    found = verdict(compared, LOSS)

    assert (found.outcome, found.checks[1].state) == ("pass", "waived")
    assert found.checks[1].reason.endswith("waived by Ada until 2026-12-31 (known)")
    assert found.reason == "all 2 checks pass, 1 of them by a waiver"


def test_an_expired_waiver_fails(compared: Any) -> None:
    """From the day after its last."""
    assert verdict(compared, LOSS, expires="2026-06-01").outcome == "pass"
    found = verdict(compared, LOSS, expires="2026-05-31")

    assert (found.outcome, found.checks[1].state) == ("fail", "fail")
    assert found.checks[1].reason.endswith("its waiver expired on 2026-05-31")


def test_an_exceeded_waiver_fails(compared: Any) -> None:
    """A larger loss than was agreed is not covered."""
    found = verdict(compared, LOSS, max_drop=0.10)

    assert found.checks[1].state == "fail"
    assert found.checks[1].reason.endswith("the loss of 12.0 points is beyond the 10.0 points that Ada waived")


def test_an_inconclusive_check_can_be_waived_within_its_drop(compared: Any) -> None:
    """And fails beyond it, since a person said what may be lost."""
    assert verdict(compared, (6, 0, 60, 34)).checks[1].state == "waived"
    assert verdict(compared, (6, 0, 60, 34), max_drop=0.05).checks[1].state == "fail"


def test_waivers_do_not_excuse_what_cannot_be_measured(compared: Any) -> None:
    """A void benchmark stays void."""
    assert verdict(compared, (0, 0, 0, 500)).outcome == "inconclusive"


@pytest.mark.parametrize(
    ("waiver", "warning"),
    [
        ({}, "waiver for 'a' is not used: the check is pass; remove it"),
        ({"benchmark": "gone"}, "waiver for 'gone': no such check; there are a, mean"),
        ({"expires": "2026-06-01"}, "waiver for 'a' expires today"),
        ({"expires": "2026-06-08"}, "waiver for 'a' expires in 7 days"),
        ({"expires": "2026-01-01"}, "waiver for 'a' expired on 2026-01-01"),
    ],
)
def test_waivers_that_need_attention_are_warned_of(compared: Any, waiver: dict[str, str], warning: str) -> None:
    """Unused, unknown, expiring and expired ones."""
    assert warning in verdict(compared, (10, 10, 800, 180), **waiver).warnings
