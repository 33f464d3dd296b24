"""A plan to a session ready to train: network, objective, what holds it near its base, optimiser."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..core.console import note
from .encoding import Row
from .estimate import micro_tokens
from .features import make_drift
from .kl import make_penalty
from .layout import choose_label_layout, choose_layout
from .methods import build_network
from .objective import CausalObjective, LabelObjective, Objective
from .optimiser import make_optimiser
from .plan import Plan, count_labels
from .probe import probe_rate
from .self_replay import read_own_text, rows_from_tokens, write_own_rows, write_own_text
from .step import Session


def set_seed(seed: int) -> None:
    """Seed every generator that training draws from."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    torch.manual_seed(seed)


def open_session(plan: Plan, folder: Path) -> tuple[Session, tuple[Row, ...], tuple[Row, ...]]:
    """A network ready to train, the rows to rehearse and the rows to watch; `folder` holds the run's own files."""
    set_seed(plan.seed)
    config, place = plan.config, plan.place
    network, new = build_network(
        plan.choice, plan.model, config=config, label_map=plan.label_map, precision=place.precision
    )
    network.to(place.device)
    network.config.use_cache = False
    replay, retention = plan.replay, plan.retention
    if plan.writes_replay:
        replay, retention = _write_replay(plan, network, folder)
    objective = _objective(plan, network)
    head_rate = plan.choice.head_rate
    if isinstance(objective, LabelObjective) and config.freeze == "encoder" and config.head_learning_rate is None:
        head_rate = probe_rate(network, objective, plan.encoding.rows, new=new)
        note(f"the head's learning rate by the size of the frozen features: {head_rate:.1e}")
    if config.activation_checkpointing:
        # Transformers renamed it; the older name still works in every release, the newer one without a warning.
        enable = getattr(network, "activation_checkpointing_enable", None) or network.gradient_checkpointing_enable
        enable({"use_reentrant": False})
    session = Session(
        network=network,
        objective=objective,
        optimiser=make_optimiser(network, config, rate=plan.choice.rate, head_rate=head_rate, head_names=new),
        place=place,
        micro_tokens=micro_tokens(plan),
        clip=config.clip,
        scaler=torch.amp.GradScaler() if place.precision == "fp16" else None,
        trained=[weight for weight in network.parameters() if weight.requires_grad],
    )
    _add_penalties(session, plan, replay, retention)
    set_seed(plan.seed + place.rank)
    return session, replay, retention


def _add_penalties(session: Session, plan: Plan, replay: Sequence[Row], retention: Sequence[Row]) -> None:
    """What holds the network near its base, measured on it as long as it is the base."""
    objective, wanted = session.objective, plan.config.replay
    if isinstance(objective, CausalObjective):
        if replay and wanted.kl:
            session.penalty = make_penalty(
                session.network, objective, weight=wanted.kl, is_adapter=plan.choice.is_adapter
            )
    elif general := (*replay, *retention):
        drift = session.drift = make_drift(session, general)
        if wanted.features:
            session.penalty = lambda micro: wanted.features * drift(micro)


def _write_replay(plan: Plan, network: Any, folder: Path) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """Rows that the base writes; a resumed run takes those of its first start."""
    path = folder / "replay.jsonl"
    if not path.is_file():
        wanted = plan.config.replay.rows + plan.config.monitor.retention_rows
        written = write_own_rows(network, plan.tokenizer, count=wanted, length=plan.length, device=plan.place.device)
        if plan.place.rank == 0:
            write_own_text(path, written, plan.tokenizer)
    plan.place.wait()
    rows = rows_from_tokens(read_own_text(path))
    return rows[: plan.config.replay.rows], plan.retention or rows[plan.config.replay.rows :]


def _objective(plan: Plan, network: Any) -> Objective:
    pad = plan.tokenizer.pad_token_id
    pad = pad if pad is not None else plan.tokenizer.eos_token_id or 0
    if not plan.choice.has_head:
        return choose_layout(plan, network, pad)
    padded = LabelObjective(
        pad=pad,
        class_weights=class_weights(plan),
        is_multi_label=plan.config.multi_label is not None,
        smoothing=plan.config.label_smoothing,
    )
    return choose_label_layout(plan, network, padded)


def class_weights(plan: Plan) -> tuple[float, ...]:
    """Weight of each class: 1, rows / (classes × rows of the class), or as given."""
    wanted = plan.config.class_weights
    labels = sorted(plan.label_map, key=lambda label: plan.label_map[label])
    if wanted == "none":
        return (1.0,) * len(labels)
    if wanted == "balanced":
        counts = count_labels(plan.examples, plan.config)
        total = sum(counts.values())
        return tuple(total / (len(labels) * max(1, counts[label])) for label in labels)
    return tuple(float(wanted.get(label, 1.0)) for label in labels)
