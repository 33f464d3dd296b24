"""Several benchmarks' changes to one statement on their mean: a stratified score test, its interval and p-value.

With D the hypothesis on the mean, T = Σ(d_k - D) / √Σ v_k(D), where v_k(D) is each benchmark's variance under D (for
0/1 items the restricted one of Tango 1998). A Wald interval of the mean has no width when nothing flips; this one has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.results import TaskComparison
from .paired_tests import DRAWS, SEED, cluster_sums, sign_flip_sums
from .tango import BISECTIONS, normal_quantile, tango_variance
from .task_interval import effective_counts, unseen_variance, widened_error


def macro_delta(tasks: Sequence[TaskComparison]) -> float:
    """Mean of the benchmarks' differences, each benchmark counting the same."""
    return float(np.mean([task.delta for task in tasks]))


def macro_error(tasks: Sequence[TaskComparison], delta: float) -> float:
    """Standard error of the mean difference if every benchmark's true one is `delta`."""
    return _error(tasks)(delta)


def macro_statistic(tasks: Sequence[TaskComparison], delta: float) -> float:
    """Score statistic of H0: the mean true difference is `delta`; normal with unit variance under it."""
    return _statistic(macro_delta(tasks), delta, _error(tasks))


def macro_interval(tasks: Sequence[TaskComparison], alpha: float) -> tuple[float, float]:
    """Two-sided 1 - 2 alpha interval of the mean difference: every value that the score test does not reject."""
    z, estimate, error = normal_quantile(1.0 - alpha), macro_delta(tasks), _error(tasks)
    low, inner = -1.0, estimate
    for _ in range(BISECTIONS):
        middle = (low + inner) / 2
        low, inner = (middle, inner) if _statistic(estimate, middle, error) > z else (low, middle)
    inner, high = estimate, 1.0
    for _ in range(BISECTIONS):
        middle = (inner + high) / 2
        inner, high = (middle, high) if _statistic(estimate, middle, error) >= -z else (inner, middle)
    return low, high


def _error(tasks: Sequence[TaskComparison]) -> Callable[[float], float]:
    """The standard error of the mean as a function of the hypothesis; what does not depend on it is worked out once."""
    counted = np.array([effective_counts(task) for task in tasks if task.info.scale == "binary"]).reshape(-1, 3)
    fixed = sum(unseen_variance(task) if task.info.scale == "binary" else widened_error(task) ** 2 for task in tasks)
    lost, gained, n = counted[:, 0], counted[:, 1], counted[:, 2]
    return lambda delta: float(np.sqrt(tango_variance(lost, gained, n, delta).sum() + fixed)) / len(tasks)


def _statistic(estimate: float, delta: float, error: Callable[[float], float]) -> float:
    distance, spread = estimate - delta, error(delta)
    if abs(distance) < 1e-12:
        return 0.0
    return distance / spread if spread > 0 else float(np.copysign(np.inf, distance))


def macro_p_value(tasks: Sequence[TaskComparison]) -> float:
    """One-sided p-value of "no loss in the mean", by flipping the signs of every benchmark's changes at random.

    The number of draws is fixed, as is their seed; (k+1)/(draws+1) is valid for any (Phipson and Smyth 2010).
    """
    observed = sum(task.delta for task in tasks)
    drawn = sum(_null_deltas(task, position) for position, task in enumerate(tasks))
    return float((np.sum(drawn <= observed + 1e-9) + 1) / (DRAWS + 1))


def _null_deltas(task: TaskComparison, position: int) -> Any:
    """DRAWS differences of one benchmark, were each of its changes as likely a gain as a loss."""
    generator = np.random.default_rng([SEED, position])
    if task.info.scale == "binary" and not task.clusters:
        flips = task.lost + task.gained
        return (2.0 * generator.binomial(flips, 0.5, DRAWS) - flips) / task.n
    changes = np.asarray(task.differences)
    changes = cluster_sums(changes, task.clusters) if task.clusters else changes[changes != 0]
    if not changes.any():
        return np.zeros(DRAWS)
    return generator.permutation(sign_flip_sums(changes)) / task.n
