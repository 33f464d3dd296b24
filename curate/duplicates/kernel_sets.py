"""Blocks of texts to shingle sets, and pairs of sets to their true Jaccard similarity, compiled.

Numbers are looked up by their lower bits. In most sets those differ, so that nothing is searched, and no branch depends
on the numbers; other sets go through a hash table.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import uint64

from .blocks import Block
from .compiled import compiled
from .kernel_bits import inlined
from .kernel_runs import make_scratch, read_run
from .kernel_shingles import make_shingles
from .shingles import Array

MARK = np.uint64(1 << 63)
"""Set in every number of a shingle set, so that none is 0, which marks a free slot of a table."""
PLACES = 1 << 16
"""Places of numbers by their lower bits: those of eighty numbers all differ 19 times in 20."""
LOWER = np.uint64(PLACES - 1)
MOST = 1 << 11
"""Numbers of a row beyond which too many share a place."""


@compiled
def distinct_shingles(block: Block, code: int, out: Array, ends: Array, counts: Array) -> int:
    """Shingle sets of a block: row i becomes out[ends[i]:ends[i + 1]], `out` uint64 with room for all; their total.

    `ends` is (n + 1,) int64; `counts`, (n,) int64, receives how many shingles each row has, repeats included.
    """
    scratch, first, number = make_scratch(block), 0, 0
    places, table = np.empty(PLACES, np.uint16), np.zeros(16, np.uint64)
    ends[0] = 0
    while first < block.kinds.shape[0]:
        rows, total = read_run(block, first, scratch)
        make_shingles(scratch, rows, total, code)
        most = 0
        for row in range(rows):
            counts[first + row] = scratch.shingle_spans[1, row] - scratch.shingle_spans[0, row]
            most = max(most, counts[first + row])
        if most > MOST and table.shape[0] < table_size(most):
            table = np.zeros(table_size(most), np.uint64)
        own = ends[first + 1 : first + rows + 1]
        number = collect_distinct(scratch.shingles, scratch.shingle_spans, (places, table), out, own, number)
        first += rows
    return number


@compiled
def collect_distinct(
    shingles: Array, spans: Array, memory: tuple[Array, Array], out: Array, ends: Array, total: int
) -> int:
    """Append the different shingles of each row to `out` from `total` on, and their ends to `ends`; the new total.

    The memory is for the places of numbers, and for a hash table, all 0, of the most that a row beyond MOST has.
    """
    places, table = memory
    for row in range(ends.shape[0]):
        low, high = spans[0, row], spans[1, row]
        if high - low <= MOST:
            total = collect_placed(shingles, low, high, places, out, total)
        else:
            total = collect_searched(shingles[low:high], table, out, total)
        ends[row] = total
    return total


@inlined
def collect_placed(shingles: Any, low: Any, high: Any, places: Any, out: Any, total: Any) -> Any:
    """Append the last of each of shingles[low:high], at most MOST, to `out` from `total` on; the new total."""
    first, last, end = uint64(low), uint64(high), uint64(total)
    for q in range(first, last):
        places[shingles[q] & LOWER] = q - first
    for q in range(first, last):
        value = shingles[q] | MARK
        place = first + uint64(places[value & LOWER])
        kept = place == q
        if shingles[place] | MARK != value:  # another number has its place, which is seldom
            kept = True
            for other in range(q + uint64(1), last):
                kept &= shingles[other] | MARK != value
        out[end] = value
        end += uint64(kept)
    return np.int64(end)


@compiled
def collect_searched(shingles: Array, table: Array, out: Array, total: int) -> int:
    """Append the different shingles to `out` from `total` on; the new total. `table` is left empty."""
    size = table_size(shingles.shape[0])
    mask = uint64(size - 1)
    for shingle in shingles:
        value = shingle | MARK
        slot = value & mask
        while table[slot] != uint64(0) and table[slot] != value:
            slot = (slot + uint64(1)) & mask
        if table[slot] == uint64(0):
            table[slot] = value
            out[total] = value
            total += 1
    table[:size] = 0
    return total


@inlined
def table_size(count: Any) -> Any:
    """Slots of a hash table that has two or more for each number."""
    size = 16
    while size < 2 * count:
        size *= 2
    return size


@compiled
def fill_table(values: Array, start: int, stop: int, table: Array) -> Any:
    """Put the set values[start:stop] into the empty `table`; the size of the part used."""
    size = table_size(stop - start)
    mask = uint64(size - 1)
    for q in range(start, stop):
        slot = values[q] & mask
        while table[slot] != uint64(0):
            slot = (slot + uint64(1)) & mask
        table[slot] = values[q]
    return size


@compiled
def count_shared(values: Array, start: int, stop: int, table: Array, size: int) -> int:
    """How many of the set values[start:stop] are in the table."""
    mask, shared = uint64(size - 1), 0
    for q in range(start, stop):
        slot = values[q] & mask
        while table[slot] != uint64(0) and table[slot] != values[q]:
            slot = (slot + uint64(1)) & mask
        shared += table[slot] != uint64(0)
    return shared


@inlined
def fill_places(values: Any, start: Any, stop: Any, places: Any, others: Any) -> Any:
    """Write the place of each of the set values[start:stop], at most MOST, to places[its lower bits].

    Those whose place another has are written to `others`, (MOST,) uint64; how many they are.
    """
    first, last, count = uint64(start), uint64(stop), uint64(0)
    for q in range(first, last):
        places[values[q] & LOWER] = q - first
    for q in range(first, last):
        others[count] = values[q]
        count += uint64(uint64(places[values[q] & LOWER]) != q - first)
    return np.int64(count)


@inlined
def count_placed(values: Any, one: Any, two: Any, places: Any, others: Any) -> Any:
    """How many numbers two sets share, spans of `values`, of which `fill_places` took the first, which is not empty."""
    shared, base, last = 0, uint64(one[0]), uint64(one[1] - one[0] - 1)
    for q in range(uint64(two[0]), uint64(two[1])):
        place = min(uint64(places[values[q] & LOWER]), last)  # what is no place of this set fails the comparison
        shared += values[base + place] == values[q]
    for other in others:
        for q in range(uint64(two[0]), uint64(two[1])):
            shared += values[q] == other
    return shared


@compiled
def jaccard_of_pairs(first: Array, second: Array, values: Array, ends: Array, threshold: float, out: Array) -> None:
    """True Jaccard similarity of pairs of shingle sets, written to `out` (float64); 0 where sizes alone rule it out.

    Cheapest where equal numbers of `first` follow one another.
    """
    longest = 0
    for row in range(ends.shape[0] - 1):
        longest = max(longest, ends[row + 1] - ends[row])
    table, places, others = (
        np.zeros(table_size(longest), np.uint64),
        np.empty(PLACES, np.uint16),
        np.empty(MOST, np.uint64),
    )
    used, current, count = 0, -1, 0
    for p in range(first.shape[0]):
        one, two = (ends[first[p]], ends[first[p] + 1]), (ends[second[p]], ends[second[p] + 1])
        sizes = one[1] - one[0], two[1] - two[0]
        if min(sizes) < threshold * max(sizes):
            out[p] = 0.0
            continue
        if first[p] != current:
            current = first[p]
            table[:used] = 0
            used = 0
            if sizes[0] <= MOST:
                count = fill_places(values, one[0], one[1], places, others)
            else:
                used = fill_table(values, one[0], one[1], table)
        if used > 0:
            shared = count_shared(values, two[0], two[1], table, used)
        else:
            shared = count_placed(values, one, two, places, others[:count]) if sizes[0] > 0 else 0
        union = sizes[0] + sizes[1] - shared
        out[p] = shared / union if union > 0 else 1.0
