"""Planning before spending."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tunegate.core.errors import InputError
from tunegate.core.results import TaskInfo
from tunegate.evaluate import EvaluateConfig, GateConfig
from tunegate.evaluate.gate.plan import BenchmarkSize, plan_gate, seconds_an_item, sizes_with_pilot
from tunegate.evaluate.gate.plan_sizes import benchmark_sizes
from tunegate.evaluate.gate.plan_words import plan_text
from tunegate.evaluate.statistics.power import detectable_loss, items_to_decide, items_to_pass, pass_probability
from tunegate.evaluate.statistics.tango import normal_quantile, tango_statistic


def size(name: str, items: int, available: int = 10_000, **more: Any) -> BenchmarkSize:
    scale = more.pop("scale", "binary")
    info = TaskInfo(name=name, role="benchmark", metric="acc", scale=scale)
    return BenchmarkSize(info=info, items=items, available=available, **more)


@pytest.mark.parametrize(
    ("n", "expected"), [(200, 0.056), (500, 0.035), (1000, 0.025), (2000, 0.018), (5000, 0.011), (14_042, 0.0066)]
)
def test_the_smallest_loss_found_is_that_of_the_formula(n: int, expected: float) -> None:
    """(z_.95 + z_.80) √(ψ/n) at ψ = 0.10."""
    assert detectable_loss(n, 0.10, alpha=0.05) == pytest.approx(expected, rel=0.03)


def test_no_discordance_still_needs_a_few_flips() -> None:
    """A loss of d changes at least d of the items: with 100 of them six points at best."""
    assert detectable_loss(100, 0.0, alpha=0.05) == pytest.approx(2.4865**2 / 100, rel=1e-3)


@pytest.mark.parametrize(("delta", "psi"), [(0.0, 0.1), (-0.05, 0.05), (-0.05, 0.2)])
def test_the_chance_to_pass_is_the_exact_sum(delta: float, psi: float) -> None:
    """Against brute force over every pair of counts."""
    n, margin = 40, 0.05
    lost, gained = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    inside = lost + gained <= n
    lost, gained = lost[inside], gained[inside]
    from scipy.stats import multinomial

    shares = [psi / 2 - delta / 2, psi / 2 + delta / 2, 1 - psi]
    weights = multinomial.pmf(np.stack([lost, gained, n - lost - gained], axis=1), n, shares)
    passes = tango_statistic(lost.astype(float), gained.astype(float), n, -margin) > normal_quantile(0.95)

    found = pass_probability(n, psi, margin=margin, alpha=0.05, delta=delta)
    assert found == pytest.approx(weights[passes].sum(), abs=1e-9)


def test_items_to_pass_are_the_fewest() -> None:
    """Half a percent fewer no longer reach the power."""
    n = items_to_pass(0.10, margin=0.05, alpha=0.05)
    assert n is not None

    assert pass_probability(n, 0.10, margin=0.05, alpha=0.05) >= 0.80
    assert pass_probability(int(n * 0.97), 0.10, margin=0.05, alpha=0.05) < 0.80


def test_a_difference_on_the_margin_is_never_decided() -> None:
    """No number of items tells it from the margin."""
    assert items_to_decide(0.0, 0.1, alpha=0.05) is None
    assert items_to_decide(0.02, 0.1, alpha=0.05) == 1546


def test_a_small_suite_is_told_what_it_cannot_see() -> None:
    """Eight benchmarks of 100 items seldom pass an unchanged model; the proposal does in four of five runs."""
    plan = plan_gate([size(name, 100) for name in "abcdefgh"], GateConfig())

    assert plan.passes < 0.10
    assert plan.proposed_passes >= 0.80
    assert all(one.mde > one.margin for one in plan.benchmarks)
    assert all(one.items < one.proposed for one in plan.benchmarks)


def test_a_generous_suite_is_told_what_it_could_save() -> None:
    """More items than needed are not proposed again."""
    plan = plan_gate([size(name, 5000) for name in "abcdefgh"], GateConfig())

    assert plan.passes > 0.99
    assert sum(one.proposed for one in plan.benchmarks) < 0.3 * 40_000


def test_too_few_items_are_said() -> None:
    """Where all items there are do not suffice, all are proposed and the shortfall is noted."""
    plan = plan_gate([size("a", 100, available=120)], GateConfig())

    assert plan.benchmarks[0].proposed == 120
    assert plan.notes == (
        "with all items, an unchanged model passes in 12%; 80% need limits 5.3 times as wide, or more items",
        "10% of items are assumed to change; --pilot RUN plans with what an earlier run saw",
    )


def test_blocks_are_planned_at_their_last_level() -> None:
    """The looks before it can only add; what is promised holds."""
    once, blocks = (plan_gate([size("a", 500)], GateConfig(), blocks=count) for count in (1, 4))

    assert blocks.passes < once.passes
    assert blocks.notes[0] == "4 looks share alpha: planned at the last one's 0.026"


def test_a_pilot_replaces_the_assumptions(compared: Any) -> None:
    """Its discordance, its design effect and its speed."""
    (found,) = sizes_with_pilot([size("a", 500)], compared({"a": (3, 2, 900, 95)}), 0.02)

    assert (found.discordant, found.effect, found.seconds) == (7 / 1002, 1.0, 0.02)
    assert plan_gate([found], GateConfig()).seconds == pytest.approx(20.0)


def test_an_earlier_run_tells_how_long_an_item_takes(make_scores: Any) -> None:
    """Its seconds over its items; answers from the cache took no time and tell nothing."""
    scores = make_scores({"task": [1] * 10, "a": [1] * 30})
    timed = replace(scores, extras={"seconds": 8.0, "requests_asked": 40})

    assert seconds_an_item(timed) == 0.2
    assert seconds_an_item(replace(scores, extras={"seconds": 8.0, "requests_asked": 0})) is None
    assert seconds_an_item(None) is None


def test_advisory_benchmarks_and_ratios_are_noted() -> None:
    """They are not planned, and that is said."""
    policy = GateConfig(advisory=("b",))
    plan = plan_gate([size("a", 500), size("b", 500), size("text", 50, scale="ratio")], policy)

    assert [one.name for one in plan.benchmarks] == ["a"]
    assert plan.notes[:2] == ("b: advisory, not planned", "text: ratio, its spread is known after a first run")
    with pytest.raises(InputError, match="nothing to plan"):
        plan_gate([size("b", 500)], policy)


def test_the_plan_as_text() -> None:
    """One row a benchmark, then what follows from it."""
    lines = plan_text(plan_gate([size("arithmetic", 500, seconds=0.01)], GateConfig())).splitlines()

    assert lines[0].split() == ["benchmark", "items", "limit", "finds", "passes", "needs", "proposed"]
    assert lines[1].split()[:4] == ["arithmetic", "500", "5.0", "3.5"]
    assert lines[6].startswith("whole suite as it is: 500 items, an unchanged model passes in ")
    assert lines[6].endswith("about 10 s for both models")


def test_sizes_come_from_the_benchmarks_themselves(root: Path) -> None:
    """Items asked for and there, without a model; bits per byte are known as a ratio."""
    folder = root / "examples" / "quickstart" / "benchmarks"
    entries = ({"task": str(folder / "facts.yaml"), "limit": 40, "ability": "knowledge"}, str(folder / "order.yaml"))
    facts, order = benchmark_sizes(EvaluateConfig.model_validate({"benchmarks": entries, "limit": 500}))

    there = len((folder / "facts.jsonl").read_text().splitlines())

    assert (facts.info.ability, facts.info.scale, facts.items, facts.available) == ("knowledge", "binary", 40, there)
    assert order.items == order.available
