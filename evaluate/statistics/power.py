"""Items to what they can show: the smallest loss that would be found, and the items that would decide.

For paired 0/1 items the variance of the mean difference is about psi / n, psi being the share of items that change;
see Connor (1987), Biometrics 43:207-211. A loss of d changes at least d of the items, so psi is never below d.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from .tango import normal_quantile, tango_statistic

POWER = 0.80
"""Chance with which the loss is to be found, or an unchanged model to pass."""
MAX_ITEMS = 10_000_000
"""More items than any benchmark has: "no number of items would decide"."""
TAIL = 7.0
"""Standard deviations of a binomial count that are summed; beyond lie less than 1e-11."""


def detectable_loss(n: float, variance: float, *, alpha: float, power: float = POWER, flips: bool = True) -> float:
    """Smallest true loss that a one-sided test finds with the given power (MDE), in the unit of the score.

    Args:
        n: Items.
        variance: Variance of one item's difference: the share of items that change, for 0/1 scores.
        alpha: One-sided level of the test.
        power: Chance of finding it.
        flips: Whether a change is a whole flip, so that a loss of d needs at least d · n of them.

    >>> round(detectable_loss(1000, 0.10, alpha=0.05), 4)
    0.0249
    """
    z = normal_quantile(1 - alpha) + normal_quantile(power)
    loss = z * math.sqrt(variance / n)
    return max(loss, z * z / n) if flips else loss


def items_to_decide(distance: float, variance: float, *, alpha: float, power: float = POWER) -> int | None:
    """Items at which a true difference that lies `distance` from the margin is told from it with the given power.

    Args:
        distance: Difference plus margin, in the unit of the score; its sign does not matter.
        variance: Variance of one item's difference at the margin.
        alpha: One-sided level of the test.
        power: Chance of a decision.

    Returns:
        None where no realistic number of items would.

    >>> items_to_decide(0.02, 0.10, alpha=0.05)
    1546
    """
    z = normal_quantile(1 - alpha) + normal_quantile(power)
    needed = z * z * variance / distance**2 if distance else math.inf
    return math.ceil(needed) if needed <= MAX_ITEMS else None


def pass_probability(n: int, discordant: float, *, margin: float, alpha: float, delta: float = 0.0) -> float:
    """Chance that Tango's test passes a margin, summed over all outcomes of n items.

    Args:
        n: Items.
        discordant: True share of items that change, at least |delta|.
        margin: Allowed loss.
        alpha: One-sided level.
        delta: True difference; 0 is an unchanged model, -margin gives the false-pass rate.
    """
    from scipy.stats import binom

    center, spread = n * discordant, math.sqrt(n * discordant * (1 - discordant)) + 1
    flips = np.arange(max(0, int(center - TAIL * spread)), min(n, int(center + TAIL * spread)) + 1)
    share_lost = 0.5 - delta / (2 * discordant) if discordant > 0 else 0.5
    most_lost = _most_lost(flips, n, margin, normal_quantile(1 - alpha))
    return float(np.sum(binom.pmf(flips, n, discordant) * binom.cdf(most_lost, flips, share_lost)))


def _most_lost(flips: Any, n: int, margin: float, z: float) -> Any:
    """Per number of flips, the most losses with which the test still passes (-1: none), by bisection."""
    low, high = np.full(len(flips), -1), flips.copy()
    while np.any(low < high):
        middle = (low + high + 1) // 2
        passes = tango_statistic(middle.astype(float), (flips - middle).astype(float), float(n), -margin) > z
        low, high = np.where(passes, middle, low), np.where(passes, high, middle - 1)
    return low


@lru_cache
def items_to_pass(
    discordant: float, *, margin: float, alpha: float, power: float = POWER, deff: float = 1.0
) -> int | None:
    """Fewest items with which an unchanged model passes with the given power, by the exact sum and bisection."""
    low, high = 1, 64
    while pass_probability(high, discordant, margin=margin, alpha=alpha) < power:
        low, high = high, high * 2
        if high > MAX_ITEMS:
            return None
    while high - low > max(1, low // 200):
        middle = (low + high) // 2
        enough = pass_probability(middle, discordant, margin=margin, alpha=alpha) >= power
        low, high = (low, middle) if enough else (middle, high)
    return math.ceil(high * deff)
