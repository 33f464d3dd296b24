"""Trackers get every evaluation, the base's first; their own trouble does not cost a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from tunegate.core import console
from tunegate.core.errors import MissingExtraError
from tunegate.core.prompts import PromptConfig
from tunegate.train import TrainConfig
from tunegate.train.loop import Task, run_loop
from tunegate.train.monitor import Watch
from tunegate.train.opening import open_session
from tunegate.train.plan import make_plan
from tunegate.train.trackers import require_trackers, untiring


def test_a_tracker_that_fails_is_told_once_and_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """The first failure is one warning; no later step is sent, and nothing is raised."""
    seen = []

    def send(step: int, metrics: Mapping[str, float]) -> None:
        seen.append(step)
        if step == 2:
            raise ConnectionError("no route to host\nand more")

    report = untiring("mlflow", send)
    console.enable()
    for step in (1, 2, 3):
        report(step, {"loss": 1.0})
    console.enable(False)

    assert seen == [1, 2]
    assert capsys.readouterr().err == (
        "warning: mlflow takes no metrics from step 2 on (no route to host); training goes on\n"
    )


def test_an_absent_tracker_is_refused() -> None:
    """A tracker whose library is not installed is named with what to install."""
    with pytest.raises(MissingExtraError, match=r"pip install 'tunegate\[nosuchtracker\]'"):
        require_trackers(["nosuchtracker"])


def test_the_base_is_reported_first(labelled: list[dict[str, str]], quickstart_base: Path, tmp_path: Path) -> None:
    """Step 0 holds the base's losses, each step its own, and an evaluation is not mixed up with the training loss."""
    config = TrainConfig(max_steps=2, monitor={"validation_share": 0.0, "every": 2})
    plan = make_plan(
        labelled, model=str(quickstart_base), config=config, prompts=PromptConfig(), validation=labelled[:4]
    )
    session, *_ = open_session(plan, tmp_path)
    reported: list[tuple[int, set[str]]] = []
    task = Task(
        order=plan.order(()),
        watch=Watch(validation=plan.validation, retention=(), benchmarks={"sums": plan.validation}),
        config=config,
        steps=plan.steps,
        folder=tmp_path,
        key="",
        report=lambda step, metrics: reported.append((step, set(metrics))),
    )
    run_loop(session, task)

    each = {"loss", "norm", "rate", "tokens_per_second"}
    watched = {"validation_loss", "items", "items/sums"}
    assert reported == [(0, watched), (1, each), (2, each), (2, watched)]
