"""Examples and a base model to a tuned model in a folder: the story of one training run."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..core.console import note
from ..core.models import model_fingerprint
from ..core.prompts import PromptConfig
from ..core.records import Tuned
from ..core.results import BenchmarkItem
from ..core.store import fingerprint, write_text
from .allocator import freed_memory_kept
from .audit import Preflight, audit
from .config import TrainConfig
from .device import Place
from .encoding import Row
from .interpolate import interpolate
from .kl import make_penalty
from .layout import choose_label_layout, choose_layout
from .loop import Course, Task, run_loop
from .methods import build_network
from .monitor import Watch, choose_best
from .objective import CausalObjective, LabelObjective, Objective
from .optimiser import make_optimiser
from .plan import Plan, count_labels, make_plan
from .save import save_tuned
from .self_replay import read_own_text, rows_from_tokens, write_own_rows, write_own_text
from .step import Session
from .trackers import open_trackers
from .watched import encode_items


def train_model(
    data: Any,
    *,
    model: str,
    config: TrainConfig,
    out: Path,
    prompts: PromptConfig,
    validation: Any = None,
    watched: Sequence[BenchmarkItem] = (),
    seed: int = 0,
) -> Tuned:
    """Tune a model on examples and write it to `out`, whole or not at all.

    A killed run leaves `OUT.partial` and continues from there when it is started again with the same arguments.

    Args:
        data: whatever `load_examples` takes.
        model: folder or hub id of the base model.
        config: how to train.
        out: folder of the tuned model or adapter; replaced if it is there.
        prompts: how examples become text.
        validation: data to validate on; None: a part of `data` is held out.
        watched: benchmark items whose answers' loss is watched while training and when choosing the share to
            interpolate by; never those that the gate will use.
        seed: of new weights, order, dropout and the held-out part.

    Raises:
        InputError: data, model and config do not fit together, or training broke down; the message names rows.
    """
    started = time.monotonic()
    plan = make_plan(data, model=model, config=config, prompts=prompts, validation=validation, seed=seed)
    found = audit(plan)
    _tell(found)
    folder, key = out.with_name(out.name + ".partial"), _run_key(plan, prompts, watched)
    _claim(folder, key, plan.place)
    session, replay, retention = open_session(plan, folder)
    watch = Watch(validation=plan.validation, retention=retention, benchmarks=encode_items(watched, plan))
    with freed_memory_kept(plan.place.device), open_trackers(config.report_to, out, plan.place.rank) as report:
        task = Task(
            order=plan.order(replay),
            watch=watch,
            config=config,
            steps=plan.steps,
            folder=folder,
            key=key,
            report=report,
        )
        course = run_loop(session, task)
    kept = _put_back_best(session, course, plan, folder)
    mixed = interpolate(session, plan, watch, course.evaluations[0])
    facts = {
        "kept_step": kept,
        "interpolated": mixed,
        "watched": {name: [row.origin.rpartition(":")[2] for row in rows] for name, rows in watch.benchmarks.items()},
        "seconds": time.monotonic() - started,
        "prompts": prompts.model_dump(mode="json"),
    }
    tuned = save_tuned(session, plan, found, course, out=out, facts=facts, partial=folder)
    plan.place.wait()
    if plan.place.rank == 0:
        shutil.rmtree(folder, ignore_errors=True)
    return tuned


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
    penalty = None
    if isinstance(objective, CausalObjective) and replay and config.replay.kl:
        penalty = make_penalty(network, objective, weight=config.replay.kl, is_adapter=plan.choice.is_adapter)
    optimiser = make_optimiser(network, config, rate=plan.choice.rate, head_rate=plan.choice.head_rate, head_names=new)
    set_seed(plan.seed + place.rank)
    session = Session(
        network=network,
        objective=objective,
        optimiser=optimiser,
        place=place,
        micro_tokens=config.micro_tokens,
        clip=config.clip,
        penalty=penalty,
        scaler=torch.amp.GradScaler() if place.precision == "fp16" else None,
        trained=[weight for weight in network.parameters() if weight.requires_grad],
    )
    return session, replay, retention


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


def _put_back_best(session: Session, course: Course, plan: Plan, folder: Path) -> int:
    """Put the best weights back; returns the step they are of."""
    from .checkpoint import load_weights

    best = choose_best(course.evaluations, plan.config.monitor)
    plan.place.wait()
    if plan.config.monitor.keep == "last" or best is None or best.step == course.step:
        return course.step
    load_weights(session.network, folder / "best.safetensors")
    return best.step


def _claim(folder: Path, key: str, place: Place) -> None:
    """Empty the run's folder unless this very run left it behind."""
    owner = folder / "key"
    if place.rank == 0 and not (owner.is_file() and owner.read_text(encoding="utf-8") == key):
        shutil.rmtree(folder, ignore_errors=True)
        write_text(owner, key)
    place.wait()


def _run_key(plan: Plan, prompts: PromptConfig, watched: Sequence[BenchmarkItem]) -> str:
    rows = [[row.origin, row.ids.tolist(), row.target] for row in (*plan.encoding.rows, *plan.validation)]
    return fingerprint(
        [
            rows,
            model_fingerprint(plan.model),
            plan.config.model_dump(mode="json", exclude={"micro_tokens", "report_to"}),
            prompts.model_dump(mode="json"),
            plan.seed,
            plan.place.processes,
            [item.doc_hash for item in watched],
        ]
    )


def _tell(found: Preflight) -> None:
    note(f"{found.method}: {found.reason}")
    note(
        f"{found.trained_rows:,} rows, {found.tokens:,} tokens, {found.supervised_tokens:,} supervised, "
        f"{found.steps:,} steps on {found.device} ({found.precision}); about {found.memory_bytes / 2**30:.1f} GiB, "
        f"{found.seconds / 60:.1f} minutes"
    )
    note(f"one row: {found.example}")
    for warning in found.warnings:
        note(f"warning: {warning}")
