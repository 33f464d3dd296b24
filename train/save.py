"""A trained network to a folder that stands alone: weights, tokenizer, label map, log, audit and how it was made."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..core.models import load_config
from ..core.records import Tuned
from ..core.store import atomic_path, fingerprint, write_json, write_text
from .audit import Preflight
from .card import render_card
from .checkpoint import save_network
from .loop import Course
from .merge import merge_network, probe_tokens
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
    facts: Mapping[str, Any],
    partial: Path,
) -> Tuned:
    """Write everything to `out` atomically (first process only) and return the record of it.

    Args:
        session: the network in its final state.
        plan: what was to be done.
        found: the audit.
        course: how it went.
        out: folder of the tuned model.
        facts: further notes; `prompts` goes into the recipe fingerprint.
        partial: folder of the run's own files.
    """
    tuned = Tuned(
        path=out,
        base=plan.model,
        method=plan.choice.method,
        is_adapter=plan.choice.is_adapter and not plan.config.lora.merge,
        steps=course.step,
        losses=tuple((int(entry["step"]), entry["loss"]) for entry in _thinned(course.log)),
        data_fingerprint=found.data_fingerprint,
        seed=plan.seed,
        notes=_notes(session, plan, found, course, facts),
    )
    if plan.place.rank == 0:
        with atomic_path(out) as fresh:
            fresh.mkdir()
            write_model(session.network, fresh, plan)
            if (partial / "replay.jsonl").is_file():
                shutil.copy2(partial / "replay.jsonl", fresh / "replay.jsonl")
            write_text(fresh / "README.md", render_card(tuned))
            _write_log(fresh / "training_log.jsonl", course)
            write_json(fresh / "tuned.json", tuned_to_json(tuned))
    return tuned


def _notes(session: Session, plan: Plan, found: Preflight, course: Course, facts: Mapping[str, Any]) -> dict[str, Any]:
    config = plan.config.model_dump(mode="json")
    return {
        "audit": found.to_json(),
        "evaluations": [to_json(evaluation) for evaluation in course.evaluations],
        "stopped": course.stopped,
        "warnings": [*found.warnings, *course.warnings],
        "memory_halvings": session.halvings,
        "layout": session.layout,
        "processes": plan.place.processes,
        "config": config,
        "config_fingerprint": fingerprint([config, facts["prompts"]]),
        "label_map": dict(plan.label_map),
        "versions": {name: version(name) for name in ("tunegate", "torch", "transformers", "peft", "accelerate")},
        **facts,
    }


def write_model(network: Any, folder: Path, plan: Plan) -> None:
    """Weights (or adapter), config and tokenizer of a network in its final state; leaves it in its own attention."""
    base = load_config(plan.model, trust_remote_code=plan.config.trust_remote_code)
    network.set_attn_implementation(base._attn_implementation or "sdpa")
    network.config.use_cache = getattr(base, "use_cache", True)
    if plan.choice.is_adapter and plan.config.lora.merge:
        network = merge_network(network, probe_tokens(plan.encoding.rows, plan.place.device))
    elif plan.choice.is_adapter and plan.label_map:
        network.config.save_pretrained(str(folder))  # the label map, which an adapter's own config has no place for
    is_whole = not plan.choice.is_adapter or plan.config.lora.merge
    if is_whole and plan.config.save_dtype == "base" and base.dtype:
        network = network.to(base.dtype)
    save_network(network, plan.tokenizer, folder)


def _write_log(path: Path, course: Course) -> None:
    lines = [json.dumps(entry, sort_keys=True) for entry in course.log]
    lines += [json.dumps({"evaluation": to_json(found)}) for found in course.evaluations]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _thinned(log: list[dict[str, float]]) -> list[dict[str, float]]:
    stride = -(-len(log) // LOSSES_KEPT) or 1
    return [entry for number, entry in enumerate(log) if number % stride == 0 or number == len(log) - 1]
