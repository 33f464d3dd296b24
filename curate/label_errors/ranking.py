"""Label probabilities to a ranked queue, how many errors there probably are, and how precise the queue is.

Wrong labels are planted into the data as it is, the rows ranked again, and the planted ones looked up. Above a score,
let R be the share of the planted rows and F that of all others: F / R bounds the share of errors from above, as closely
as false alarms are few. Planted errors tell of real ones only where they are as hard to find. Real ones mix classes
that are alike with classes that are not, in a proportion that the queue itself shows; and they come in crowds that
teach the models, so that they rank somewhat lower.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...core.compiled import map_threads
from ..context import Array

PROBE_SHARE = 0.05
"""Of the labels, replaced by wrong ones in a draw."""
LEAST_RECALL = 0.15
"""Of the probes; ratios F / R below rest on too few of them."""
MOST_RECALL = 0.85
"""Of the probes; the ratio here bounds the share of errors from above."""
LOWEST = 5
"""Smallest ratios whose mean counts: false alarms raise all, the least disturbed are the lowest."""
HARDER = 1.15
"""Real errors for each that the lowest ratios show; chosen on banking77, Snips, Dolly and SST-2, tested on others."""
THRESHOLDS = 60
"""Quantiles of the probes' scores at which the ratio is read."""
ROUNDS = 3
"""Of estimating by turns how many errors there are and how many of them confuse classes that are alike."""
FLOOR = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What planted errors tell of the queue."""

    errors: float
    """Estimated share of wrong labels in the data."""
    depth: Array
    """Shares of the rows, rising: how far down the queue."""
    precision: Array
    """Expected share of real errors among the rows down to each depth."""

    def precision_at(self, depth: Array) -> Array:
        """Expected precision of the queue down to each depth (share of the rows)."""
        return np.interp(depth, self.depth, self.precision)

    @property
    def worthwhile(self) -> float:
        """Depth down to which the rows are likelier wrong than right: most real errors above false alarms."""
        gain = self.depth * (2 * self.precision - 1)
        return float(self.depth[gain.argmax()]) if gain.max() > 0 else 0.0


def margins(probabilities: Array, labels: Array) -> tuple[Array, Array]:
    """(n,) log p(best other) − log p(given), larger is more suspicious, and (n,) that other label."""
    rows = np.arange(len(labels))
    logs = np.log(np.maximum(probabilities, FLOOR))
    given = logs[rows, labels].copy()
    logs[rows, labels] = -np.inf
    other = logs.argmax(axis=1)
    return logs[rows, other] - given, other


def cohens_kappa(predicted: Array, given: Array) -> float:
    """Agreement of two labellings beyond chance: 1 where they are equal, about 0 where they are unrelated."""
    classes = int(max(predicted.max(), given.max())) + 1
    shares = [np.bincount(side, minlength=classes) / len(side) for side in (predicted, given)]
    chance = float(shares[0] @ shares[1])
    return 1.0 if chance == 1 else (float((predicted == given).mean()) - chance) / (1 - chance)


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


def calibrate(
    score_labels: Callable[[Array], Array], labels: Array, probabilities: Array, *, draws: int
) -> Calibration | None:
    """Plant wrong labels, rank again, and read how many are found where the unplanted rows are flagged.

    Depths are compared, not scores: planted errors soften all scores a little. Draws are pooled, since a few probes
    say little.

    Args:
        score_labels: (n,) labels to (n,) margins.
        labels: (n,) the given labels.
        probabilities: (n, classes) under the given labels.
        draws: how often to plant; 0 gives None.
    """
    if not draws or probabilities.shape[1] < 2:
        return None
    scores, suggested = margins(probabilities, labels)
    kinds = error_kinds(probabilities, labels)
    planted = map_threads(lambda seed: _plant(score_labels, labels, kinds, seed), range(draws))
    probes, chances, others = (np.concatenate(side) for side in zip(*planted, strict=True))
    others = np.sort(others)[::-1]
    top = np.flatnonzero(scores > 0)
    top = top[np.argsort(-scores[top], kind="stable")]
    pairs = kinds[:, suggested[top], labels[top]].T
    shares = np.array([0.5, 0.5])
    for _ in range(ROUNDS):
        recall = _Recall(probes, chances @ shares / np.maximum(chances.mean(axis=1), FLOOR))
        errors = _error_share(recall, others)
        shares = _mixture(pairs[: max(1, round(errors * len(labels)))], shares)
    depth = np.arange(1, len(others) + 1) / len(others)
    precision = np.clip(errors * recall.above(others) / depth, 0, 1)
    # Few probes stand at the very top; a queue's precision is at least what it is further down.
    return Calibration(errors=errors, depth=depth, precision=np.maximum.accumulate(precision[::-1])[::-1])


def error_kinds(probabilities: Array, labels: Array) -> Array:
    """(2, classes, classes): how errors turn each class into others, as the models confuse them and evenly; rows sum 1.

    What is confused is read from the rows that look right: a row that is itself mislabelled would tell of the reverse.
    What most classes have in common is no confusion but uncertainty, and subtracted.
    """
    classes = probabilities.shape[1]
    even = (1 - np.eye(classes)) / (classes - 1)
    right = np.flatnonzero(margins(probabilities, labels)[0] <= 0)
    total = np.zeros((classes, classes))
    np.add.at(total, labels[right], probabilities[right])
    off = total[~np.eye(classes, dtype=bool)].reshape(classes, classes - 1)
    off = np.maximum(off - np.median(off, axis=1, keepdims=True), 0)
    confused = np.zeros((classes, classes))
    confused[~np.eye(classes, dtype=bool)] = (off / np.maximum(off.sum(axis=1, keepdims=True), FLOOR)).ravel()
    return np.stack([np.where(confused.sum(axis=1, keepdims=True) > 0, confused, even), even])


def draw_labels(labels: Array, confusion: Array, generator: np.random.Generator) -> Array:
    """Another label for each of the given ones, drawn from its row of the confusion."""
    steps = np.cumsum(confusion, axis=1)
    steps /= steps[:, -1:]
    return np.asarray((steps[labels] < generator.random((len(labels), 1))).sum(axis=1))


def _plant(
    score_labels: Callable[[Array], Array], labels: Array, kinds: Array, seed: int
) -> tuple[Array, Array, Array]:
    """Scores of the rows with a planted error, the chance of each error under both kinds, scores of the others."""
    generator = np.random.default_rng(seed)
    probes = generator.permutation(len(labels))[: max(1, int(PROBE_SHARE * len(labels)))]
    planted = labels.copy()
    planted[probes] = draw_labels(labels[probes], kinds.mean(axis=0), generator)
    scores = score_labels(planted)
    return scores[probes], kinds[:, labels[probes], planted[probes]].T, np.delete(scores, probes)


class _Recall:
    """Weighted probes, by falling score, for the share of them at or above a score."""

    def __init__(self, scores: Array, weights: Array) -> None:
        order = np.argsort(-scores, kind="stable")
        self.scores = scores[order]
        self._share = np.concatenate([[0.0], np.cumsum(weights[order]) / weights.sum()])

    def above(self, thresholds: Array) -> Array:
        return np.asarray(self._share[np.searchsorted(-self.scores, -thresholds, side="right")])


def _error_share(recall: _Recall, others: Array) -> float:
    """A little more than the mean of the lowest ratios F / R, and at most the ratio where most probes are found."""
    thresholds = np.unique(np.quantile(recall.scores, np.linspace(0, 1, THRESHOLDS)))
    found = recall.above(thresholds)
    ratio = np.searchsorted(-others, -thresholds, side="right") / len(others) / np.maximum(found, FLOOR)
    lowest = float(np.sort(ratio[found > LEAST_RECALL])[:LOWEST].mean())
    bound = float(ratio[np.abs(found - MOST_RECALL).argmin()])
    return min(HARDER * lowest, max(bound, lowest), 1.0)


def _mixture(pairs: Array, shares: Array) -> Array:
    """Shares of the kinds of error under which (m, 2) chances of observed errors are most likely (EM)."""
    if not len(pairs) or not pairs.sum():
        return shares
    for _ in range(100):
        joint = (pairs + FLOOR) * shares
        shares = (joint / joint.sum(axis=1, keepdims=True)).mean(axis=0)
    return shares
