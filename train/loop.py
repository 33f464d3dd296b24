"""Steps until the end: rate, step, log, evaluate, checkpoint; everything but the weights is a function of the step.

A plain loop and not transformers' Trainer: what must hold (losses of a batch divided once, no step on a broken loss,
the same step again after memory ran out, penalties with their own weight, the best checkpoint inside a retention
margin) all sits inside the step, where the Trainer would have to be overridden piece by piece.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..core.console import note, progress
from .batches import Order
from .checkpoint import load_checkpoint, read_progress, save_checkpoint, save_weights
from .config import TrainConfig
from .monitor import (
    Evaluation,
    Watch,
    check_retention,
    choose_best,
    describe,
    evaluate,
    from_json,
    is_exhausted,
    to_json,
)
from .optimiser import rate_factor
from .step import Session, train_step

LINE_SECONDS = 10.0
"""Seconds between two lines about loss and speed."""

Report = Callable[[int, Mapping[str, float]], None]
"""Takes a step and its metrics: a tracker."""


@dataclass(slots=True, kw_only=True)
class Course:
    """How training went so far."""

    step: int = 0
    """Optimiser steps taken."""
    log: list[dict[str, float]] = field(default_factory=list)
    """Per step: step, loss, norm, rate."""
    evaluations: list[Evaluation] = field(default_factory=list)
    """The base first."""
    warnings: list[str] = field(default_factory=list)
    stopped: str = ""
    """Why training ended early, if it did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a loop is to do, and where it keeps itself."""

    order: Order
    """Which rows each step sees."""
    watch: Watch
    """Rows to evaluate on."""
    config: TrainConfig
    """Schedule, evaluation and checkpoint intervals."""
    steps: int
    """Optimiser steps in all."""
    folder: Path
    """Where checkpoints and the best weights are kept."""
    key: str
    """Fingerprint of data, model, config and seed: only such a checkpoint is continued."""
    report: Report
    """Takes every step's and evaluation's metrics."""


def run_loop(session: Session, task: Task) -> Course:
    """Train to the last step, from the checkpoint in the task's folder if it is of this very run."""
    order, config, steps = task.order, task.config, task.steps
    course = _resume(session, task) or Course()
    if not course.evaluations:
        course.evaluations.append(evaluate(session, task.watch, step=0))
        _tell(course.evaluations[0], task)
    every = config.monitor.every or order.steps_per_epoch
    saving = config.checkpoint_steps or order.steps_per_epoch
    clock = _Clock()
    with progress("training", steps) as advance:
        advance(course.step)
        while course.step < steps and not course.stopped:
            _take_step(session, task, course, clock)
            advance(1)
            if course.step % every == 0 or course.step == steps:
                _evaluate(session, task, course)
            if course.step % saving == 0 and course.step < steps and session.place.rank == 0:
                _save(session, task, course)
    return course


class _Clock:
    """Tokens per second, and when the next line is due."""

    def __init__(self) -> None:
        self.started = self.told = time.monotonic()
        self.tokens = 0

    def add(self, tokens: int) -> float:
        self.tokens += tokens
        return self.tokens / max(time.monotonic() - self.started, 1e-9)

    def is_due(self) -> bool:
        now = time.monotonic()
        if now - self.told < LINE_SECONDS:
            return False
        self.told = now
        return True


def _take_step(session: Session, task: Task, course: Course, clock: _Clock) -> None:
    factor = rate_factor(course.step, task.steps, task.config)
    for group in session.optimiser.param_groups:
        group["lr"] = group["peak"] * factor
    rows = task.order.batch(course.step)
    result = train_step(session, rows, step=course.step)
    course.step += 1
    rate = max(group["lr"] for group in session.optimiser.param_groups)
    entry = {"step": course.step, "loss": result.loss, "norm": result.norm, "rate": rate}
    course.log.append(entry)
    speed = clock.add(sum(map(len, rows)))
    task.report(course.step, {"loss": result.loss, "norm": result.norm, "rate": rate, "tokens_per_second": speed})
    if clock.is_due():
        note(f"step {course.step} of {task.steps}: loss {result.loss:.4f}, rate {rate:.2e}, {speed:,.0f} tokens/s")


def _evaluate(session: Session, task: Task, course: Course) -> None:
    config = task.config
    found = evaluate(session, task.watch, step=course.step)
    course.evaluations.append(found)
    _tell(found, task)
    best = choose_best(course.evaluations, config.monitor)
    if config.monitor.keep == "best" and best is found and session.place.rank == 0:
        save_weights(session.network, task.folder / "best.safetensors")
    stop, warning = check_retention(course.evaluations, config.monitor)
    if warning:
        course.warnings.append(warning)
    if stop:
        course.stopped = f"step {course.step}: retention left its margin"
    elif is_exhausted(course.evaluations, config.monitor.patience):
        course.stopped = f"step {course.step}: no better evaluation in the last {config.monitor.patience}"
    if course.stopped:
        note(f"stopped early, {course.stopped}")


def _tell(found: Evaluation, task: Task) -> None:
    """An evaluation to people and trackers; the losses of single benchmarks as `items/NAME`."""
    note(describe(found))
    measured = {name: value for name, value in to_json(found).items() if isinstance(value, float)}
    named = {f"validation_{name}" if name in {"loss", "accuracy"} else name: value for name, value in measured.items()}
    task.report(found.step, {**named, **{f"items/{name}": value for name, value in found.benchmarks.items()}})


def _save(session: Session, task: Task, course: Course) -> None:
    save_checkpoint(
        task.folder / "checkpoint",
        network=session.network,
        optimiser=session.optimiser,
        device=session.place.device,
        progress={
            "key": task.key,
            "step": course.step,
            "log": course.log,
            "evaluations": [to_json(found) for found in course.evaluations],
            "warnings": course.warnings,
            "stopped": course.stopped,
            "micro_tokens": session.micro_tokens,
        },
    )


def _resume(session: Session, task: Task) -> Course | None:
    folder = task.folder / "checkpoint"
    found = read_progress(folder)
    if found is None or found["key"] != task.key:
        return None
    kept: dict[str, Any] = load_checkpoint(
        folder, network=session.network, optimiser=session.optimiser, device=session.place.device
    )
    session.micro_tokens = kept["micro_tokens"]
    note(f"continuing after step {kept['step']}")
    return Course(
        step=kept["step"],
        log=kept["log"],
        evaluations=[from_json(found) for found in kept["evaluations"]],
        warnings=kept["warnings"],
        stopped=kept["stopped"],
    )
