"""Counts of flips on the same items to a score statistic and an interval for the difference of two accuracies.

Tango (1998), "Equivalence test and confidence interval for the difference in proportions for the paired-sample
design", Statistics in Medicine 17:891-908. The variance is taken under the hypothesis that is tested, so that no flips
at all is weak evidence on few items; a Wald interval calls it certainty.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np

BISECTIONS = 60
"""Halvings of [-1, 1] when the test is inverted: 2 / 2^60 is below the spacing of floats near 1."""


def normal_quantile(probability: float) -> float:
    """The point with P(Z <= point) = probability under the standard normal distribution.

    >>> round(normal_quantile(0.95), 3)
    1.645
    """
    return NormalDist().inv_cdf(probability)


def t_quantile(probability: float, degrees: float) -> float:
    """The point with P(T <= point) = probability under Student's distribution."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, probability))


def tango_variance(lost: Any, gained: Any, n: Any, delta: Any) -> Any:
    """Variance of the mean difference under the hypothesis that it is `delta` (counts may be arrays).

    With q the restricted maximum-likelihood estimate of P(lost), it is (2q + D(1-D)) / n.
    """
    a = 2.0 * n
    b = -lost - gained + (2.0 * n - gained + lost) * delta
    c = -lost * delta * (1.0 - delta)
    q = (np.sqrt(np.maximum(b * b - 4.0 * a * c, 0.0)) - b) / (2.0 * a)
    return np.maximum(2.0 * q + delta * (1.0 - delta), 0.0) / n


def tango_statistic(lost: Any, gained: Any, n: Any, delta: Any, *, unseen: Any = 0.0) -> Any:
    """Score statistic of H0: P(gained) - P(lost) = delta; large values speak for a greater difference.

    Args:
        lost: Items right before and wrong after.
        gained: Items wrong before and right after.
        n: All items, flipped or not; all of these may be arrays, and real numbers (effective counts).
        delta: The hypothesis, in (-1, 1); minus the margin in a non-inferiority test.
        unseen: Variance that the counts cannot show, added to theirs (of clusters that may fail as a whole).

    Returns:
        T, normal with unit variance under H0; 0 where the data say nothing (no flips and delta = 0).
    """
    distance = (gained - lost) / n - delta
    spread = np.sqrt(tango_variance(lost, gained, n, delta) + unseen)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(spread > 0, distance / spread, np.sign(distance) * np.inf)
    return np.where(np.abs(distance) < 1e-12, 0.0, statistic)[()]


def tango_interval(
    lost: Any, gained: Any, n: Any, alpha: float, *, degrees: float = math.inf, unseen: float = 0.0
) -> tuple[Any, Any]:
    """Two-sided 1 - 2 alpha interval of P(gained) - P(lost): every delta that the score test does not reject.

    Its lower end is above -m exactly if the one-sided test at `alpha` finds the loss smaller than m. With finite
    `degrees` of freedom the quantile is Student's, for counts whose design effect was estimated; `unseen` as above.

    >>> low, high = tango_interval(0, 0, 133, 0.05)
    >>> round(low, 4), round(high, 4)
    (-0.0199, 0.0199)
    """
    z = normal_quantile(1.0 - alpha) if math.isinf(degrees) else t_quantile(1.0 - alpha, degrees)
    estimate = np.asarray((gained - lost) / n, dtype=float)

    def statistic(delta: Any) -> Any:
        return tango_statistic(lost, gained, n, delta, unseen=unseen)

    low = _bisect(lambda delta: statistic(delta) > z, np.full_like(estimate, -1.0), estimate)
    high = _bisect(lambda delta: statistic(delta) >= -z, estimate, np.full_like(estimate, 1.0))
    return low[()], high[()]


def _bisect(is_left: Any, left: Any, right: Any) -> Any:
    for _ in range(BISECTIONS):
        middle = (left + right) / 2.0
        move = is_left(middle)
        left, right = np.where(move, middle, left), np.where(move, right, middle)
    return (left + right) / 2.0
