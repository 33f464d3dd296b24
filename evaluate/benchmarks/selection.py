"""A benchmark's subjects to the measured items: seeded, spread over subjects, a larger draw holding every smaller one.

All items stand in one order, and a draw takes its beginning. Within a subject the order is a seeded shuffle; between
subjects it is the divisor method of Webster and Sainte-Laguë (Balinski and Young 1982, "Fair Representation"), under
which no subject's share shrinks when the draw grows; with largest remainders one may.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random


def select_items(strata: Sequence[Sequence[int]], *, limit: int | None, seed: int, name: str) -> list[dict[int, int]]:
    """Items of each stratum (a list of positions), ascending, each with its place in the order of the whole draw.

    The order depends on seed, name and the strata alone, never on the limit. No item is drawn twice.
    """
    drawn = [(place, number, item) for place, (number, item) in enumerate(draw_order(strata, seed=seed, name=name))]
    chosen = sorted(drawn[:limit], key=lambda entry: entry[2])
    return [{item: place for place, owner, item in chosen if owner == number} for number in range(len(strata))]


def draw_order(strata: Sequence[Sequence[int]], *, seed: int, name: str) -> list[tuple[int, int]]:
    """Every item as (stratum, position) in the order in which items are drawn; equal claims go by a seeded order.

    The r-th item (from 0) of a stratum of n has the claim (r + 1/2) / n: the smallest claim is drawn next.
    """
    ties = list(range(len(strata)))
    Random(f"{seed}:{name}").shuffle(ties)  # noqa: S311  a draw, not a secret
    claims = [
        ((2 * rank + 1) / len(stratum), ties[number], number, item)
        for number, stratum in enumerate(strata)
        for rank, item in enumerate(_shuffled(stratum, f"{seed}:{name}:{number}"))
    ]
    return [(number, item) for _, _, number, item in sorted(claims)]


def _shuffled(stratum: Sequence[int], seed: str) -> list[int]:
    items = list(stratum)
    Random(seed).shuffle(items)  # noqa: S311  a draw, not a secret
    return items
