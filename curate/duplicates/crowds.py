"""Crowds, buckets of very many rows, to verified pairs, in time linear in their size.

Rows are taken in the order of their ranks, as star clustering does: a row with a verified pair to a survivor of its own
label is no survivor. Any other row is compared with the survivors of its crowds, up to `LEADERS` of each. So each row
that some survivor can stand for has a verified pair with one, and nothing depends on the order of the rows.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from .bitmaps import may_reach
from .candidates import pack_pairs
from .compiled import compiled
from .rows import Rows
from .shingles import Array
from .sketches import shingle_sets
from .sorting import sorted_union

LEADERS = 32
"""Survivors of a crowd that its other rows are compared with."""
BATCH_ROWS = 1 << 15
"""Rows whose shingle sets are held at once."""


class Members(NamedTuple):
    """The m rows that have a pair or belong to a crowd, in the order of their ranks."""

    labels: Array
    """(m,) int64: rows of different labels do not stand for one another."""
    maps: Array
    """(m, words) uint64: bitmaps of their shingle sets, or none."""
    partners: Array
    """int64: places among the m of each row's verified pairs; row i has partners[partner_starts[i]:…[i + 1]]."""
    partner_starts: Array
    """(m + 1,) int64."""
    crowds: Array
    """int64: the crowds of each row, cut by `crowd_starts` in the same way."""
    crowd_starts: Array
    """(m + 1,) int64."""
    survives: Array
    """(m,) bool: filled as rows are taken."""
    compared: Array
    """(m,) int64: the last row that was compared with this one."""


class Leaders(NamedTuple):
    """The survivors of each crowd so far."""

    rows: Array
    """(crowds, LEADERS) int64: places among the m."""
    counts: Array
    """(crowds,) int64."""


def crowd_pairs(
    texts: Rows, crowds: list[Array], pairs: Array, kind: tuple[int, float], rank: Array, labels: Array, maps: Array
) -> Array:
    """Pairs within crowds that reach the threshold, sorted, each once (m,) uint64.

    Args:
        texts: n rows.
        crowds: rows of each, representatives of different texts.
        pairs: (k, 2) rows of the verified pairs so far.
        kind: code of the shingle, and the threshold.
        rank: (n,) for each representative the lowest rank of its text; lower is better.
        labels: (n,) the label of each representative.
        maps: (n, words) bitmaps of the shingle sets, or none; see `bitmaps`.
    """
    is_member = np.zeros(len(texts), np.bool_)  # `np.unique` takes a fifth of a second for a quarter million rows
    is_member[np.concatenate([*crowds, pairs.reshape(-1)])] = True
    rows = np.flatnonzero(is_member)
    rows = rows[np.argsort(rank[rows])]
    place = np.empty(len(texts), dtype=np.int64)
    place[rows] = np.arange(len(rows))
    members = _members(place, len(rows), crowds, pairs, labels[rows], maps[rows] if len(maps) else maps)
    leaders = Leaders(np.zeros((len(crowds), LEADERS), np.int64), np.zeros(len(crowds), np.int64))
    crowded = np.flatnonzero(np.diff(members.crowd_starts))
    cuts = [0, *(crowded[BATCH_ROWS::BATCH_ROWS]).tolist(), len(rows)]
    found = [np.empty(0, np.uint64)]
    for start, stop in pairwise(cuts):
        led = np.unique(leaders.rows[np.arange(LEADERS) < leaders.counts[:, None]])
        needed = np.concatenate((led, crowded[(crowded >= start) & (crowded < stop)]))
        needed = needed[np.argsort(rows[needed])]
        values, ends = shingle_sets(texts, kind[0], rows[needed], ordered=True)
        where = np.zeros(len(rows), dtype=np.int64)
        where[needed] = np.arange(len(needed))
        out = np.empty((len(needed) * (LEADERS + 1), 2), dtype=np.int64)
        count = compare_with_leaders(members, leaders, (start, stop, kind[1]), (values, ends, where), out)
        found.append(pack_pairs(*rows[out[:count]].T))
    return sorted_union(*found)


def _members(place: Array, count: int, crowds: list[Array], pairs: Array, labels: Array, maps: Array) -> Members:
    """The rows by place, with partners and crowds grouped by row."""
    one, two = place[pairs[:, 0]], place[pairs[:, 1]]
    partners, partner_starts = _grouped(np.concatenate((one, two)), np.concatenate((two, one)), count)
    which = np.repeat(np.arange(len(crowds)), [len(crowd) for crowd in crowds])
    numbers, crowd_starts = _grouped(place[np.concatenate(crowds)], which, count)
    survives, compared = np.zeros(count, dtype=np.bool_), np.full(count, -1, dtype=np.int64)
    return Members(labels, maps, partners, partner_starts, numbers, crowd_starts, survives, compared)


def _grouped(keys: Array, values: Array, count: int) -> tuple[Array, Array]:
    """The values in the order of their keys, and where those of each key start (count + 1,)."""
    order = np.argsort(keys, kind="stable")
    return values[order], np.searchsorted(keys[order], np.arange(count + 1))


@compiled
def compare_with_leaders(
    members: Members,
    leaders: Leaders,
    span: tuple[int, int, float],
    sets: tuple[Array, Array, Array],
    out: Array,
) -> int:
    """Take the members span[0]:span[1] in turn; write pairs at the threshold span[2] to `out`; their number."""
    count = 0
    for row in range(span[0], span[1]):
        led = has_survivor(members, row)
        written = 0
        for at in range(members.crowd_starts[row], members.crowd_starts[row + 1]):
            crowd = members.crowds[at]
            slot = 0
            while slot < leaders.counts[crowd] and not led:
                leader = leaders.rows[crowd, slot]
                slot += 1
                if members.compared[leader] == row:
                    continue
                members.compared[leader] = row
                same = members.labels[leader] == members.labels[row]
                if not same and written >= LEADERS:
                    continue
                if len(members.maps) > 0 and not may_reach(members.maps, leader, row, span[2]):
                    continue
                if jaccard_sorted(sets, leader, row) >= span[2]:
                    out[count, 0] = leader
                    out[count, 1] = row
                    count += 1
                    written += 1
                    led = same
        members.survives[row] = not led
        if not led:
            join_leaders(members, leaders, row)
    return count


@compiled
def has_survivor(members: Members, row: int) -> bool:
    """Whether a verified pair links the row to a survivor of its label."""
    for at in range(members.partner_starts[row], members.partner_starts[row + 1]):
        partner = members.partners[at]
        if members.survives[partner] and members.labels[partner] == members.labels[row]:
            return True
    return False


@compiled
def join_leaders(members: Members, leaders: Leaders, row: int) -> None:
    """Make a surviving row a leader of its crowds."""
    for at in range(members.crowd_starts[row], members.crowd_starts[row + 1]):
        crowd = members.crowds[at]
        if leaders.counts[crowd] < LEADERS:
            leaders.rows[crowd, leaders.counts[crowd]] = row
            leaders.counts[crowd] += 1


@compiled
def jaccard_sorted(sets: tuple[Array, Array, Array], one: int, two: int) -> float:
    """Jaccard similarity of the ascending sets of two members, not both empty."""
    values, ends, where = sets
    i, i_end = ends[where[one]], ends[where[one] + 1]
    j, j_end = ends[where[two]], ends[where[two] + 1]
    total = i_end - i + j_end - j
    shared = 0.0
    while i < i_end and j < j_end:
        shared += values[i] == values[j]
        left = values[i] <= values[j]
        j += values[j] <= values[i]
        i += left
    similarity: float = shared / (total - shared)
    return similarity
