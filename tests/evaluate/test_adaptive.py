"""Measuring in blocks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tunegate.core.errors import IntegrityError
from tunegate.evaluate import GateConfig, compare_scores, judge, judge_in_blocks
from tunegate.evaluate.gate.looks import look_level, look_shares, spent_alphas
from tunegate.evaluate.statistics.tango import normal_quantile, tango_statistic


@pytest.mark.parametrize("shares", [(1.0,), (0.5, 1.0), (0.1, 0.2, 0.6, 1.0)])
def test_the_looks_spend_alpha_and_no_more(shares: tuple[float, ...]) -> None:
    """Early looks spend little, all together exactly alpha."""
    levels = spent_alphas(shares, 0.05)

    assert sum(levels) == pytest.approx(0.05)
    assert levels == sorted(levels)


@pytest.mark.parametrize("blocks", [1, 2, 4, 10, 20])
@pytest.mark.parametrize("alpha", [0.001, 0.05, 0.2])
def test_every_number_of_looks_has_levels_with_finite_quantiles(blocks: int, alpha: float) -> None:
    """However early the first look."""
    levels = spent_alphas(look_shares(blocks), alpha)

    assert sum(levels) == pytest.approx(alpha, abs=1e-10)
    assert all(normal_quantile(1 - level) < 8 for level in levels)


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
    assert stopped.verdict.reason.endswith("; after 25% of the items (look 1 of 4)")
    assert (whole.share, whole.verdict.outcome) == (1.0, "pass")
    assert [look["share"] for look in whole.looks] == [0.25, 0.5, 0.75, 1.0]


def test_the_last_look_is_the_whole_comparison_at_its_part_of_alpha(make_scores: Any) -> None:
    """What no look decided is judged as if measured at once, at the level that is left."""
    base = np.ones(2000, dtype=int)
    base[10::20] = 0
    subtle = base.copy()
    subtle[10::20] = 1
    subtle[10::100] = 0
    subtle[::20] = 0
    measure = measured(make_scores, base, subtle)
    found = judge_in_blocks(measure, GateConfig())
    level = spent_alphas(look_shares(4), 0.05)[-1]
    whole = judge(compare_scores(*measure(1.0)), GateConfig(alpha=level))

    assert (found.share, found.verdict.outcome) == (1.0, "inconclusive")
    assert found.verdict.checks == whole.checks
    assert found.verdict.policy["alpha"] == 0.05
    assert found.verdict.policy["look"] == {"share": 1.0, "blocks": 4, "alpha": level}


def test_a_look_says_itself_at_which_level_it_is_judged(make_scores: Any) -> None:
    """Scores that were measured in blocks are never judged at the whole alpha, whoever judges them."""
    base = np.ones(2000, dtype=int)
    sides = measured(make_scores, base, base)(0.5)
    early = [replace(side, settings={"blocks": 4, "share": 0.5}) for side in sides]
    comparison = compare_scores(*early)

    assert look_level(comparison, 0.05) == spent_alphas(look_shares(4), 0.05)[1]
    assert look_level(compare_scores(*sides), 0.05) == 0.05
    assert judge(comparison, GateConfig()).checks[0].low < judge(compare_scores(*sides), GateConfig()).checks[0].low
    with pytest.raises(IntegrityError, match="30% of the items were measured, which is none of the 4 looks"):
        look_level(replace(comparison, share=0.3), 0.05)


def test_a_base_not_yet_proven_better_than_chance_gets_more_items(make_scores: Any) -> None:
    """Void at the first look is not void for good."""
    right = (np.arange(2000) % 20 < 13).astype(int)
    infos = {"a": {"chance": 0.5}}

    def measure(share: float) -> Any:
        n = int(2000 * share)
        return tuple(make_scores({"a": right[:n]}, model=model, infos=infos) for model in ("base", "tuned"))

    found = judge_in_blocks(measure, GateConfig(), blocks=10)

    assert [look["outcome"] for look in found.looks[:2]] == ["inconclusive", "inconclusive"]
    assert found.verdict.outcome == "pass"
    assert found.share < 1


def test_a_waived_loss_does_not_stop_the_measuring(make_scores: Any) -> None:
    """While another check is open: a waiver excuses a loss, it does not decide the rest."""
    waiver = {"benchmark": "a", "reason": "r", "owner": "o", "expires": "2999-01-01", "max_drop": 0.9}
    policy = GateConfig.model_validate({"waivers": [waiver, {**waiver, "benchmark": "mean"}]})
    base = np.ones(800, dtype=int)
    broken, subtle = base.copy(), base.copy()
    broken[::3] = 0
    subtle[::40] = 0

    def measure(share: float) -> Any:
        n = int(800 * share)
        return tuple(
            make_scores({"a": a[:n], "b": b[:n]}, model=model)
            for model, a, b in (("base", base, base), ("tuned", broken, subtle))
        )

    found = judge_in_blocks(measure, policy)

    assert found.looks[0]["outcome"] == "inconclusive"
    assert found.share > 0.25
    assert found.verdict.outcome == "pass"


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
