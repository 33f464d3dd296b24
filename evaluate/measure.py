"""One model to Scores: its task on the held-out rows, and its broad abilities on benchmarks."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..core.collector import collector_at_rest
from ..core.console import note
from ..core.errors import DataError, ModelError
from ..core.models import model_family, model_fingerprint
from ..core.prompts import PromptConfig
from ..core.records import Examples
from ..core.results import Scores, TaskInfo
from ..core.store import fingerprint, read_json
from .benchmarks.beside import Benchmarks, benchmarks_of
from .benchmarks.selection import draw_order
from .config import EvaluateConfig, Retention
from .encoder import measure_encoder
from .general_data import general_datasets, retained_datasets
from .retention import measure_retention, split_rows
from .score_files import score_table
from .scoring.causal import CausalModel, Resident, batch_tokens
from .scoring.request import Answer, Request
from .scoring.scorer import SCORER_VERSION
from .task.answers import score_answers
from .task.label_models import classify_by_prompt
from .task.labels import label_info, label_report, label_rows
from .task.text_metrics import find_metric

NOTHING_TO_MEASURE = (
    "nothing to measure: no held-out rows and no benchmarks; name a file of rows (--task FILE) or benchmarks "
    "(--benchmark NAME, evaluate.suite, evaluate.benchmarks)"
)


def evaluate_model(
    model: str,
    *,
    task: Examples | None,
    config: EvaluateConfig,
    prompts: PromptConfig,
    adapter: Path | None = None,
    cache: Path | None = None,
    contaminated: Sequence[Mapping[str, Any]] = (),
    seed: int = 0,
    train: Examples | None = None,
    resident: Resident | None = None,
    share: float | None = None,
) -> Scores:
    """Measure one model on held-out rows of its task and on the benchmarks of the config.

    A causal model answers a `label` task by the log-likelihood of each label, a classifier by its head. An encoder
    without a trained head is measured by a linear probe on its frozen features: what it can do untuned. The probe
    learns from `train`, else by cross-validation on the held-out rows.

    Args:
        model: Folder or hub id; with `adapter`, the model below it.
        task: Held-out rows; None: benchmarks only.
        config: What is measured and how.
        prompts: How rows become prompts; the same as in training.
        adapter: Folder of a PEFT adapter.
        cache: Folder where answers of causal models are kept, so that no question is asked twice.
        contaminated: Benchmark items that occur in the training data: mappings with `task` and `doc_hash`.
        seed: Seed of the draw of benchmark items.
        train: Rows that the probe of an untuned encoder learns from.
        resident: Keeps the base in memory between two calls, so that base and adapter share one load.
        share: Measure in blocks: only this first share of every benchmark and of the held-out rows, in a seeded order;
            None: everything, at once. General datasets (`retention`) are always measured whole.

    Raises:
        DataError: nothing to measure, or a benchmark or its data cannot be loaded.
        ModelError: the model cannot be loaded, or cannot do what is asked of it (such as a share of an encoder's).
    """
    started = time.monotonic()
    require_measures(config, task.kind if task is not None else None)
    first = 1.0 if share is None else share
    with benchmarks_of(config, seed=seed, share=first) as benchmarks:
        if is_causal(model, adapter):
            with collector_at_rest(importing=True):
                causal = CausalModel(model, config, adapter=adapter, cache=cache, resident=resident)
            benchmarks.open()
            parts = _measure_causal(causal, task, benchmarks, prompts, seed, first)
        elif share is not None:
            raise ModelError(f"{model}: only causal models are measured in blocks; set evaluate.blocks: 1")
        else:
            parts = measure_encoder(model, task, config, adapter=adapter, train=train, seed=seed)
    rows, infos, extras = parts
    if not rows:
        raise DataError(NOTHING_TO_MEASURE)
    extras["seconds"] = round(time.monotonic() - started, 3)
    return Scores(
        rows=score_table(_marked(rows, contaminated)),
        tasks=tuple(infos),
        model=model if adapter is None else f"{model} + {adapter}",
        model_hash=model_fingerprint(model, adapter),
        settings=_settings(config, prompts, seed, share),
        extras=extras,
    )


def require_measures(config: EvaluateConfig, kind: str | None) -> None:
    """Refuse what rows of a kind (None: no rows) could not be measured by, before a model is loaded or tuned.

    Raises:
        RecipeError, DataError: a metric cannot be used, or a file of a general dataset is missing.
    """
    general_datasets(config.retention)
    for name in () if kind in (None, "label") else config.metrics:
        find_metric(name)


def is_causal(model: str, adapter: Path | None = None) -> bool:
    """Whether a model, with the adapter on it, writes words; a label head and an encoder do not."""
    if adapter is not None and read_json(adapter / "adapter_config.json").get("task_type") == "SEQ_CLS":
        return False
    with collector_at_rest(importing=True):
        return model_family(model) == "causal"


def _settings(config: EvaluateConfig, prompts: PromptConfig, seed: int, share: float | None) -> dict[str, Any]:
    """What base and tuned model must share; speed and place do not count."""
    unshared = {"device", "batch_tokens", "share_context", "mirror", "drift_rows", "blocks"}
    shared = config.model_dump(mode="json", exclude=unshared)
    blocks = {} if share is None else {"blocks": config.blocks, "share": share}
    rest = {"prompts": prompts.model_dump(mode="json"), "seed": seed, "scorer_version": SCORER_VERSION}
    return {**shared, **rest, **blocks}


def _marked(rows: list[dict[str, Any]], contaminated: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    known = {(str(item["task"]), str(item["doc_hash"])) for item in contaminated}
    return [{**row, "contaminated": (row["task"], row["doc_hash"]) in known} for row in rows]


def _measure_causal(
    causal: CausalModel,
    task: Examples | None,
    benchmarks: Benchmarks,
    prompts: PromptConfig,
    seed: int,
    share: float,
) -> tuple[list[dict[str, Any]], list[TaskInfo], dict[str, Any]]:
    config = causal.config
    datasets, warnings = retained_datasets(config.retention, task)
    rows, infos, extras = ([], [], {}) if task is None else _measure_task(causal, task, prompts, seed, share)
    template = causal.tokenizer if config.apply_chat_template else None
    found_rows, found_infos = benchmarks.score(partial(_ask, causal), tokenizer=template)
    rows += found_rows
    infos += found_infos
    for entry in datasets:
        found_rows, info, report = _measure_retained(causal, entry, seed)
        rows += found_rows
        infos.append(info)
        extras.setdefault("retention", {})[entry.name] = report
    report = causal.close()
    return rows, infos, {**extras, **report, "warnings": [*warnings, *report["warnings"]]}


def _ask(causal: CausalModel, name: str, items: int, requests: Sequence[Request]) -> list[Answer]:
    note(f"measuring {name} on {items:,} items")
    return causal.ask(requests, description=name)


def _measure_retained(
    causal: CausalModel, entry: Retention, seed: int
) -> tuple[list[dict[str, Any]], TaskInfo, dict[str, Any]]:
    """A general dataset is measured whole, so the looks of a run in blocks share what the first of them found."""
    drawn = [[part.ids, part.targets] for part in split_rows(entry, seed)]
    key = fingerprint([causal.fingerprint, causal.config.dtype, entry.model_dump(mode="json"), seed, drawn])
    found = causal.resident.retained
    if key not in found:
        note(f"measuring {entry.name}")
        model, tokens = causal.scorer().forward.model, batch_tokens(causal.config)
        found[key] = measure_retention(entry, model, causal.tokenizer, batch_tokens=tokens, seed=seed)
    return found[key]  # type: ignore[no-any-return]


def _measure_task(
    causal: CausalModel, task: Examples, prompts: PromptConfig, seed: int, share: float
) -> tuple[list[dict[str, Any]], list[TaskInfo], dict[str, Any]]:
    """The user's own task: the likeliest of the labels, or written answers."""
    config, ask, first = causal.config, partial(causal.ask, description="task"), _first(task, share, seed)
    if task.kind != "label":
        rows, info, report = score_answers(first, config, prompts, causal.tokenizer, ask)
        return rows, [info], {"task": report}
    labels = config.labels or tuple(sorted(set(task.targets)))
    found = classify_by_prompt(first, labels, prompts, causal.tokenizer, ask)
    report = label_report(found, first.targets, bins=config.bins)
    return label_rows(first, found), [label_info(labels, first.targets)], {"task": report}


def _first(task: Examples, share: float, seed: int) -> Examples:
    """The first share of the rows in a seeded order, as they stand in the file; a larger share holds a smaller one."""
    if share == 1:
        return task
    order = [row for _, row in draw_order([range(len(task))], seed=seed, name="task")]
    return task.take(np.array(sorted(order[: math.ceil(share * len(task))])))
