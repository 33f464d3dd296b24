"""A network in training to what is watched: validation, retained abilities, which checkpoint is best, when to stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..core.console import note
from .config import MonitorConfig
from .encoding import Row
from .objective import CausalObjective
from .step import Session, measure


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
    """Loss on the answers of watched benchmark items, nats per token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """The rows that are watched."""

    validation: Sequence[Row]
    retention: Sequence[Row]
    items: Sequence[Row]


def evaluate(session: Session, watch: Watch, *, step: int) -> Evaluation:
    """Measure everything that is watched."""
    loss, accuracy = measure(session, watch.validation) if watch.validation else (None, None)
    retention = measure(session, watch.retention)[0] if watch.retention else None
    items = measure(session, watch.items)[0] if watch.items else None
    return Evaluation(step=step, loss=loss, accuracy=accuracy, retention=retention, items=items)


def rise(now: Evaluation, base: Evaluation) -> float:
    """How much the worse of the retention losses rose over the base; 0 where nothing is watched."""
    pairs = ((now.retention, base.retention), (now.items, base.items))
    return max((after - before for after, before in pairs if after is not None and before is not None), default=0.0)


def choose_best(evaluations: Sequence[Evaluation], config: MonitorConfig) -> Evaluation | None:
    """The checkpoint to save, among those after training began.

    The best validation score; with `best-within-margin` only among checkpoints whose retention loss is inside the
    margin, and if none is, the one that forgot least. Without validation rows, the last within the rules.
    """
    base, *later = evaluations
    if config.on_breach == "best-within-margin" and later:
        within = [found for found in later if rise(found, base) <= config.retention_margin]
        later = within or [min(later, key=lambda found: rise(found, base))]
    return max(later, key=_worth, default=None)


def is_exhausted(evaluations: Sequence[Evaluation], patience: int | None) -> bool:
    """Whether the last `patience` evaluations brought nothing better."""
    later = evaluations[1:]
    if patience is None or len(later) <= patience:
        return False
    best = max(range(len(later)), key=lambda number: (_worth(later[number])[:2], -number))
    return len(later) - 1 - best >= patience


def check_retention(evaluations: Sequence[Evaluation], config: MonitorConfig) -> tuple[bool, str]:
    """Whether to stop for forgetting, and a warning where the margin is passed."""
    base, now = evaluations[0], evaluations[-1]
    risen = rise(now, base)
    if risen <= config.retention_margin:
        return False, ""
    warning = (
        f"step {now.step}: retention loss rose by {risen:.3f} nats per token over the base "
        f"(margin {config.retention_margin:g})"
    )
    note(warning)
    return config.on_breach == "stop", warning


def describe(found: Evaluation) -> str:
    """One line for people."""
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
    return f"step {found.step}: " + (", ".join(parts) or "nothing is watched")


def to_json(found: Evaluation) -> dict[str, Any]:
    """Without what was not measured."""
    return {key: value for key, value in asdict(found).items() if value is not None}


def from_json(found: Mapping[str, Any]) -> Evaluation:
    """Back from `to_json`."""
    return Evaluation(**found)


def can_watch_text(session: Session) -> bool:
    """Whether retention can be measured: a label head cannot predict text."""
    return isinstance(session.objective, CausalObjective)


def _worth(found: Evaluation) -> tuple[float, float, int]:
    """Higher is better: accuracy, then loss, then the later one."""
    return (found.accuracy or 0.0, -found.loss if found.loss is not None else 0.0, found.step)
