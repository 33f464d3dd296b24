"""Label probabilities to a ranked queue, a set of flags, and how many of them are expected to be real errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .context import Array

PROBE_SHARE = 0.05
"""Of the labels, replaced by wrong ones in a draw."""
LEAST_RECALL = 0.15
"""Of the probes; estimates below rest on too few of them."""
LOWEST = 5
"""Smallest estimates whose mean counts: false alarms raise all, the least disturbed are the lowest."""
FLOOR = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What planted errors tell of the queue."""

    errors: float
    """Estimated share of wrong labels in the data."""
    score: Array
    """Scores, falling."""
    precision: Array
    """Expected share of real errors among all rows at or above each score."""

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


def calibrate(score_labels: Callable[[Array], Array], labels: Array, classes: int, *, draws: int) -> Calibration | None:
    """Plant wrong labels, score again, and read how many are found where the unplanted rows are flagged.

    With recall R of the probes and share F of the other rows above a score, F / R bounds the share of errors from
    above; the expected precision there is errors · R / F.

    Args:
        score_labels: (n,) labels to (n,) scores, larger is more suspicious.
        labels: (n,) the given labels.
        classes: number of classes.
        draws: how often to plant; 0 gives None.
    """
    if not draws or classes < 2:
        return None
    errors, curves = [], []
    for seed in range(draws):
        generator = np.random.default_rng(seed)
        probes = generator.permutation(len(labels))[: max(1, int(PROBE_SHARE * len(labels)))]
        planted = labels.copy()
        planted[probes] = (labels[probes] + generator.integers(1, classes, len(probes))) % classes
        scores = score_labels(planted)
        is_probe = np.isin(np.arange(len(labels)), probes)
        curves.append((np.sort(scores[is_probe])[::-1], np.sort(scores[~is_probe])[::-1]))
        errors.append(_error_share(*curves[-1]))
    share = float(np.mean(errors))
    grid = np.sort(np.concatenate([other for _, other in curves]))[::-1]
    recall = np.mean([_share_above(probes, grid) for probes, _ in curves], axis=0)
    flagged = np.mean([_share_above(other, grid) for _, other in curves], axis=0)
    precision = np.clip(share * recall / np.maximum(flagged, FLOOR), 0, 1)
    return Calibration(errors=share, score=grid, precision=precision)


def _error_share(probes: Array, others: Array) -> float:
    recall, flagged = _share_above(probes, probes), _share_above(others, probes)
    ratio = np.sort((flagged / recall)[(recall > LEAST_RECALL)])
    return float(ratio[:LOWEST].mean()) if len(ratio) else 0.0


def _share_above(falling: Array, thresholds: Array) -> Array:
    """Share of the values at or above each threshold."""
    return np.asarray(np.searchsorted(-falling, -thresholds, side="right") / max(len(falling), 1))
