"""Per-item results of a benchmark to score rows, and what the gate must know of its metric."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...core.results import TaskInfo
from ..config import Benchmark
from .complaints import no_single_metric
from .items import ItemResult

PREFERRED = ("acc_norm", "acc", "exact_match", "bits_per_byte")
"""Metrics in the order in which one is chosen to be compared, as the field reports them."""
BINARY = ("acc", "acc_norm", "acc_bytes", "acc_mutual_info", "exact_match")
"""Metrics that lm-eval's own processing makes 0 or 1."""
PASSAGE_FIELDS = ("passage", "article", "story", "context", "paragraph")
"""Document fields that several questions may share."""
LENGTH_METRIC = "response_length"
"""Characters written; carries the raw response of tasks that filter it."""


def task_info(name: str, settings: Benchmark, task: Any, results: Sequence[ItemResult], version: str) -> TaskInfo:
    """Metric, scale and chance level of a benchmark.

    Raises:
        DataError: no metric, or not the one that is asked for, exists for single items.
    """
    values = {metric: number(metric, value) for metric, value in results[0].metrics.items()}
    known = [metric for metric, value in values.items() if value is not None]
    metric = settings.metric or next((name for name in PREFERRED if name in known), next(iter(known), None))
    if metric not in known:
        raise no_single_metric(name, metric, of_all=values, single=known)
    return TaskInfo(
        name=name,
        role="benchmark",
        metric=metric,
        scale=_scale(metric, task, results[0].metrics[metric]),
        higher_is_better=bool(task.higher_is_better().get(metric, metric != "bits_per_byte"))
        and metric != "bits_per_byte",
        chance=chance_level(metric, results) if task.config.process_results is None else None,
        ability=settings.ability,
        version=version,
    )


def _scale(metric: str, task: Any, value: Any) -> Any:
    """By the definition alone, never by the values seen: base and tuned must agree."""
    if metric == "bits_per_byte":
        return "ratio"
    if task.config.process_results is not None:
        return "binary" if isinstance(value, bool | int | np.bool_) else "continuous"
    return "binary" if metric in BINARY else "continuous"


def chance_level(metric: str, results: Sequence[ItemResult]) -> float | None:
    """Mean over items of right choices by choices, for an accuracy over choices."""
    first = [result for result in results if result.filter == results[0].filter]
    if not metric.startswith("acc") or not all(result.choices for result in first):
        return None
    return math.fsum(max(len(set(result.gold)), 1) / len(result.choices) for result in first) / len(first)


def number(metric: str, value: Any) -> tuple[float, float] | None:
    """An lm-eval metric of one item as (value, weight); None for metrics that exist for a whole corpus only.

    bits_per_byte: bits and bytes, to be summed; brier_score: squared distance of probabilities from the truth.
    """
    if metric == "bits_per_byte":
        return -float(value[0]) / math.log(2), float(value[1])
    if metric == "brier_score":
        gold, chances = value
        return math.fsum((float(chance) - (n == gold)) ** 2 for n, chance in enumerate(chances)), 1.0
    try:
        return float(value), 1.0
    except (TypeError, ValueError):
        return None


def result_rows(info: TaskInfo, results: Sequence[tuple[str, ItemResult]]) -> list[dict[str, Any]]:
    """One row per item, filter and metric.

    The first filter's metrics keep their names, another's are `metric,filter`: a name stands for one row an item.
    """
    clusters = _clusters([result.doc for _, result in results])
    first = results[0][1].filter
    rows = []
    for (subject, result), cluster in zip(results, clusters, strict=True):
        common = _common(info.name, subject, cluster, result)
        for metric, raw in result.metrics.items():
            pair = number(metric, raw)
            if pair is not None:
                name = metric if result.filter == first else f"{metric},{result.filter}"
                rows.append(
                    {
                        **common,
                        "metric": name,
                        "value": pair[0],
                        "weight": pair[1],
                        "prediction": predicted(metric, result),
                    }
                )
        if result.filter == first and result.raw:
            rows.append(
                {
                    **common,
                    "metric": LENGTH_METRIC,
                    "value": float(len(result.raw)),
                    "weight": 1.0,
                    "prediction": result.raw,
                }
            )
    return rows


def _common(task: str, subject: str, cluster: str, result: ItemResult) -> dict[str, Any]:
    return {
        "task": task,
        "subject": subject,
        "filter": result.filter,
        "doc_hash": result.doc_hash,
        "prompt_hash": result.prompt_hash,
        "target_hash": result.target_hash,
        "cluster": cluster,
        "prompt": result.question,
        "target": result.target,
        "choices": list(result.choices),
        "logprobs": list(result.logprobs),
    }


def predicted(metric: str, result: ItemResult) -> str:
    """What the model answered, as the metric sees it: the likeliest choice (by length for acc_norm), or its text."""
    if not result.choices:
        right = result.metrics.get("acc")
        return result.response or (result.target if right and result.logprobs else "")
    count = len(result.choices)
    scale = [1.0] * count
    if metric == "acc_norm":
        scale = [float(len(choice)) or 1.0 for choice in result.choices]
    elif metric == "acc_bytes":
        scale = [float(len(choice.encode())) or 1.0 for choice in result.choices]
    scores = [value / by for value, by in zip(result.logprobs[:count], scale, strict=True)]
    return result.choices[scores.index(max(scores))]


def _clusters(docs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Hash of the passage that each item is about, where several items share one; else empty."""
    name = next((name for name in PASSAGE_FIELDS if isinstance(docs[0].get(name), str)), None)
    if name is None:
        return [""] * len(docs)
    hashes = [hashlib.blake2b(str(doc[name]).encode(), digest_size=8).hexdigest() for doc in docs]
    contents = {(own, str(sorted(doc.items(), key=str))) for own, doc in zip(hashes, docs, strict=True)}
    return hashes if len(set(hashes)) < len(contents) else [""] * len(docs)
