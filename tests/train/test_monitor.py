"""Which checkpoint is best and when training stops are pure functions of what was measured."""

from __future__ import annotations

import pytest
from tunegate.train import MonitorConfig
from tunegate.train.monitor import Evaluation, check_retention, choose_best, from_json, is_exhausted, rise, to_json

BASE = Evaluation(step=0, loss=4.0, retention=1.0)


def seen(*losses: tuple[float, float]) -> list[Evaluation]:
    """Evaluations after the base, from (validation loss, retention loss)."""
    return [
        BASE,
        *(Evaluation(step=n, loss=loss, retention=kept) for n, (loss, kept) in enumerate(losses, 1)),
    ]


def best_step(found: list[Evaluation], **config: object) -> int | None:
    best = choose_best(found, MonitorConfig.model_validate(config))
    return best.step if best else None


def test_the_best_has_the_lowest_validation_loss() -> None:
    """Without a retention rule the lowest loss wins; the later one among equals."""
    assert best_step(seen((2.0, 1.0), (1.0, 9.0), (1.0, 9.0), (3.0, 1.0))) == 3


def test_accuracy_goes_before_loss() -> None:
    """A label head is judged by accuracy, and by loss among equal accuracies."""
    found = [
        BASE,
        Evaluation(step=1, loss=0.5, accuracy=0.9),
        Evaluation(step=2, loss=0.9, accuracy=0.95),
        Evaluation(step=3, loss=0.8, accuracy=0.95),
    ]
    assert best_step(found) == 3


def test_best_within_margin_sets_aside_what_forgot() -> None:
    """Only checkpoints whose retention loss rose by at most the margin can win."""
    found = seen((2.0, 1.05), (1.5, 1.09), (0.5, 1.3))

    assert best_step(found, on_breach="best-within-margin", retention_margin=0.1) == 2
    assert best_step(found) == 3


def test_when_all_forgot_the_least_is_kept() -> None:
    """If no checkpoint is inside the margin, the one that forgot least is kept."""
    found = seen((2.0, 1.5), (1.0, 1.4), (0.5, 2.0))

    assert best_step(found, on_breach="best-within-margin", retention_margin=0.1) == 2


def test_nothing_trained_nothing_chosen() -> None:
    """With the base alone there is no checkpoint to choose."""
    assert best_step([BASE]) is None


def test_the_rise_is_that_of_the_worst_watched() -> None:
    """Text and every benchmark are compared with the base one by one: a loss on one is not hidden by the others."""
    base = Evaluation(step=0, retention=1.0, items=2.0, benchmarks={"sums": 1.0, "facts": 3.0})
    after = Evaluation(step=1, retention=1.125, items=2.0, benchmarks={"sums": 1.5, "facts": 2.5})

    assert rise(after, base) == (0.5, "sums")
    assert rise(Evaluation(step=1, retention=1.125), base) == (0.125, "general text")
    assert rise(Evaluation(step=1), base) == (0.0, "")


@pytest.mark.parametrize(("policy", "stops"), [("warn", False), ("stop", True), ("best-within-margin", False)])
def test_only_stop_stops(policy: str, stops: bool) -> None:
    """A breach warns under every policy and ends training under one."""
    config = MonitorConfig.model_validate({"on_breach": policy, "retention_margin": 0.1})
    stop, warning = check_retention(seen((1.0, 1.25)), config)

    assert stop is stops
    assert warning == "step 1: the loss on general text rose by 0.250 nats per token over the base (margin 0.1)"
    assert check_retention(seen((1.0, 1.05)), config) == (False, "")


def test_patience_counts_evaluations_since_the_best() -> None:
    """Training is exhausted when the last `patience` evaluations brought nothing better."""
    falling = seen((3.0, 1.0), (2.0, 1.0), (2.5, 1.0), (2.4, 1.0))

    assert not is_exhausted(falling, 3)
    assert is_exhausted(falling, 2)
    assert not is_exhausted(falling, None)


def test_an_evaluation_survives_json() -> None:
    """What was not measured is absent from the record and comes back as absent."""
    found = Evaluation(step=3, loss=0.5)

    assert to_json(found) == {"step": 3, "loss": 0.5}
    assert from_json(to_json(found)) == found
