"""Many p-values to the ones that may be called real."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float], alpha: float) -> list[bool]:
    """Which hypotheses are rejected while the chance of any false rejection stays at most alpha.

    Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6:65-70.

    >>> holm([0.01, 0.04, 0.03], 0.05)
    [True, False, False]
    """
    rejected = [False] * len(p_values)
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if p_values[index] > alpha / (len(p_values) - rank):
            break
        rejected[index] = True
    return rejected


def benjamini_hochberg(p_values: Sequence[float], rate: float) -> list[bool]:
    """Which hypotheses are rejected while the expected share of false ones among them stays at most `rate`.

    Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57:289-300.

    >>> benjamini_hochberg([0.01, 0.9, 0.04], 0.10)
    [True, False, True]
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    passing = [rank for rank, index in enumerate(order, 1) if p_values[index] <= rate * rank / len(p_values)]
    accepted = set(order[: max(passing, default=0)])
    return [index in accepted for index in range(len(p_values))]
