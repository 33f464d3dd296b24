"""Sizes of a benchmark's subjects to the measured items: seeded, spread over subjects, the same for both models."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random


def select_items(strata: Sequence[Sequence[int]], *, limit: int | None, seed: int, name: str) -> list[list[int]]:
    """Items of each stratum (a list of positions), ascending; proportional to its size by largest remainders.

    The draw depends on seed, name and sizes alone. None of the strata's items is ever drawn twice.
    """
    total = sum(len(stratum) for stratum in strata)
    if limit is None or limit >= total:
        return [sorted(stratum) for stratum in strata]
    shares = allot([len(stratum) for stratum in strata], limit)
    return [
        sorted(Random(f"{seed}:{name}:{number}").sample(list(stratum), share))  # noqa: S311  a draw, not a secret
        for number, (stratum, share) in enumerate(zip(strata, shares, strict=True))
    ]


def allot(sizes: Sequence[int], limit: int) -> list[int]:
    """Split `limit` proportionally to sizes, in whole numbers, by the largest remainders (ties: the earlier one).

    >>> allot([50, 30, 20], 11)
    [6, 3, 2]
    """
    total = sum(sizes)
    whole = [limit * size // total for size in sizes]
    remainders = [limit * size % total for size in sizes]
    missing = limit - sum(whole)
    for position in sorted(range(len(sizes)), key=lambda n: -remainders[n])[:missing]:
        whole[position] += 1
    return whole
