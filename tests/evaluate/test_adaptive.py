"""Measuring in blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tunegate.core.errors import InputError
from tunegate.evaluate import GateConfig
from tunegate.evaluate.gate.adaptive import judge_in_blocks, spent_alphas
from tunegate.evaluate.statistics.tango import normal_quantile, tango_statistic


@pytest.mark.parametrize("shares", [(1.0,), (0.5, 1.0), (0.1, 0.2, 0.6, 1.0)])
def test_the_looks_spend_alpha_and_no_more(shares: tuple[float, ...]) -> None:
    """Early looks spend little, all together exactly alpha."""
    levels = spent_alphas(shares, 0.05)

    assert sum(levels) == pytest.approx(0.05)
    assert levels == sorted(levels)


@pytest.mark.parametrize("shares", [(), (0.5,), (0.5, 0.5, 1.0), (1.0, 0.5), (0.0, 1.0)])
def test_a_schedule_ascends_to_all_items(shares: tuple[float, ...]) -> None:
    """Anything else is refused."""
    with pytest.raises(InputError, match="looks must ascend to 1"):
        spent_alphas(shares, 0.05)


def measured(make_scores: Any, base: Any, tuned: Any) -> Any:
    """Scores on the first share of 2,000 items."""

    def measure(share: float) -> Any:
        n = int(2000 * share)
        return make_scores({"a": base[:n]}, model="base"), make_scores({"a": tuned[:n]}, model="tuned")

    return measure


def test_a_clear_case_stops_early_and_an_unclear_one_goes_on(make_scores: Any) -> None:
    """Heavy damage is decided at the first look; a loss on the margin needs all items."""
    base = np.ones(2000, dtype=int)
    broken, subtle = base.copy(), base.copy()
    broken[::3] = 0
    subtle[::25] = 0

    stopped = judge_in_blocks(measured(make_scores, base, broken), GateConfig())
    whole = judge_in_blocks(measured(make_scores, base, subtle), GateConfig(mean_margin=0.05))

    assert (stopped.share, stopped.verdict.outcome) == (0.25, "fail")
    assert (whole.share, whole.verdict.outcome) == (1.0, "pass")
    assert [look[0] for look in whole.looks] == [0.25, 0.5, 0.75, 1.0]


def test_looking_often_does_not_pass_a_loss_of_the_margin() -> None:
    """Over 20,000 simulated runs with four looks, a true loss of the margin passes in at most 5 %."""
    generator, margin, n, psi = np.random.default_rng(5), 0.05, 1000, 0.10
    shares = (0.25, 0.5, 0.75, 1.0)
    draws = generator.random((20_000, n), dtype=np.float32)
    lost, gained = draws < psi / 2 + margin / 2, draws > 1 - (psi / 2 - margin / 2)
    passed = np.zeros(20_000, dtype=bool)
    for share, level in zip(shares, spent_alphas(shares, 0.05), strict=True):
        seen = int(n * share)
        counts = lost[:, :seen].sum(1), gained[:, :seen].sum(1)
        passed |= tango_statistic(*counts, seen, -margin) > normal_quantile(1 - level)

    assert 0.03 < passed.mean() <= 0.05
