"""What an encoder still knows besides its task: frozen features of base and tuned model, the same test on general data.

probe        a linear probe on half of a labelled dataset, tested on the other half; 0 or 1 a row
neighbours   whether the nearest other row by cosine has the same class; 0 or 1 a row. Shows damage earliest
similarity   agreement of the rank of a pair's cosine with the rank of its gold score: 1 − 3·|r − s|/n a pair, whose
             mean is 0 for unrelated and near 1 for equal ranks (Spearman's footrule); Spearman's ρ is reported too

Correlating cosines before and after tuning would only measure change, not loss; all three here have a truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.errors import DataError
from ..core.formats import load_examples
from ..core.records import Examples
from ..core.results import TaskInfo
from .config import EvaluateConfig, Retention
from .general_data import retained_datasets
from .task.label_models import features, probe_scores
from .task.labels import example_texts, task_row

ROWS = 1000
"""Rows of a dataset that has no limit of its own: a loss of five points shows, and an encoder reads them in seconds."""
METRICS = {"probe": "probe_accuracy", "neighbours": "neighbour_accuracy", "similarity": "rank_agreement"}


def measure_retention(
    entry: Retention, model: Any, tokenizer: Any, *, batch_tokens: int, seed: int
) -> tuple[list[dict[str, Any]], TaskInfo, dict[str, Any]]:
    """Rows, facts and a report of one general dataset.

    Raises:
        DataError: the data cannot be read or does not fit the measure.
    """
    known, asked = split_rows(entry, seed)
    if entry.measure == "similarity":
        values, predictions, report = _similarity(entry, asked, model, tokenizer, batch_tokens)
        chance = 0.0
    elif entry.measure == "neighbours":
        predictions = nearest_labels(features(asked, model, tokenizer, batch_tokens=batch_tokens), asked.targets)
        chance = sum(asked.targets.count(label) ** 2 for label in set(asked.targets)) / len(asked) ** 2
        values, report = _matches(predictions, asked.targets), {}
    else:
        labels = sorted(set(known.targets))
        theirs, ours = (features(rows, model, tokenizer, batch_tokens=batch_tokens) for rows in (known, asked))
        scores = probe_scores(theirs, known.targets, ours, labels)
        predictions = [labels[column] for column in scores.argmax(axis=1)]
        chance = max(asked.targets.count(label) for label in set(asked.targets)) / len(asked)
        values, report = _matches(predictions, asked.targets), {"probe_rows": len(known)}
    metric = METRICS[entry.measure]
    rows = [
        {
            **task_row(identity, text, target),
            "task": entry.name,
            "metric": metric,
            "value": value,
            "prompt": text,
            "prediction": prediction,
        }
        for identity, text, target, value, prediction in zip(
            asked.ids, example_texts(asked), asked.targets, values, predictions, strict=True
        )
    ]
    scale: Any = "continuous" if entry.measure == "similarity" else "binary"
    info = TaskInfo(name=entry.name, role="benchmark", metric=metric, scale=scale, chance=chance, ability=entry.ability)
    return rows, info, {metric: float(np.mean(values)), **report}


def retention_items(
    config: EvaluateConfig, task: Examples | None, *, seed: int = 0
) -> tuple[dict[str, int], list[str]]:
    """General dataset to the number of its rows that would be tested, and warnings, without a model.

    Raises:
        DataError: a file is missing, cannot be read, or does not fit the measure.
    """
    datasets, warnings = retained_datasets(config.retention, task)
    counts = {}
    for entry in datasets:
        _, asked = split_rows(entry, seed)
        if entry.measure == "similarity":
            _gold_scores(entry, asked)
        counts[entry.name] = len(asked)
    return counts, warnings


def split_rows(entry: Retention, seed: int) -> tuple[Examples, Examples]:
    """Rows that a probe learns from, and rows that are tested; seeded, disjoint, at most `limit` each."""
    limit = entry.limit or ROWS
    data = load_examples(entry.data, kind="label", columns=dict(entry.columns) or None)
    order = np.random.default_rng(seed).permutation(len(data))
    if entry.test is not None:
        test = load_examples(entry.test, kind="label", columns=dict(entry.columns) or None)
        chosen = np.random.default_rng(seed).permutation(len(test))[:limit]
        return data.take(np.sort(order[:limit])), test.take(np.sort(chosen))
    half = len(data) // 2 if entry.measure == "probe" else 0
    known, asked = order[:half][:limit], order[half:][:limit]
    if len(asked) < 2:
        raise DataError(f"evaluate.retention: {entry.name!r} has {len(data)} rows; at least 4 are needed")
    return data.take(np.sort(known)), data.take(np.sort(asked))


def nearest_labels(vectors: np.ndarray[Any, Any], labels: Sequence[str]) -> list[str]:
    """Label of each row's nearest other row by cosine (n × width)."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    similarity = unit @ unit.T
    np.fill_diagonal(similarity, -np.inf)
    return [labels[column] for column in similarity.argmax(axis=1)]


def rank_agreement(ours: np.ndarray[Any, Any], gold: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """1 − 3·|r − s|/n per row, r and s the (mean) ranks of the two scores."""
    from scipy.stats import rankdata

    agreement: np.ndarray[Any, Any] = 1 - 3 * np.abs(rankdata(ours) - rankdata(gold)) / len(ours)
    return agreement


def _similarity(
    entry: Retention, asked: Examples, model: Any, tokenizer: Any, batch_tokens: int
) -> tuple[list[float], list[str], dict[str, Any]]:
    from scipy.stats import spearmanr

    gold = _gold_scores(entry, asked)
    single, second = _texts_apart(asked)
    left, right = (features(texts, model, tokenizer, batch_tokens=batch_tokens) for texts in (single, second))
    norms = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    cosines = (left * right).sum(axis=1) / np.maximum(norms, 1e-12)
    values = rank_agreement(cosines, gold).tolist()
    return values, [f"{cosine:.4f}" for cosine in cosines], {"spearman": float(spearmanr(cosines, gold).statistic)}


def _gold_scores(entry: Retention, asked: Examples) -> np.ndarray[Any, Any]:
    if "pair" not in asked.table.column_names:
        raise DataError(f"evaluate.retention: {entry.name!r} has no second text; set columns.pair")
    try:
        return np.array([float(target) for target in asked.targets])
    except ValueError as error:
        raise DataError(f"evaluate.retention: {entry.name!r}: gold scores must be numbers ({error})") from error


def _texts_apart(asked: Examples) -> tuple[Examples, Examples]:
    """The first and the second texts of pairs, each as examples of their own."""
    from dataclasses import replace

    table = asked.table
    place = table.schema.get_field_index("input")
    single = table.drop_columns(["pair"])
    second = single.set_column(place, "input", table["pair"])
    return replace(asked, table=single), replace(asked, table=second)


def _matches(predictions: Sequence[str], targets: Sequence[str]) -> list[float]:
    return [float(prediction == target) for prediction, target in zip(predictions, targets, strict=True)]
