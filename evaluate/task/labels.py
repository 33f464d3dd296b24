"""Class scores on held-out rows to score rows and a report: accuracy, macro-F1, per class, confusion, calibration."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.records import Examples
from ...core.results import TaskInfo

TASK = "task"
"""Name of the user's own task in all tables."""
LARGEST_CONFUSION = 40
"""Most classes of which the whole confusion matrix is reported; beyond, the largest confusions are."""
CONFUSIONS_SHOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified:
    """What a model made of n rows and k labels."""

    labels: tuple[str, ...]
    """Label of each column."""
    log_scores: np.ndarray[Any, Any]
    """Log-likelihood or log-probability of each label (n × k)."""
    how: str
    """How the scores came about, in words."""

    @property
    def probabilities(self) -> np.ndarray[Any, Any]:
        """Scores as probabilities over the label set (n × k)."""
        shifted = np.exp(self.log_scores - self.log_scores.max(axis=1, keepdims=True))
        result: np.ndarray[Any, Any] = shifted / shifted.sum(axis=1, keepdims=True)
        return result

    @property
    def predictions(self) -> list[str]:
        """The likeliest label of each row; ties go to the earlier label."""
        return [self.labels[column] for column in self.log_scores.argmax(axis=1)]


def label_rows(examples: Examples, found: Classified) -> list[dict[str, Any]]:
    """One `accuracy` row per example. The prompt hash is of the input, so that heads and prompted models compare."""
    texts = example_texts(examples)
    rows = []
    for text, identity, target, prediction, scores in zip(
        texts, examples.ids, examples.targets, found.predictions, found.log_scores.tolist(), strict=True
    ):
        rows.append(
            {
                **task_row(identity, text, target),
                "metric": "accuracy",
                "value": float(prediction == target),
                "prompt": text,
                "prediction": prediction,
                "choices": list(found.labels),
                "logprobs": scores,
            }
        )
    return rows


def example_texts(examples: Examples) -> list[str]:
    """Input of each example, with the second text of a pair below it."""
    if "pair" not in examples.table.column_names:
        return examples.inputs
    pairs = examples.table["pair"].to_pylist()
    return [f"{text}\n{pair}" if pair else text for text, pair in zip(examples.inputs, pairs, strict=True)]


def task_row(identity: str, prompt: str, target: str) -> dict[str, Any]:
    """The columns that every row of the user's task shares."""
    return {
        "task": TASK,
        "subject": "",
        "filter": "none",
        "doc_hash": identity,
        "prompt_hash": _hash(prompt),
        "target_hash": _hash(target),
        "cluster": "",
        "weight": 1.0,
        "target": target,
        "choices": [],
        "logprobs": [],
    }


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def label_info(labels: Sequence[str], targets: Sequence[str]) -> TaskInfo:
    """The task's facts: guessing gives the share of the largest class, the best that can be done without reading."""
    largest = max(targets.count(label) for label in set(targets)) / len(targets)
    chance = max(largest, 1 / max(len(labels), 1))
    return TaskInfo(name=TASK, role="task", metric="accuracy", scale="binary", chance=chance)


def label_report(found: Classified, targets: Sequence[str], *, bins: int) -> dict[str, Any]:
    """JSON-ready: how, accuracy, macro_f1, per_class, confusion, ece, brier, unknown_labels."""
    from sklearn.metrics import precision_recall_fscore_support

    predictions = found.predictions
    labels = sorted({*targets, *found.labels})
    scores = precision_recall_fscore_support(targets, predictions, labels=labels, zero_division=0.0)
    columns = zip(labels, *(values.tolist() for values in scores), strict=True)
    per_class = [
        {"label": label, "precision": precision, "recall": recall, "f1": f1, "n": int(n)}
        for label, precision, recall, f1, n in columns
    ]
    seen = [entry["f1"] for entry in per_class if entry["n"]]
    return {
        "how": found.how,
        "accuracy": float(np.mean([a == b for a, b in zip(predictions, targets, strict=True)])),
        "macro_f1": float(np.mean(seen)),
        "per_class": per_class,
        "confusion": confusion(targets, predictions, labels),
        "unknown_labels": sorted(set(targets) - set(found.labels)),
        **calibration(found, targets, bins=bins),
    }


def confusion(targets: Sequence[str], predictions: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
    """Rows are targets, columns predictions; of many labels only the largest confusions: target, prediction, n."""
    counts: dict[tuple[str, str], int] = {}
    for pair in zip(targets, predictions, strict=True):
        counts[pair] = counts.get(pair, 0) + 1
    wrong = sorted(
        ((n, *pair) for pair, n in counts.items() if pair[0] != pair[1]), key=lambda entry: (-entry[0], entry[1:])
    )
    largest = [[target, prediction, n] for n, target, prediction in wrong[:CONFUSIONS_SHOWN]]
    if len(labels) > LARGEST_CONFUSION:
        return {"largest": largest}
    matrix = [[counts.get((target, prediction), 0) for prediction in labels] for target in labels]
    return {"labels": list(labels), "matrix": matrix, "largest": largest}


def calibration(found: Classified, targets: Sequence[str], *, bins: int) -> dict[str, Any]:
    """Expected calibration error of the likeliest label (Guo et al. 2017), and the Brier score (0 to 2)."""
    probabilities = found.probabilities
    confidence = probabilities.max(axis=1)
    right = np.array([a == b for a, b in zip(found.predictions, targets, strict=True)], dtype=float)
    number = {label: column for column, label in enumerate(found.labels)}
    truth = np.zeros_like(probabilities)
    for row, target in enumerate(targets):
        if target in number:
            truth[row, number[target]] = 1.0
    missing = np.array([float(target not in number) for target in targets])
    brier = float((((probabilities - truth) ** 2).sum(axis=1) + missing).mean())
    ece = calibration_error(confidence, right, bins=bins)
    return {"ece": ece, "brier": brier, "mean_confidence": float(confidence.mean())}


def calibration_error(chances: np.ndarray[Any, Any], truth: np.ndarray[Any, Any], *, bins: int) -> float:
    """Mean over n events of |mean chance − share that came true| in the chance's bin, of `bins` equal ones over [0, 1].

    Naeini, Cooper, Hauskrecht (2015), "Obtaining Well Calibrated Probabilities Using Bayesian Binning".
    """
    places = np.minimum((chances * bins).astype(int), bins - 1)
    gaps = np.bincount(places, weights=chances - truth, minlength=bins)
    return float(np.abs(gaps).sum() / len(chances))
