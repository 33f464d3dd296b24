"""A trained network to a folder that stands alone: weights, tokenizer, label map, log, audit and how it was made."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ..core.prompts import PromptConfig
from ..core.records import Tuned
from ..core.store import atomic_path, fingerprint, write_json
from .audit import Preflight
from .loop import Course
from .monitor import to_json
from .plan import Plan
from .record import tuned_to_json
from .step import Session

LOSSES_KEPT = 500
"""Points of the loss curve in `Tuned`; the whole of it is in training_log.jsonl."""


def save_tuned(
    session: Session,
    plan: Plan,
    found: Preflight,
    course: Course,
    *,
    out: Path,
    prompts: PromptConfig,
    kept: int,
    seconds: float,
) -> Tuned:
    """Write everything to `out` atomically (first process only) and return the record of it."""
    notes = {
        "audit": found.to_json(),
        "evaluations": [to_json(evaluation) for evaluation in course.evaluations],
        "kept_step": kept,
        "stopped": course.stopped,
        "warnings": [*found.warnings, *course.warnings],
        "seconds": seconds,
        "memory_halvings": session.halvings,
        "layout": session.layout,
        "config": plan.config.model_dump(mode="json"),
        "config_fingerprint": fingerprint([plan.config.model_dump(mode="json"), prompts.model_dump(mode="json")]),
        "prompts": prompts.model_dump(mode="json"),
    }
    tuned = Tuned(
        path=out,
        base=plan.model,
        method=plan.choice.method,
        is_adapter=plan.choice.is_adapter,
        steps=course.step,
        losses=tuple((int(entry["step"]), entry["loss"]) for entry in _thinned(course.log)),
        data_fingerprint=found.data_fingerprint,
        seed=plan.seed,
        notes=notes,
    )
    if plan.place.rank == 0:
        with atomic_path(out) as fresh:
            fresh.mkdir()
            _write_model(session.network, fresh, plan)
            _write_log(fresh / "training_log.jsonl", course)
            write_json(fresh / "tuned.json", tuned_to_json(tuned))
    return tuned


def _write_model(network: Any, folder: Path, plan: Plan) -> None:
    from ..core.models import load_config

    base = load_config(plan.model, trust_remote_code=plan.config.trust_remote_code)
    if plan.config.save_dtype == "base" and not plan.choice.is_adapter and base.dtype:
        network = network.to(base.dtype)
    network.config.use_cache = getattr(base, "use_cache", True)
    network.set_attn_implementation("sdpa") if not plan.choice.is_adapter else None
    network.save_pretrained(str(folder))
    plan.tokenizer.save_pretrained(str(folder))
    for file in folder.glob("*.safetensors"):
        file.chmod(0o666 & ~_umask())


def _umask() -> int:
    """Safetensors makes its files private; a model is to be as readable as any other file."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _write_log(path: Path, course: Course) -> None:
    lines = [json.dumps(entry) for entry in course.log]
    lines += [json.dumps({"evaluation": to_json(found)}) for found in course.evaluations]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _thinned(log: list[dict[str, float]]) -> list[dict[str, float]]:
    stride = -(-len(log) // LOSSES_KEPT) or 1
    return [entry for number, entry in enumerate(log) if number % stride == 0 or number == len(log) - 1]
