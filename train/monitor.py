"""A network in training to what is watched: validation, retained abilities, which checkpoint is best, when to stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean
from typing import Any

from ..core.console import note
from .config import MonitorConfig
from .encoding import Row
from .objective import CausalObjective
from .step import Session, measure

GENERAL_TEXT = "general text"
"""What a rise of the loss on it is named after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What the model was worth at a step."""

    step: int
    """Optimiser steps taken; 0: the base model."""
    loss: float | None = None
    """Validation loss, per supervised token or row."""
    accuracy: float | None = None
    """Share of right labels on validation rows, for a label head."""
    retention: float | None = None
    """Loss on watched general text, nats per token."""
    items: float | None = None
    """Loss on the answers of watched benchmark items, nats per token: the mean over benchmarks."""
    benchmarks: Mapping[str, float] = field(default_factory=dict)
    """The same for each benchmark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """The rows that are watched."""

    validation: Sequence[Row]
    retention: Sequence[Row]
    benchmarks: Mapping[str, Sequence[Row]]
    """Benchmark items that the gate does not ask, by benchmark."""


def evaluate(session: Session, watch: Watch, *, step: int) -> Evaluation:
    """Measure everything that is watched."""
    loss, accuracy = measure(session, watch.validation) if watch.validation else (None, None)
    retention = measure(session, watch.retention)[0] if watch.retention else None
    benchmarks = {name: measure(session, rows)[0] for name, rows in watch.benchmarks.items()}
    items = fmean(benchmarks.values()) if benchmarks else None
    return Evaluation(step=step, loss=loss, accuracy=accuracy, retention=retention, items=items, benchmarks=benchmarks)


def rise(now: Evaluation, base: Evaluation) -> tuple[float, str]:
    """The largest rise over the base of a watched loss (general text, each benchmark) and whose it is; 0 for none."""
    rises = [(after - base.benchmarks[name], name) for name, after in now.benchmarks.items() if name in base.benchmarks]
    if now.retention is not None and base.retention is not None:
        rises.append((now.retention - base.retention, GENERAL_TEXT))
    return max(rises, default=(0.0, ""))


def choose_best(evaluations: Sequence[Evaluation], config: MonitorConfig) -> Evaluation | None:
    """The checkpoint to save, among those after training began.

    The best validation score; with `best-within-margin` only among checkpoints whose retention loss is inside the
    margin, and if none is, the one that forgot least. Without validation rows, the last within the rules.
    """
    base, *later = evaluations
    if config.on_breach == "best-within-margin" and later:
        within = [found for found in later if rise(found, base)[0] <= config.retention_margin]
        later = within or [min(later, key=lambda found: rise(found, base)[0])]
    return max(later, key=worth, default=None)


def is_exhausted(evaluations: Sequence[Evaluation], patience: int | None) -> bool:
    """Whether the last `patience` evaluations brought nothing better."""
    later = evaluations[1:]
    if patience is None or len(later) <= patience:
        return False
    best = max(range(len(later)), key=lambda number: (worth(later[number])[:2], -number))
    return len(later) - 1 - best >= patience


def check_retention(evaluations: Sequence[Evaluation], config: MonitorConfig) -> tuple[bool, str]:
    """Whether to stop for forgetting, and a warning where the margin is passed."""
    base, now = evaluations[0], evaluations[-1]
    risen, where = rise(now, base)
    if risen <= config.retention_margin:
        return False, ""
    warning = (
        f"step {now.step}: the loss on {where} rose by {risen:.3f} nats per token over the base "
        f"(margin {config.retention_margin:g})"
    )
    note(warning)
    return config.on_breach == "stop", warning


def describe(found: Evaluation) -> str:
    """One line for people."""
    return f"step {found.step}: {figures(found)}"


def figures(found: Evaluation) -> str:
    """What was measured, in words."""
    parts = [
        f"{name} {value:.4f}"
        for name, value in (
            ("validation loss", found.loss),
            ("accuracy", found.accuracy),
            ("retention loss", found.retention),
            ("items loss", found.items),
        )
        if value is not None
    ]
    return ", ".join(parts) or "nothing is watched"


def to_json(found: Evaluation) -> dict[str, Any]:
    """Without what was not measured."""
    return {key: value for key, value in asdict(found).items() if value is not None and value != {}}


def from_json(found: Mapping[str, Any]) -> Evaluation:
    """Back from `to_json`."""
    return Evaluation(**found)


def can_watch_text(session: Session) -> bool:
    """Whether retention can be measured: a label head cannot predict text."""
    return isinstance(session.objective, CausalObjective)


def worth(found: Evaluation) -> tuple[float, float, int]:
    """Higher is better: accuracy, then loss, then the later one."""
    return (found.accuracy or 0.0, -found.loss if found.loss is not None else 0.0, found.step)
