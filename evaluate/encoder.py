"""A classifier or encoder to rows: its task by its head or a probe, its broad abilities by the retention suite."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..core.errors import IntegrityError, ModelError
from ..core.models import known_labels, load_classifier, load_tokenizer, model_family
from ..core.records import Examples
from ..core.results import TaskInfo
from ..core.store import read_json
from .config import EvaluateConfig
from .general_data import retained_datasets
from .retention import measure_retention
from .scoring.causal import batch_tokens, place
from .task.label_models import classify_by_head, classify_by_probe
from .task.labels import label_info, label_report, label_rows
from .task.multi_label import (
    head_probabilities,
    multi_label_info,
    multi_label_report,
    multi_label_rows,
    probe_probabilities,
)

Measured = tuple[list[dict[str, Any]], TaskInfo, dict[str, Any]]
"""Rows, facts, and a report of one task."""


class Probe(NamedTuple):
    """How a linear probe learns."""

    train: Examples | None
    """Rows that it learns from; None: the held-out rows, cross-validated."""
    seed: int


def measure_encoder(
    model: str,
    task: Examples | None,
    config: EvaluateConfig,
    *,
    adapter: Path | None,
    train: Examples | None,
    seed: int,
) -> tuple[list[dict[str, Any]], list[TaskInfo], dict[str, Any]]:
    """Rows, facts of each task, and a report.

    Raises:
        ModelError: the model cannot be loaded, or is asked for what only a causal model can do.
    """
    if config.benchmarks or config.suite != "none":
        raise ModelError(
            f"{model}: benchmarks need a causal model; the broad abilities of an encoder or a label head are measured "
            "by evaluate.retention: set that, and evaluate.suite: none"
        )
    if task is not None and task.kind != "label":
        raise ModelError(f"{model}: a label head cannot answer a task of kind {task.kind!r}; use a causal model")
    datasets, warnings = retained_datasets(config.retention, task)
    tokenizer = load_tokenizer(model, trust_remote_code=config.trust_remote_code)
    has_head = adapter is not None or model_family(model) == "classifier"
    loaded = _classifier(model, adapter, config) if has_head else _encoder(model, config)
    rows: list[dict[str, Any]] = []
    infos: list[TaskInfo] = []
    report: dict[str, Any] = {"warnings": warnings}
    if task is not None:
        measure = _one_label if config.multi_label is None else _many_labels
        probe = None if has_head else Probe(train, seed)
        rows, info, report["task"] = measure(task, loaded, tokenizer, config, probe)
        infos = [info]
    for entry in datasets:
        more, info, about = measure_retention(entry, loaded, tokenizer, batch_tokens=batch_tokens(config), seed=seed)
        rows += more
        infos.append(info)
        report.setdefault("retention", {})[entry.name] = about
    return rows, infos, report


def _one_label(task: Examples, loaded: Any, tokenizer: Any, config: EvaluateConfig, probe: Probe | None) -> Measured:
    if probe is None:
        found = classify_by_head(task, loaded, tokenizer, batch_tokens=batch_tokens(config))
    else:
        found = classify_by_probe(
            task, probe.train, loaded, tokenizer, batch_tokens=batch_tokens(config), seed=probe.seed
        )
    report = label_report(found, task.targets, bins=config.bins)
    return label_rows(task, found), label_info(found.labels, task.targets), report


def _many_labels(task: Examples, loaded: Any, tokenizer: Any, config: EvaluateConfig, probe: Probe | None) -> Measured:
    separator, tokens = config.multi_label or "", batch_tokens(config)
    if probe is None:
        how = "trained head, each label by itself"
        names, found = head_probabilities(task, loaded, tokenizer, batch_tokens=tokens)
    else:
        how = "linear probes on the frozen encoder, one per label"
        names, found = probe_probabilities(
            task, probe.train, loaded, tokenizer, separator=separator, batch_tokens=tokens, seed=probe.seed
        )
    rows = multi_label_rows(task, names, found, separator)
    report = multi_label_report(names, found, task.targets, separator=separator, how=how, bins=config.bins)
    return rows, multi_label_info(task.targets, separator), report


def _classifier(model: str, adapter: Path | None, config: EvaluateConfig) -> Any:
    labels = _adapter_labels(model, adapter, config) if adapter else {}
    options = {"num_labels": len(labels), "id2label": {number: label for label, number in labels.items()}}
    loaded = load_classifier(
        model,
        adapter=adapter,
        dtype=config.dtype,
        trust_remote_code=config.trust_remote_code,
        **(options if labels else {}),
    )
    if loaded.config.problem_type == "multi_label_classification" and config.multi_label is None:
        raise ModelError(f"{model}: a multi-label head; set evaluate.multi_label to what separates the labels of a row")
    return loaded.to(place(config.device))


def _adapter_labels(model: str, adapter: Path, config: EvaluateConfig) -> Mapping[str, int]:
    """Label map of an adapter's head: as training recorded it, else as the config says, in alphabetical order."""
    try:
        names = set(read_json(adapter / "tuned.json")["notes"]["audit"]["labels"])
    except (IntegrityError, KeyError):
        names = set(config.labels)
    if not names:
        raise ModelError(f"{adapter}: does not say which labels its head has; set evaluate.labels")
    known = known_labels(model)
    return known if set(known) == names else {label: number for number, label in enumerate(sorted(names))}


def _encoder(model: str, config: EvaluateConfig) -> Any:
    from transformers import AutoModel

    try:
        loaded = AutoModel.from_pretrained(
            model, dtype=config.dtype, use_safetensors=True, trust_remote_code=config.trust_remote_code
        )
    except (OSError, ValueError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(f"{model}: cannot be loaded ({first})") from error
    return loaded.eval().to(place(config.device))
