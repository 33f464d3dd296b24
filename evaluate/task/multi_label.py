"""Rows with any number of labels to score rows and a report: the whole set right, micro- and macro-F1, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.records import Examples
from ...core.results import TaskInfo
from .label_models import PROBE_FOLDS, encoded_batches, features, probe_scores, require_numbers
from .labels import TASK, calibration_error, example_texts, task_row

METRIC = "subset_accuracy"
LIKELY = 0.5
"""A label is given where its probability reaches this."""


def label_sets(targets: Sequence[str], separator: str) -> list[tuple[str, ...]]:
    """The labels of each target, sorted.

    >>> label_sets(["b | a", ""], "|")
    [('a', 'b'), ()]
    """
    return [tuple(sorted({part.strip() for part in target.split(separator)} - {""})) for target in targets]


def head_probabilities(
    examples: Examples, model: Any, tokenizer: Any, *, batch_tokens: int
) -> tuple[tuple[str, ...], np.ndarray[Any, Any]]:
    """Labels of a trained head, and the probability of each (n × k), independent of the others."""
    import torch

    names = tuple(str(model.config.id2label[number]) for number in range(model.config.num_labels))
    found = np.empty((len(examples), len(names)))
    for batch, inputs in encoded_batches(examples, tokenizer, model, batch_tokens=batch_tokens):
        with torch.inference_mode():
            found[batch] = model(**inputs).logits.float().sigmoid().cpu().numpy()
    require_numbers(found)
    return names, found


def probe_probabilities(
    examples: Examples,
    train: Examples | None,
    model: Any,
    tokenizer: Any,
    *,
    separator: str,
    batch_tokens: int,
    seed: int,
) -> tuple[tuple[str, ...], np.ndarray[Any, Any]]:
    """The same by one linear probe per label on frozen features: fitted on training rows, else cross-validated."""
    ours = features(examples, model, tokenizer, batch_tokens=batch_tokens)
    if train is not None:
        theirs = features(train, model, tokenizer, batch_tokens=batch_tokens)
        names, known = _indicators(label_sets(train.targets, separator))
        return names, _probes(theirs, known, ours)
    names, known = _indicators(label_sets(examples.targets, separator))
    found = np.zeros(known.shape)
    folds = np.random.default_rng(seed).permutation(len(examples)) % min(PROBE_FOLDS, len(examples))
    for fold in sorted(set(folds.tolist())):
        inside = folds == fold
        found[inside] = _probes(ours[~inside], known[~inside], ours[inside])
    return names, found


def multi_label_rows(
    examples: Examples, names: Sequence[str], probabilities: np.ndarray[Any, Any], separator: str
) -> list[dict[str, Any]]:
    """One row per example: 1 where its whole set of labels is right."""
    wanted = label_sets(examples.targets, separator)
    given = _given(names, probabilities)
    return [
        {
            **task_row(identity, text, separator.join(target)),
            "metric": METRIC,
            "value": float(prediction == target),
            "prompt": text,
            "prediction": separator.join(prediction),
            "choices": list(names),
            "logprobs": np.log(np.maximum(line, 1e-12)).tolist(),
        }
        for identity, text, target, prediction, line in zip(
            examples.ids, example_texts(examples), wanted, given, probabilities, strict=True
        )
    ]


def multi_label_info(targets: Sequence[str], separator: str) -> TaskInfo:
    """The task's facts: guessing gives the share of the most frequent set."""
    sets = label_sets(targets, separator)
    chance = max(sets.count(one) for one in set(sets)) / len(sets)
    return TaskInfo(name=TASK, role="task", metric=METRIC, scale="binary", chance=chance)


def multi_label_report(
    names: Sequence[str],
    probabilities: np.ndarray[Any, Any],
    targets: Sequence[str],
    *,
    separator: str,
    how: str,
    bins: int,
) -> dict[str, Any]:
    """JSON-ready: how, subset_accuracy, micro_f1, macro_f1, ece, brier, per_class (with ece), unknown_labels.

    Each label is a yes-or-no question of its own: its calibration error bins the probability of the label over all rows
    against how often the label is there, and `ece` is the mean over labels. This is the class-wise error of Kull et al.
    (2019), "Beyond temperature scaling", with probabilities that need not sum to 1. `brier` is the mean over labels
    too. A label that the model does not know has no probability, and so no calibration: its `ece` is None.
    """
    wanted = label_sets(targets, separator)
    labels = sorted({*names, *(label for one in wanted for label in one)})
    truth, given = (_matrix(sets, labels) for sets in (wanted, _given(names, probabilities)))
    counts = truth.sum(axis=0)
    precision, recall, f1 = _agreement(truth, given)
    own = truth[:, [labels.index(name) for name in names]]
    errors = {
        name: calibration_error(chances, came, bins=bins)
        for name, chances, came in zip(names, probabilities.T, own.T, strict=True)
    }
    return {
        "how": how,
        METRIC: float((truth == given).all(axis=1).mean()),
        "micro_f1": float(_agreement(truth.reshape(-1, 1), given.reshape(-1, 1))[2].sum()),
        "macro_f1": float(f1[counts > 0].mean()) if counts.any() else 0.0,
        "ece": float(np.mean(list(errors.values()))) if errors else 0.0,
        "brier": float(((probabilities - own) ** 2).mean()),
        "per_class": [
            {"label": label, "precision": p, "recall": r, "f1": f, "n": n, "ece": errors.get(label)}
            for label, p, r, f, n in zip(labels, *(v.tolist() for v in (precision, recall, f1, counts)), strict=True)
        ],
        "unknown_labels": sorted(set(labels) - set(names)),
    }


def _agreement(truth: np.ndarray[Any, Any], given: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], ...]:
    """Precision, recall and F1 of each column (n × k of 0 and 1); 0 where nothing is given, or nothing is there."""
    both, there, said = (truth & given).sum(axis=0), truth.sum(axis=0), given.sum(axis=0)
    return both / np.maximum(said, 1), both / np.maximum(there, 1), 2 * both / np.maximum(there + said, 1)


def _given(names: Sequence[str], probabilities: np.ndarray[Any, Any]) -> list[tuple[str, ...]]:
    return [
        tuple(sorted(name for name, chance in zip(names, line, strict=True) if chance >= LIKELY))
        for line in probabilities.tolist()
    ]


def _indicators(sets: Sequence[tuple[str, ...]]) -> tuple[tuple[str, ...], np.ndarray[Any, Any]]:
    names = tuple(sorted({label for one in sets for label in one}))
    return names, _matrix(sets, names)


def _matrix(sets: Sequence[tuple[str, ...]], labels: Sequence[str]) -> np.ndarray[Any, Any]:
    return np.array([[label in one for label in labels] for one in sets], dtype=int).reshape(len(sets), len(labels))


def _probes(
    known: np.ndarray[Any, Any], targets: np.ndarray[Any, Any], asked: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    columns = [
        np.exp(probe_scores(known, [str(value) for value in column], asked, ["0", "1"])[:, 1]) for column in targets.T
    ]
    return np.column_stack(columns) if columns else np.zeros((len(asked), 0))
