"""Label probabilities to a ranked queue, a set of flags, and how many of them are expected to be real errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..context import Array

PROBE_SHARE = 0.05
"""Of the labels, replaced by wrong ones in a draw."""
LEAST_RECALL = 0.15
"""Of the probes; estimates below rest on too few of them."""
LOWEST = 5
"""Smallest estimates whose mean counts: false alarms raise all, the least disturbed are the lowest."""
THRESHOLDS = 40
"""Quantiles of the probes' scores at which the ratio is read."""
FLOOR = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What planted errors tell of the queue."""

    errors: float
    """Estimated share of wrong labels in the data."""
    score: Array
    """Scores, falling."""
    precision: Array
    """Expected share of real errors among the flagged rows at or above each score."""

    def precision_at(self, scores: Array) -> Array:
        """Expected precision of the queue down to each score."""
        return np.interp(-scores, -self.score, self.precision)


def margins(probabilities: Array, labels: Array) -> tuple[Array, Array]:
    """(n,) log p(best other) − log p(given), larger is more suspicious, and (n,) that other label."""
    rows = np.arange(len(labels))
    logs = np.log(np.maximum(probabilities, FLOOR))
    given = logs[rows, labels].copy()
    logs[rows, labels] = -np.inf
    other = logs.argmax(axis=1)
    return logs[rows, other] - given, other


def confident_flags(probabilities: Array, labels: Array) -> Array:
    """(n,) bool: off the diagonal of the confident joint (Northcutt et al. 2021, confident learning).

    A row counts for the likeliest of the classes whose probability reaches that class's mean among its own rows.
    """
    classes = probabilities.shape[1]
    own = probabilities[np.arange(len(labels)), labels]
    sizes = np.bincount(labels, minlength=classes)
    thresholds = np.bincount(labels, weights=own, minlength=classes) / np.maximum(sizes, 1)
    reached = probabilities >= np.where(sizes > 0, thresholds, np.inf)
    likeliest = np.where(reached, probabilities, -1).argmax(axis=1)
    return np.asarray(reached.any(axis=1) & (likeliest != labels))


def queue_scores(probabilities: Array, labels: Array) -> Array:
    """(n,) margins of the flagged rows; −inf for rows that are not in the queue."""
    return np.where(confident_flags(probabilities, labels), margins(probabilities, labels)[0], -np.inf)


def calibrate(
    score_labels: Callable[[Array], Array], labels: Array, probabilities: Array, *, draws: int
) -> Calibration | None:
    """Plant wrong labels, rank again, and read how many are found where the unplanted rows are flagged.

    With recall R of the probes and share F of the other rows above a score, F / R bounds the share of errors from
    above; the expected precision there is errors · R / F. Draws are pooled, since a few probes say little.

    Args:
        score_labels: (n,) labels to (n,) `queue_scores`.
        labels: (n,) the given labels.
        probabilities: (n, classes), from which it is known which classes are taken for which.
        draws: how often to plant; 0 gives None.
    """
    if not draws or probabilities.shape[1] < 2:
        return None
    confusion = class_confusion(probabilities, labels)
    planted = [_planted_scores(score_labels, labels, confusion, seed) for seed in range(draws)]
    probes, others = (np.sort(np.concatenate(side))[::-1] for side in zip(*planted, strict=True))
    grid = others[np.isfinite(others)]
    if not len(grid) or not np.isfinite(probes[0]):
        return None
    errors = _error_share(probes, others)
    ratio = _share_above(probes, grid) / _share_above(others, grid)
    # Few probes stand at the very top; a queue's precision is at least what it is further down.
    precision = np.maximum.accumulate(np.clip(errors * ratio, 0, 1)[::-1])[::-1]
    return Calibration(errors=errors, score=grid, precision=precision)


def class_confusion(probabilities: Array, labels: Array) -> Array:
    """(classes, classes): how likely an error turns each class into each other one, rows summing to 1.

    Half as the models confuse them, half at random: people err in both ways.
    """
    classes = probabilities.shape[1]
    mean = np.zeros((classes, classes))
    np.add.at(mean, labels, probabilities)
    np.fill_diagonal(mean, 0)
    even = np.full((classes, classes), 1 / (classes - 1))
    np.fill_diagonal(even, 0)
    return np.asarray(0.5 * mean / np.maximum(mean.sum(axis=1, keepdims=True), FLOOR) + 0.5 * even)


def draw_labels(labels: Array, confusion: Array, generator: np.random.Generator) -> Array:
    """Another label for each of the given ones, drawn from its row of the confusion."""
    steps = np.cumsum(confusion, axis=1)
    steps /= steps[:, -1:]
    return np.asarray((steps[labels] < generator.random((len(labels), 1))).sum(axis=1))


def _planted_scores(
    score_labels: Callable[[Array], Array], labels: Array, confusion: Array, seed: int
) -> tuple[Array, Array]:
    """Scores of the rows with a planted error, and of the others."""
    generator = np.random.default_rng(seed)
    probes = generator.permutation(len(labels))[: max(1, int(PROBE_SHARE * len(labels)))]
    planted = labels.copy()
    planted[probes] = draw_labels(labels[probes], confusion, generator)
    scores = score_labels(planted)
    is_probe = np.isin(np.arange(len(labels)), probes)
    return scores[is_probe], scores[~is_probe]


def _error_share(probes: Array, others: Array) -> float:
    """Mean of the lowest ratios F / R over thresholds that find enough of the probes."""
    found = probes[np.isfinite(probes)]
    thresholds = np.unique(np.quantile(found, np.linspace(0, 1, THRESHOLDS)))
    recall, flagged = _share_above(probes, thresholds), _share_above(others, thresholds)
    enough = recall > LEAST_RECALL
    ratio = np.sort(flagged[enough] / recall[enough])
    return float(ratio[:LOWEST].mean()) if len(ratio) else 0.0


def _share_above(falling: Array, thresholds: Array) -> Array:
    """Share of the values at or above each threshold."""
    return np.asarray(np.searchsorted(-falling, -thresholds, side="right") / max(len(falling), 1))
