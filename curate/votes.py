"""Alike rows to the rows that are outvoted: on each side of a near conflict the text for which fewer rows speak goes.

A text speaks with the rows of the star around its survivor (the rows of its own label that it is alike with). Heavier
texts are heard first, as survivors of duplicates are: whatever is heard stays, and what is alike with a heavier text
of another label that stays goes. Stars are then drawn again among the rest, until nothing goes. Equal sides both stay.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from .alike import Alike
from .compared import combine
from .config import CurateConfig
from .context import Array
from .duplicates.near_duplicates import star_clusters


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stars:
    """Who stands for whom among the living rows."""

    centre: Array
    """(n,) the survivor that each row is alike with, itself where it survives."""
    stays: Array
    """(n,) bool: rows that no duplicate rule drops."""


def outvoted(alike: Alike, alive: Array, rank: Array, config: CurateConfig) -> Array:
    """(n,) bool: rows that lose a near conflict; what is left has only conflicts between equal sides.

    Votes are counted twice, over all rows and over those that stay, so that curating the kept rows finds the same.
    """
    node = combine(alike.near.representative, alike.labels)
    lost = np.zeros(len(alive), dtype=bool)
    while True:
        living = alive & ~lost
        stars = _stars(alike, living, rank, config)
        pairs = _conflicts(alike, living, node, stars)
        losers = _losers(pairs, stars.centre, np.bincount(stars.centre[living], minlength=len(alive)))
        if not losers:
            losers = _losers(pairs, stars.centre, np.bincount(stars.centre[stars.stays], minlength=len(alive)))
        if not losers:
            return lost
        lost |= living & np.isin(node, node[losers])


def _stars(alike: Alike, living: Array, rank: Array, config: CurateConfig) -> _Stars:
    rows = np.arange(len(living))
    exact, _ = star_clusters(alike.same_label(living, with_pairs=False), rank)
    centre, _ = star_clusters(alike.same_label(living, with_pairs=True), rank)
    drops = {rule: config.rules.get(rule, "drop") == "drop" for rule in ("exact-duplicate", "near-duplicate")}
    goes = np.where(exact != rows, drops["exact-duplicate"], (centre != rows) & drops["near-duplicate"])
    return _Stars(centre=centre, stays=living & ~goes)


def _conflicts(alike: Alike, living: Array, node: Array, stars: _Stars) -> Array:
    """(m, 2) rows, one for each text and label that stays, that are alike and differ in their labels."""
    left, right, _ = alike.expanded(living)
    present = np.isin(node, node[stars.stays])
    wanted = (alike.labels[left] != alike.labels[right]) & present[left] & present[right]
    return np.stack([left[wanted], right[wanted]], axis=1)


def _losers(pairs: Array, centre: Array, votes: Array) -> list[int]:
    """Rows, one per text, that are alike with a heavier one that is not itself a loser."""
    others: dict[int, list[int]] = defaultdict(list)
    for one, two in pairs.tolist():
        others[one].append(two)
        others[two].append(one)
    weight = {row: int(votes[centre[row]]) for row in others}
    lost: set[int] = set()
    for row in sorted(others, key=lambda row: -weight[row]):
        if any(weight[other] > weight[row] and other not in lost for other in others[row]):
            lost.add(row)
    return sorted(lost)
