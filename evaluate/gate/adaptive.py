"""Measuring in growing blocks, and stopping once every check is decided, without raising the error rate.

Each look may spend a part of alpha, by the O'Brien-Fleming-like spending function of Lan and DeMets (1983), Biometrika
70:659-663. A look's tests are made at what it may spend, so the sum bounds every error over all looks (Bonferroni),
whatever the checks have to do with each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

from ...core.errors import InputError
from ...core.results import Comparison, Scores, Verdict
from ..compare import compare_scores
from .config import GateConfig
from .judge import judge

LOOKS = (0.25, 0.5, 0.75, 1.0)
"""Shares of the items after which the default schedule looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveResult:
    """A verdict that was reached in blocks."""

    verdict: Verdict
    comparison: Comparison
    share: float
    """Share of the items that were measured."""
    looks: tuple[tuple[float, float, str], ...]
    """Per look: share of the items, alpha of its tests, outcome."""


def spent_alphas(shares: Sequence[float], alpha: float) -> list[float]:
    """Level of the tests at each look; they sum to alpha.

    Args:
        shares: Shares of the items after which is looked, ascending, the last 1.
        alpha: Error rate over all looks.

    Raises:
        InputError: the shares do not ascend to 1.

    >>> [round(level, 5) for level in spent_alphas([0.5, 1.0], 0.05)]
    [0.00557, 0.04443]
    """
    if list(shares) != sorted(set(shares)) or not shares or shares[0] <= 0 or shares[-1] != 1:
        raise InputError(f"looks must ascend to 1, such as 0.25, 0.5, 1 (given: {', '.join(map(str, shares))})")
    normal = NormalDist()
    total = [2 * (1 - normal.cdf(normal.inv_cdf(1 - alpha / 2) / sqrt(share))) for share in shares]
    return [level - before for level, before in zip(total, [0.0, *total[:-1]], strict=True)]


def judge_in_blocks(
    measure: Callable[[float], tuple[Scores, Scores]], policy: GateConfig, *, shares: Sequence[float] = LOOKS
) -> AdaptiveResult:
    """Measure growing shares of the items until no check is open.

    A failed check decides the verdict, so it ends the measuring; a void benchmark stays void and does not prolong it.

    Args:
        measure: Share of each benchmark's items → scores of base and tuned on them; a larger share must hold the
            items of a smaller one.
        policy: The limits; its alpha is shared between the looks.
        shares: When to look.
    """
    looks: list[tuple[float, float, str]] = []
    for share, level in zip(shares, spent_alphas(shares, policy.alpha), strict=True):
        comparison = compare_scores(*measure(share))
        verdict = judge(comparison, policy.model_copy(update={"alpha": level}))
        looks.append((share, level, verdict.outcome))
        is_open = any(check.state == "inconclusive" for check in verdict.checks)
        if share == 1 or verdict.outcome == "fail" or not is_open:
            break
    return AdaptiveResult(verdict=verdict, comparison=comparison, share=share, looks=tuple(looks))
