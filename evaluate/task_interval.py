"""One task's paired items to the interval of its difference: which method holds for which kind of score.

items                          interval
0/1, independent               Tango's score interval
0/1, in clusters               the wider of Tango and CR1 with t(G-1)
numbers, independent           t from 200 items on, below it the studentized bootstrap
numbers, in clusters           CR1 with t(G-1)
ratio of sums (bits per byte)  jackknife over documents (or clusters) with t(n-1)

Where too little changed for a variance to be estimated (fewer than 10 clusters, or 20 independent numbers), every
change counts as a whole flip and every cluster as one item: then Tango's interval holds in the worst case.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.results import TaskComparison
from .intervals import clustered_error, mean_error, mean_interval, ratio_error, t_interval
from .paired_tests import cluster_sign_flip, cluster_sums, exact_mcnemar, permutation_test
from .tango import tango_interval, tango_variance

CHANGED_CLUSTERS = 10
"""Clusters that must hold a change before their spread is believed."""
CHANGED_ITEMS = 20
"""The same for independent numbers."""


def delta_interval(task: TaskComparison, alpha: float) -> tuple[float, float]:
    """Two-sided 1 - 2 alpha interval of delta; the loss is smaller than m at level alpha exactly if low > -m."""
    if task.info.scale == "ratio":
        return t_interval(task.delta, delta_error(task), max(_units(task) - 1, 1), alpha)
    if _is_counted(task):
        lost, gained, n = _effective_counts(task)
        low, high = tango_interval(lost, gained, n, alpha)
        return float(low) * _unit(task), float(high) * _unit(task)
    if not task.clusters:
        return mean_interval(task.differences, alpha)
    low, high = t_interval(task.delta, delta_error(task), _units(task) - 1, alpha)
    if task.info.scale == "continuous":
        return low, high
    score_low, score_high = tango_interval(task.lost, task.gained, task.n, alpha)
    return min(low, float(score_low)), max(high, float(score_high))


def delta_variance(task: TaskComparison, delta: Any) -> Any:
    """Variance of the observed difference if the true one is `delta` (an array is allowed)."""
    if task.info.scale != "ratio" and _is_counted(task):
        lost, gained, n = _effective_counts(task)
        return tango_variance(lost, gained, n, np.clip(np.asarray(delta) / _unit(task), -1.0, 1.0)) * _unit(task) ** 2
    error = delta_error(task) ** 2
    if task.info.scale == "binary":
        return np.maximum(error, tango_variance(task.lost, task.gained, task.n, np.asarray(delta)))
    return np.full_like(np.asarray(delta, dtype=float), error)


def delta_error(task: TaskComparison) -> float:
    """Standard error of delta as the items show it, without any hypothesis."""
    if task.info.scale == "ratio":
        return ratio_error(task.differences, task.weights, task.clusters)
    if task.clusters:
        return clustered_error(task.differences, task.clusters)
    if task.differences:
        return mean_error(task.differences)
    return float(np.sqrt(max(task.discordant - task.delta**2, 0.0) / task.n))


def no_loss_p_value(task: TaskComparison) -> float:
    """One-sided p-value of "no loss": exact McNemar, sign flips of items, or sign flips of clusters."""
    if task.clusters:
        return cluster_sign_flip(task.differences, task.clusters)
    if task.differences:
        return permutation_test(task.differences)
    return exact_mcnemar(task.lost, task.gained)


def _units(task: TaskComparison) -> int:
    """Things that are independent of each other: items, or clusters."""
    return len(set(task.clusters)) if task.clusters else task.n


def _is_counted(task: TaskComparison) -> bool:
    if task.clusters:
        return int(np.count_nonzero(cluster_sums(np.abs(task.differences), task.clusters))) < CHANGED_CLUSTERS
    return not task.differences or task.lost + task.gained < CHANGED_ITEMS


def _effective_counts(task: TaskComparison) -> tuple[float, float, float]:
    """Lost, gained and n, in clusters as if all items of one did the same (Kish's effective size n² / Σ n_g²)."""
    if not task.clusters:
        return task.lost, task.gained, task.n
    _, sizes = np.unique(np.asarray(task.clusters), return_counts=True)
    shrink = task.n / float(np.sum(sizes.astype(float) ** 2))
    return task.lost * shrink, task.gained * shrink, task.n * shrink


def _unit(task: TaskComparison) -> float:
    """Size of the largest change that one item can show."""
    return max(1.0, max((abs(value) for value in task.differences), default=1.0))
