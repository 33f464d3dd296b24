"""A comparison and a policy to a verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tunegate.core.errors import InputError
from tunegate.evaluate import GateConfig, TaskGate, compare_scores, judge

UNCHANGED = (20, 20, 800, 160)
"""(lost, gained, right, wrong) of 1,000 items that a model without damage could show."""


def states(verdict: Any) -> dict[str, str]:
    return {check.name: check.state for check in verdict.checks}


def test_an_unchanged_suite_passes(compared: Any) -> None:
    """Four benchmarks of 1,000 items with as many gains as losses: every check passes, exit code 0."""
    verdict = judge(compared(dict.fromkeys("abcd", UNCHANGED)), GateConfig())

    assert (verdict.outcome, verdict.exit_code) == ("pass", 0)
    assert states(verdict) == {"mean": "pass", "a": "pass", "b": "pass", "c": "pass", "d": "pass"}
    assert verdict.reason == "all 5 checks pass"


def test_a_clear_loss_fails_and_is_named(compared: Any) -> None:
    """A benchmark that lost 12 points fails by itself and drags the mean; the others pass."""
    verdict = judge(compared({"a": UNCHANGED, "b": (150, 30, 650, 170)}), GateConfig())

    assert (verdict.outcome, verdict.exit_code) == ("fail", 1)
    assert states(verdict) == {"mean": "fail", "a": "pass", "b": "fail"}
    assert verdict.reason.startswith("2 of 3 checks fail: mean -6.0 points")


def test_too_few_items_are_inconclusive_and_say_how_many_would_do(compared: Any) -> None:
    """Ten items without a flip do not pass 2 points."""
    verdict = judge(compared({"a": (0, 0, 9, 1)}), GateConfig(margin=0.02))
    check = verdict.checks[-1]

    assert (verdict.outcome, verdict.exit_code) == ("inconclusive", 3)
    assert (check.state, check.items_needed) == ("inconclusive", 303)
    assert check.reason.endswith("a loss of 2.0 points is not ruled out; about 303 items would decide, there are 10")


def test_inconclusive_may_be_let_through(compared: Any) -> None:
    """By policy only; the outcome still says so."""
    verdict = judge(compared({"a": (0, 0, 9, 1)}), GateConfig(inconclusive="allow"))

    assert (verdict.outcome, verdict.exit_code) == ("inconclusive", 0)


def test_ten_thousand_pairs_with_one_flip_each_way_pass(compared: Any) -> None:
    """Plenty of items and next to no change is a pass, not a shrug."""
    verdict = judge(compared({"a": (1, 1, 6000, 3998)}), GateConfig(margin=0.02))

    assert verdict.outcome == "pass"


def test_zero_gated_benchmarks_are_an_error(compared: Any) -> None:
    """Without a benchmark, or with advisory ones only, there is nothing to gate."""
    with pytest.raises(InputError, match="none is measured"):
        judge(compared({"task": UNCHANGED}), GateConfig())
    with pytest.raises(InputError, match="all are advisory"):
        judge(compared({"a": UNCHANGED}), GateConfig(advisory=("a",)))


def test_a_base_at_chance_is_void(compared: Any) -> None:
    """A model that guesses has nothing to lose: the check is void and the verdict not a pass."""
    verdict = judge(compared({"a": (20, 20, 230, 730)}, {"a": {"chance": 0.25}}), GateConfig())

    assert (verdict.outcome, states(verdict)) == ("inconclusive", {"a": "void"})
    assert "is void: the base scores 0.25, which is not proven better than chance (0.25)" in verdict.reason


def test_a_base_at_zero_is_void_even_without_a_chance_level(compared: Any) -> None:
    """0 -> 0 is no evidence of anything."""
    verdict = judge(compared({"a": (0, 0, 0, 500)}), GateConfig())

    assert states(verdict) == {"a": "void"}


def test_a_base_with_too_little_to_lose_is_void(compared: Any) -> None:
    """Eight points above chance cannot show a loss of five clearly."""
    verdict = judge(compared({"a": (0, 0, 1650, 3350)}, {"a": {"chance": 0.25}}), GateConfig())

    assert verdict.checks[0].reason == "the base is only 0.08 above chance (0.25), less than 2 margins of 0.05"


def test_a_void_benchmark_can_still_fail(compared: Any) -> None:
    """A base at chance that then falls far below it is damaged, whatever it could not prove before."""
    verdict = judge(compared({"a": (71, 33, 84, 112)}, {"a": {"chance": 0.5}}), GateConfig())

    assert (verdict.outcome, states(verdict)) == ("fail", {"a": "fail"})
    assert verdict.checks[0].reason == (
        "-12.7 points (-18.1 to -7.2): the loss reaches 5.0 points and is not chance (p 0.00012), "
        "though the base scores 0.517, which is not proven better than chance (0.5)"
    )


def test_a_contaminated_task_is_void(make_scores: Any) -> None:
    """A held-out set that was trained on proves no gain."""
    marked = {"contaminated": [True] * 200 + [False] * 100}
    base = make_scores({"task": {"value": [0] * 300, **marked}, "a": [1] * 400}, model="base")
    tuned = make_scores({"task": {"value": [1] * 300, **marked}, "a": [1] * 400}, model="tuned")
    verdict = judge(compare_scores(base, tuned), GateConfig())

    assert (verdict.outcome, states(verdict)["task"]) == ("inconclusive", "void")


def test_four_benchmarks_with_two_clear_losses(compared: Any) -> None:
    """Four sets of 300 as a forgetful run left them (.517 to .390, .680 to .500, .370 to .360, .520 to .490).

    Exactly the two clear losses are refused, and none at chance is called ok.
    """
    counts = {"adjunct": (71, 33, 84, 112), "noun": (80, 26, 124, 70), "ellipsis": (30, 27, 81, 162)}
    counts["irregular"] = (50, 41, 106, 103)
    verdict = judge(compared(counts, {name: {"chance": 0.5} for name in counts}), GateConfig())

    assert verdict.outcome == "fail"
    assert states(verdict) == {
        "mean": "fail",
        "adjunct": "fail",
        "noun": "fail",
        "ellipsis": "void",
        "irregular": "void",
    }


def test_contaminated_benchmarks_are_void(make_scores: Any) -> None:
    """Items that were trained on cannot show forgetting, beyond a share of them."""
    marked = {"value": [1] * 400, "contaminated": [True] * 41 + [False] * 359}
    scores = make_scores({"a": marked})
    verdict = judge(compare_scores(scores, scores), GateConfig())

    assert verdict.checks[0].reason == "10.2% of its items occur in the training data (limit 10.0%)"


def test_advisory_benchmarks_never_decide(compared: Any) -> None:
    """A broken benchmark that is advisory leaves the verdict alone, also through the mean."""
    verdict = judge(compared({"a": UNCHANGED, "b": (300, 0, 600, 100)}), GateConfig(advisory=("b",)))

    assert (verdict.outcome, states(verdict)) == ("pass", {"mean": "pass", "a": "pass", "b": "advisory"})


def test_margins_go_by_name_then_ability_then_scale(compared: Any) -> None:
    """The most specific limit holds."""
    infos = {"a": {"ability": "facts"}, "b": {"ability": "facts"}}
    policy = GateConfig(margins={"facts": 0.08, "a": 0.03})
    verdict = judge(compared(dict.fromkeys("abc", UNCHANGED), infos), policy)

    assert {check.name: check.margin for check in verdict.checks} == {"mean": 0.015, "a": 0.03, "b": 0.08, "c": 0.05}


@pytest.mark.parametrize(
    ("counts", "state"),
    [((5, 60, 100, 135), "pass"), ((60, 5, 100, 135), "fail"), ((20, 24, 100, 156), "inconclusive")],
)
def test_the_task_must_show_a_gain(compared: Any, counts: tuple[int, ...], state: str) -> None:
    """Pass with a proven gain, fail when one worth having is ruled out, else inconclusive."""
    verdict = judge(compared({"task": counts, "a": UNCHANGED}), GateConfig(mean_margin=0.05))

    assert states(verdict)["task"] == state


def test_the_task_may_start_from_zero(compared: Any) -> None:
    """A base that cannot do the task at all is the normal case, not a void one."""
    verdict = judge(compared({"task": (0, 160, 0, 140), "a": UNCHANGED}), GateConfig(mean_margin=0.05))

    assert (verdict.outcome, verdict.checks[0].reason) == (
        "pass",
        "+53.3 points (+48.6 to +58.0): a gain is proven (p 6.8e-49)",
    )


@pytest.mark.parametrize(("floor", "state"), [(0.80, "pass"), (0.89, "inconclusive"), (0.95, "fail")])
def test_the_task_has_a_floor(compared: Any, floor: float, state: str) -> None:
    """The bound of the tuned score must reach it: 270 of 300 are 0.90, with a bound of 0.868."""
    policy = GateConfig(task=TaskGate(require="nothing", min=floor), mean_margin=0.05)
    verdict = judge(compared({"task": (0, 170, 100, 30), "a": UNCHANGED}), policy)

    assert states(verdict)["task floor"] == state


def test_the_task_may_be_held_to_no_loss(compared: Any) -> None:
    """A model that is already good only has to stay so."""
    policy = GateConfig(task=TaskGate(require="no-loss"), mean_margin=0.05)

    assert states(judge(compared({"task": (2, 2, 950, 46), "a": UNCHANGED}), policy))["task"] == "pass"
    assert states(judge(compared({"task": (90, 2, 850, 58), "a": UNCHANGED}), policy))["task"] == "fail"


def test_references_are_judged_too(compared: Any) -> None:
    """Small losses add up: within the limit of the last run, beyond it against the original base."""
    last, first = compared({"a": (30, 20, 800, 150)}), compared({"a": (150, 30, 650, 170)})
    verdict = judge(last, GateConfig(mean_margin=0.05), references={"reference": last, "original": first})

    assert [(check.kind, check.state) for check in verdict.checks] == [
        ("mean", "pass"),
        ("benchmark", "pass"),
        ("reference", "pass"),
        ("reference", "pass"),
        ("original", "fail"),
        ("original", "fail"),
    ]


def test_a_task_of_which_nothing_is_required_is_not_held_to_its_reference(compared: Any) -> None:
    """It is reported and decides nothing, whatever it is compared with."""
    comparison = compared({"task": (90, 2, 850, 58), "a": UNCHANGED})
    policy = GateConfig(task=TaskGate(require="nothing"), mean_margin=0.05)
    verdict = judge(comparison, policy, references={"reference": comparison})

    assert verdict.outcome == "pass"
    assert [check.kind for check in verdict.checks if check.name == "task"] == ["task"]


def test_swapped_models_are_warned_of(compared: Any) -> None:
    """A tuned model that is worse at its task and better at everything else looks like a base."""
    verdict = judge(compared({"task": (160, 0, 0, 140), "a": (20, 150, 600, 230)}), GateConfig())

    assert verdict.warnings == (
        "tuned is significantly worse than base on its own task: were base and tuned swapped?",
        "tuned is significantly better than base on the mean of the benchmarks: were they swapped?",
    )


def test_a_model_compared_with_itself_is_warned_of(make_scores: Any) -> None:
    """The same weights on both sides prove nothing about a tuned model."""
    scores = make_scores({"a": [1] * 300 + [0] * 50})

    assert judge(compare_scores(scores, scores), GateConfig()).warnings == (
        "base and tuned have the same weights: the model was compared with itself",
    )


def test_models_that_answer_alike_are_warned_of(compared: Any) -> None:
    """Logs carry no hash of the weights, but one model twice shows."""
    verdict = judge(compared({"a": (0, 0, 300, 50)}), GateConfig())

    assert verdict.warnings == ("base and tuned answered every item alike: are they one model?",)


def test_a_margin_below_the_noise_floor_is_warned_of(compared: Any) -> None:
    """If more items flip by numerics than may be lost, the margin is finer than the measurement."""
    verdict = judge(compared({"a": UNCHANGED}), GateConfig(margin=0.02), noise={"a": 0.031})

    assert (
        "a: its limit of 2.0 points is below the noise floor (3.10% of items flip by numerics alone)"
        in verdict.warnings
    )


def test_a_real_loss_within_the_limit_is_warned_of(compared: Any) -> None:
    """A pass may still hide damage."""
    verdict = judge(compared({"a": (60, 20, 4000, 920)}), GateConfig())

    assert "a: its loss of 0.8 points is within the limit, but real" in verdict.warnings


def test_bits_per_byte_have_their_own_margin_and_stay_out_of_the_mean(make_scores: Any) -> None:
    """Bits are not points: the mean holds the accuracies alone."""
    infos = {"text": {"scale": "ratio", "metric": "bits_per_byte", "higher_is_better": False}}
    weight = [100.0 + i for i in range(40)]
    bits = [2.0 * w + (i % 3) for i, w in enumerate(weight)]
    base = make_scores({"a": [1] * 300, "text": {"value": bits, "weight": weight}}, infos=infos)
    worse = [value * 1.05 for value in bits]
    tuned = make_scores({"a": [1] * 300, "text": {"value": worse, "weight": weight}}, model="new", infos=infos)
    mean, a, text = judge(compare_scores(base, tuned), GateConfig()).checks

    assert (mean.n, a.state, text.state, text.margin, text.scale) == (300, "pass", "fail", 0.02, "ratio")
    assert text.reason.startswith("-0.1004 (-0.1085 to -0.0923): the loss reaches 0.0200")


def test_few_documents_are_void(make_scores: Any) -> None:
    """Nine documents do not show their spread."""
    infos = {"text": {"scale": "ratio", "higher_is_better": False}}
    scores = make_scores({"text": {"value": [10.0] * 9, "weight": [5.0] * 9}}, infos=infos)
    verdict = judge(compare_scores(scores, scores), GateConfig())

    assert verdict.checks[0].reason == "9 independent documents are too few to estimate a spread; use at least 10"


def test_a_loss_of_exactly_the_margin_fails(compared: Any) -> None:
    """The margin is the first loss that is not allowed, whatever floating point says."""
    assert judge(compared({"a": (50, 0, 850, 100)}), GateConfig()).checks[1].state == "fail"


counts = st.tuples(st.integers(0, 80), st.integers(0, 80), st.integers(50, 900), st.integers(0, 300))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(counts=counts, more=st.integers(1, 40))
def test_more_losses_never_make_a_verdict_better(compared: Any, counts: tuple[int, int, int, int], more: int) -> None:
    """Turning items that stayed right into lost ones moves pass to inconclusive to fail, never back."""
    order = ["pass", "inconclusive", "fail"]
    lost, gained, right, wrong = counts
    before = judge(compared({"a": counts}), GateConfig()).checks[-1].state
    after = judge(compared({"a": (lost + more, gained, right - more, wrong)}), GateConfig()).checks[-1].state
    if "void" not in (before, after):
        assert order.index(after) >= order.index(before)


def test_a_policy_with_mistakes_is_refused() -> None:
    """Margins must be positive, waivers unique, keys known."""
    waiver = {"benchmark": "a", "reason": "r", "owner": "o", "expires": "2030-01-01", "max_drop": 0.1}
    for wrong in ({"margins": {"a": 0.0}}, {"waivers": [waiver, waiver]}, {"margn": 0.1}, {"alpha": 0.7}):
        with pytest.raises(ValidationError):
            GateConfig.model_validate(wrong)


def test_rounding_is_not_a_state(compared: Any) -> None:
    """Every check ends in a state with a sentence; open ones do not leave the gate."""
    verdict = judge(compared({"task": UNCHANGED, "a": UNCHANGED, "b": (0, 0, 0, 9)}), GateConfig())

    assert all(check.reason for check in verdict.checks)
    assert replace(verdict, outcome="fail").exit_code == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"margins": {"helaswag": 0.02}},
            "gate.margins: no benchmark or ability 'helaswag' was measured; did you mean 'hel",
        ),
        (
            {"margins": {"zz": 0.02}},
            "gate.margins: no benchmark or ability 'zz' was measured; there are hellaswag, reading",
        ),
        (
            {"advisory": ["reeding"]},
            "gate.advisory: no benchmark or ability 'reeding' was measured; did you mean 'reading'",
        ),
        ({"margins": {"hellaswag": 2}}, "the margin of 'hellaswag' is 2, which is 200 points; write a share below 1"),
    ],
)
def test_a_limit_that_holds_for_nothing_is_refused(compared: Any, change: Any, message: str) -> None:
    """A misspelt benchmark would otherwise be gated at the default margin, unseen."""
    comparison = compared({"hellaswag": (0, 0, 300, 100)}, {"hellaswag": {"ability": "reading"}})

    with pytest.raises(InputError, match=message):
        judge(comparison, GateConfig.model_validate(change))
    judge(comparison, GateConfig.model_validate({"margins": {"reading": 0.02}}))


def test_an_empty_name_is_no_benchmark() -> None:
    """`=0.02` is not a limit for all that have no ability."""
    with pytest.raises(ValueError, match="one name is empty"):
        GateConfig(margins={"": 0.02})
