"""Examples and a base model to a tuned model in a folder: the story of one training run."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
from .interpolate import interpolate
from .loop import Course, Task, run_loop
from .monitor import Watch, choose_best
from .opening import open_session
from .plan import Plan, make_plan
from .save import save_tuned
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
    folder, key = out.with_name(out.name + ".partial"), run_key(plan, prompts, watched)
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
        facts = _settle(session, plan, task, course)
    facts |= {"seconds": time.monotonic() - started, "prompts": prompts.model_dump(mode="json")}
    tuned = save_tuned(session, plan, found, course, out=out, facts=facts, partial=folder)
    plan.place.wait()
    if plan.place.rank == 0:
        shutil.rmtree(folder, ignore_errors=True)
    return tuned


def _settle(session: Session, plan: Plan, task: Task, course: Course) -> dict[str, Any]:
    """Bring the network to the weights that are saved; returns what was chosen and by which rows, JSON-ready."""
    kept = _put_back_best(session, course, plan, task.folder)
    return {
        "kept_step": kept,
        "interpolated": interpolate(session, plan, task.watch, course.evaluations[0]),
        "watched": {
            name: [row.origin.rpartition(":")[2] for row in rows] for name, rows in task.watch.benchmarks.items()
        },
    }


def _put_back_best(session: Session, course: Course, plan: Plan, folder: Path) -> int:
    """Put the best weights back; returns the step they are of."""
    from .checkpoint import load_weights

    best = choose_best(course.evaluations, plan.config.monitor)
    plan.place.wait()
    if plan.config.monitor.keep == "last" or best is None or best.step == course.step:
        return course.step
    load_weights(session.network, folder / "best.safetensors")
    note(f"the weights of step {best.step} are kept, the best of {len(course.evaluations) - 1} evaluations")
    return best.step


def _claim(folder: Path, key: str, place: Place) -> None:
    """Empty the run's folder unless this very run left it behind."""
    owner = folder / "key"
    if place.rank == 0 and not (owner.is_file() and owner.read_text(encoding="utf-8") == key):
        shutil.rmtree(folder, ignore_errors=True)
        write_text(owner, key)
    place.wait()


def run_key(plan: Plan, prompts: PromptConfig, watched: Sequence[BenchmarkItem]) -> str:
    """Fingerprint of all that moves a weight: a killed run continues only where it is the same."""
    groups = (plan.encoding.rows, plan.validation, plan.replay, plan.retention)
    rows = [[[row.origin, row.ids.tolist(), row.target] for row in group] for group in groups]
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
    note(f"{found.learned}; {found.steps:,} steps on {found.device} ({found.precision}); about {found.cost}")
    note(f"one row: {found.example}")
    for warning in found.warnings:
        note(f"warning: {warning}")
