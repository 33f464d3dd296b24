"""A number of looks at growing shares of the items to the level at which each may test.

Each look may spend a part of alpha, by the O'Brien-Fleming-like spending function of Lan and DeMets (1983), Biometrika
70:659-663. A look's tests are made at what it may spend, so the sum bounds every error over all looks (Bonferroni),
whatever the checks have to do with each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import erfc, sqrt
from statistics import NormalDist

from ...core.errors import IntegrityError
from ...core.results import Comparison

SMALLEST = 1e-12
"""Level of a look that may spend nothing: its quantile is finite, and no sum of them shows."""


def look_shares(blocks: int) -> list[float]:
    """Shares of the items after which is looked, in equal steps.

    >>> look_shares(4)
    [0.25, 0.5, 0.75, 1.0]
    """
    return [number / blocks for number in range(1, blocks + 1)]


def spent_alphas(shares: Sequence[float], alpha: float) -> list[float]:
    """Level of the tests at each look; they sum to alpha. The last share must be 1.

    >>> [round(level, 5) for level in spent_alphas([0.5, 1.0], 0.05)]
    [0.00557, 0.04443]
    """
    point = NormalDist().inv_cdf(1 - alpha / 2)
    total = [*(erfc(point / sqrt(2 * share)) for share in shares[:-1]), alpha]
    return [max(level - before, SMALLEST) for level, before in zip(total, [0.0, *total[:-1]], strict=True)]


def look_of(comparison: Comparison) -> int:
    """Which look a comparison is, from 1.

    Raises:
        IntegrityError: its share of the items belongs to no look.
    """
    shares = look_shares(comparison.blocks)
    if comparison.share not in shares:
        raise IntegrityError(
            f"{comparison.share:.0%} of the items were measured, which is none of the {comparison.blocks} looks that "
            "were planned; evaluate again"
        )
    return shares.index(comparison.share) + 1


def look_level(comparison: Comparison, alpha: float) -> float:
    """Level of the tests on a comparison, of the alpha that all looks share; alpha itself where there is one look."""
    return spent_alphas(look_shares(comparison.blocks), alpha)[look_of(comparison) - 1]
