"""Paired differences to standard errors and intervals, for scores that are not independent 0/1 items."""

from __future__ import annotations

from typing import Any

import numpy as np

from .paired_tests import cluster_sums
from .tango import normal_quantile, t_quantile


def wilson_interval(successes: float, n: float, alpha: float) -> tuple[float, float]:
    """Two-sided 1 - 2 alpha score interval of one proportion.

    Wilson (1927), Journal of the American Statistical Association 22:209-212.

    >>> low, high = wilson_interval(0, 100, 0.05)
    >>> low, round(high, 4)
    (0.0, 0.0263)
    """
    z = normal_quantile(1.0 - alpha)
    share = successes / n
    center = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))) / (1 + z * z / n)
    return max(0.0, center - half), min(1.0, center + half)


def mean_error(values: Any) -> float:
    """Standard error of a mean of independent values; 0 for one value."""
    values = np.asarray(values, dtype=float)
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0


def clustered_error(values: Any, clusters: Any) -> float:
    """CR1 standard error of a mean whose items depend on each other within clusters.

    √(G/(G-1) · Σ_g (Σ_{i in g} (d_i - d̄))²) / n, Liang and Zeger (1986), Biometrika 73:13-22, with the small-sample
    factor of Cameron and Miller (2015), Journal of Human Resources 50:317-372.
    """
    values = np.asarray(values, dtype=float)
    sums = cluster_sums(values - values.mean(), clusters)
    groups = len(sums)
    return float(np.sqrt(groups / (groups - 1) * np.sum(sums**2)) / len(values)) if groups > 1 else 0.0


def ratio_error(values: Any, weights: Any, clusters: Any = ()) -> float:
    """Jackknife standard error of Σ values / Σ weights, leaving out one document (or cluster) at a time.

    Quenouille-Tukey jackknife; Miller (1974), Biometrika 61:1-15. For base and tuned on the same documents pass the
    differences: both have the same weights, so the difference of the ratios is the ratio of the differences.
    """
    if len(clusters):
        values, weights = cluster_sums(values, clusters), cluster_sums(weights, clusters)
    values, weights = np.asarray(values, dtype=float), np.asarray(weights, dtype=float)
    n = len(values)
    if n < 2:
        return 0.0
    without = (values.sum() - values) / (weights.sum() - weights)
    return float(np.sqrt((n - 1) / n * np.sum((without - without.mean()) ** 2)))


def t_interval(mean: float, error: float, degrees: float, alpha: float) -> tuple[float, float]:
    """Two-sided 1 - 2 alpha interval of a mean by Student's distribution."""
    half = t_quantile(1.0 - alpha, degrees) * error
    return mean - half, mean + half
