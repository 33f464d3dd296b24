"""Results to canonical JSON: the form for machines, of which every other report is a projection.

Its shape is the dataclasses below; `schemas/report.schema.json` is their JSON schema. Per-item scores and single
findings stay in the run folder's Parquet files, which are made for them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any

from ..core.records import SCHEMA_VERSION
from ..core.results import Check, Drift, Flip, Outcome, RunResults, Scores, TaskComparison, TaskInfo, Verdict
from .advice import attention, next_actions
from .ledgers import family_counts, funnel_of
from .tuning import shown_notes

PER_ITEM = ("differences", "clusters", "weights")
"""Fields of a comparison that hold a number per item; comparison.json has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPart:
    """What curation did."""

    summary: dict[str, Any]
    dropped: dict[str, int]
    """Rows by the rule that dropped them; the values add up to `rows_rejected`."""
    flagged: dict[str, int]
    findings: dict[str, int]
    """Findings by family: duplicate, conflict, label, leak, private, quality."""
    contaminated_items: int
    """Benchmark items that occur in the training data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPart:
    """How the model was tuned."""

    path: str
    base: str
    method: str
    is_adapter: bool
    steps: int
    losses: list[tuple[int, float]]
    data_fingerprint: str
    seed: int
    notes: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoresPart:
    """Which model was measured, on what, and how."""

    model: str
    model_hash: str
    tasks: list[TaskInfo]
    settings: dict[str, Any]
    extras: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonTask:
    """A task's comparison without its per-item numbers."""

    info: TaskInfo
    n: int
    base: float | None
    tuned: float | None
    delta: float | None
    low: float | None
    high: float | None
    lost: int
    gained: int
    p_value: float | None
    discordant: float | None
    contaminated: int
    clean_delta: float | None
    subjects: list[dict[str, Any]]
    loss_kinds: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonPart:
    """Base against tuned."""

    base_model: str
    tuned_model: str
    same_weights: bool
    warnings: list[str]
    tasks: list[ComparisonTask]
    flips: list[Flip]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictPart:
    """The decision; `exit_code` is what the process returned."""

    outcome: Outcome
    exit_code: int
    reason: str
    inconclusive_blocks: bool
    policy: dict[str, Any]
    warnings: list[str]
    checks: list[Check]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole report; a stage that did not run is null."""

    schema_version: int
    name: str
    verdict: VerdictPart | None
    comparison: ComparisonPart | None
    drift: Drift | None
    data: DataPart | None
    training: TrainingPart | None
    base_scores: ScoresPart | None
    tuned_scores: ScoresPart | None
    attention: list[str]
    next_actions: list[str]
    provenance: dict[str, Any]


def render_json(results: RunResults) -> str:
    """The run as indented JSON with sorted keys; numbers that are not finite become null."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "name": results.name,
        "verdict": results.verdict and verdict_fields(results.verdict),
        "comparison": _comparison_fields(results),
        "drift": results.drift,
        "data": _data_fields(results),
        "training": results.tuned and {**asdict(results.tuned), "notes": shown_notes(results.tuned)},
        "base_scores": _scores_fields(results.base_scores),
        "tuned_scores": _scores_fields(results.tuned_scores),
        "attention": attention(results),
        "next_actions": next_actions(results),
        "provenance": public_provenance(results.provenance),
    }
    return json.dumps(json_ready(document), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def public_provenance(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Provenance for readers: without the owner's path, and each stage by state, time and fingerprint of its inputs."""
    facts = {name: value for name, value in provenance.items() if name != "owner"}
    stages = facts.get("stages")
    if isinstance(stages, Mapping):
        facts["stages"] = {
            name: {key: value for key, value in stage.items() if key != "inputs"}
            if isinstance(stage, Mapping)
            else stage
            for name, stage in stages.items()
        }
    return facts


def report_schema() -> dict[str, Any]:
    """JSON schema of `render_json`, as published in schemas/report.schema.json."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(Document).json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def verdict_fields(verdict: Verdict) -> dict[str, Any]:
    """A verdict with its exit code, JSON-ready but for numbers that are not finite."""
    return asdict(verdict) | {"exit_code": verdict.exit_code}


def json_ready(value: Any) -> Any:
    """Paths as text, tuples as lists, keys as text, lone surrogates and non-finite numbers made harmless.

    >>> json_ready({1: (float("nan"), 2)})
    {'1': [None, 2]}
    """
    if isinstance(value, Mapping):
        return {json_ready(str(key)): json_ready(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_ready(item) for item in value]
    if isinstance(value, bool | int) or value is None:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if is_dataclass(value) and not isinstance(value, type):
        return json_ready(asdict(value))
    return str(value).encode("utf-8", "replace").decode("utf-8")


def _comparison_fields(results: RunResults) -> dict[str, Any] | None:
    if results.comparison is None:
        return None
    fields = {name: getattr(results.comparison, name) for name in ("base_model", "tuned_model", "same_weights")}
    return fields | {
        "warnings": results.comparison.warnings,
        "tasks": [_task_fields(task) for task in results.comparison.tasks],
        "flips": results.comparison.flips,
    }


def _task_fields(task: TaskComparison) -> dict[str, Any]:
    return {name: value for name, value in asdict(task).items() if name not in PER_ITEM}


def _data_fields(results: RunResults) -> dict[str, Any] | None:
    if results.ledger is None:
        return None
    return {
        "summary": results.ledger.summary,
        "dropped": dict(funnel_of(results.ledger).dropped),
        "flagged": dict(funnel_of(results.ledger).flagged),
        "findings": family_counts(results.ledger),
        "contaminated_items": len(results.ledger.contaminated),
    }


def _scores_fields(scores: Scores | None) -> dict[str, Any] | None:
    if scores is None:
        return None
    names = ("model", "model_hash", "tasks", "settings", "extras")
    return {name: getattr(scores, name) for name in names}
