"""One task's paired items to the interval of its difference: which method holds for which kind of score.

items                          interval
0/1, independent               Tango's score interval
0/1, in clusters               the same on effective counts (counts over the design effect), with t(G-1), widened for a
                               cluster that fails as a whole and was not drawn
numbers, independent           paired t, its error widened for changes not seen
numbers, in clusters           CR1 with t(G-1), widened alike
ratio of sums (bits per byte)  jackknife over documents (or clusters) with t(n-1), widened alike

A plain t or CR1 bound takes few changes for certainty: with rare losses it passes a true loss of the margin in up to
13 % of runs on numbers and 58 % on 50 clusters, where 5 % are promised. Each method here was simulated against that
(`benchmarks/gate_errors.py`).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...core.results import TaskComparison
from .intervals import clustered_error, mean_error, ratio_error, t_interval
from .paired_tests import cluster_sign_flip, cluster_sums, exact_mcnemar, permutation_test
from .tango import normal_quantile, tango_interval, tango_variance

CHANGED_UNITS = 30
"""Items (or clusters) of numbers that must change before the largest change is believed to be one; below, it is 1."""
Z = normal_quantile(0.95)
"""How far a change that was not seen is stretched."""


def delta_interval(task: TaskComparison, alpha: float) -> tuple[float, float]:
    """Two-sided 1 - 2 alpha interval of delta; the loss is smaller than m at level alpha exactly if low > -m."""
    if task.info.scale != "binary":
        return t_interval(task.delta, widened_error(task), max(units(task) - 1, 1), alpha)
    degrees = max(units(task) - 1, 1) if task.clusters else math.inf
    low, high = tango_interval(*effective_counts(task), alpha, degrees=degrees, unseen=unseen_variance(task))
    return float(low), float(high)


def delta_variance(task: TaskComparison, delta: Any) -> Any:
    """Variance of the observed difference if the true one is `delta` (an array is allowed)."""
    if task.info.scale != "binary":
        return np.full_like(np.asarray(delta, dtype=float), widened_error(task) ** 2)
    return tango_variance(*effective_counts(task), np.asarray(delta)) + unseen_variance(task)


def effective_counts(task: TaskComparison) -> tuple[float, float, float]:
    """Lost, gained and n of a 0/1 task, over its design effect."""
    effect = design_effect(task)
    return task.lost / effect, task.gained / effect, task.n / effect


def no_loss_p_value(task: TaskComparison) -> float:
    """One-sided p-value of "no loss": exact McNemar, sign flips of items, or sign flips of clusters."""
    if task.clusters:
        return cluster_sign_flip(task.differences, task.clusters)
    if task.info.scale != "binary":
        return permutation_test(task.differences)
    return exact_mcnemar(task.lost, task.gained)


def units(task: TaskComparison) -> int:
    """Things that are independent of each other: items, or clusters."""
    return len(set(task.clusters)) if task.clusters else task.n


def design_effect(task: TaskComparison) -> float:
    """By how much clusters inflate the variance of a 0/1 task's difference.

    CR1's variance over that of independent items; at least 1 and at most Kish's Σ n_g² / n (1965), that of items that
    all do the same, which it is where nothing changed.
    """
    if not task.clusters:
        return 1.0
    most = largest_effect(task)
    independent = (task.discordant - task.delta**2) / task.n
    if independent <= 0:
        return most
    return min(most, max(1.0, clustered_error(task.differences, task.clusters) ** 2 / independent))


def unseen_variance(task: TaskComparison) -> float:
    """Variance left for a cluster that fails as a whole and was not drawn: (z · Σ n_g² / n²)², 0 without clusters.

    Items that flip one by one say nothing of such clusters. With G of equal size it is (z / G)²: no loss below z² / G
    can be ruled out, as Tango's test cannot rule out one below z² / n on n unchanged items.
    """
    return (Z * largest_effect(task) / task.n) ** 2 if task.clusters else 0.0


def largest_effect(task: TaskComparison) -> float:
    """Kish's Σ n_g² / n: the design effect of clusters whose items all do the same."""
    _, sizes = np.unique(np.asarray(task.clusters), return_counts=True)
    return float(np.sum(sizes.astype(float) ** 2)) / task.n


def widened_error(task: TaskComparison) -> float:
    """Standard error of a mean or ratio, widened by z · u / n: the largest change u may be one that was not drawn.

    For a mean u is at least 1 (a whole flip) while fewer than 30 units changed. With no change at all the bound is
    then that of Tango's test to a percent.
    """
    changes = np.abs(cluster_sums(task.differences, task.clusters) if task.clusters else np.asarray(task.differences))
    largest = float(changes.max(initial=0.0))
    if task.info.scale == "ratio":
        error, total = ratio_error(task.differences, task.weights, task.clusters), sum(task.weights)
        return math.hypot(error, Z * largest / total)
    error = clustered_error(task.differences, task.clusters) if task.clusters else mean_error(task.differences)
    if np.count_nonzero(changes) < CHANGED_UNITS:
        sizes = np.unique(np.asarray(task.clusters), return_counts=True)[1] if task.clusters else np.ones(1)
        largest = max(largest, float(sizes.max()))
    return math.hypot(error, Z * largest / task.n)
