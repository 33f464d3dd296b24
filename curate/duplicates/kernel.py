"""Blocks of texts to MinHash band keys, signatures and shingle sets, compiled: the hot loop of the engine.

`numpy_kernel` has the same functions without compilation. One pass over a run of rows does everything, so that neither
words nor shingles are stored.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import uint64

from .blocks import ASCII, TABLE, Block
from .compiled import compiled
from .kernel_shingles import Scratch, fold_ascii, inlined, row_shingles
from .kernel_signature import band_keys, make_signer, sign
from .kernel_unicode import fold_by_table
from .shingles import MAP_WORDS, PAD, Array, Spec
from .unicode_table import GROWTH

RUN_BYTES = 1 << 17
"""Bytes of text folded at a time: their flags and copies stay in the second-level cache."""
MARK = np.uint64(1 << 63)
"""Set in every number of a shingle set, so that none is 0, which marks a free slot of a table."""


@compiled
def next_run(offsets: Array, first: int) -> int:
    """End of the run of rows from `first` on that holds about RUN_BYTES, at least one row."""
    last = first + 1
    while last < offsets.shape[0] - 1 and offsets[last + 1] - offsets[first] <= RUN_BYTES:
        last += 1
    return last


@inlined
def block_row(block: Block, row: int, base: int, scratch: Scratch, code: int) -> tuple[Any, Any, Any]:
    """`row_shingles` of one row of a block, of which the run from byte `base` on is in the scratch."""
    start, stop = block.offsets[row], block.offsets[row + 1]
    if block.kinds[row] != ASCII:
        start, stop = place_row(block, row, scratch)
        base = 0
    return row_shingles(scratch, start - base, stop - base, block.kinds[row] != ASCII, code)


@compiled
def place_row(block: Block, row: int, scratch: Scratch) -> tuple[int, int]:
    """Write a row that is not ASCII, folded, to the tail of the scratch; its start and end."""
    if block.kinds[row] == TABLE:
        start, stop = block.offsets[row], block.offsets[row + 1]
        end = fold_by_table(block.data, start, stop, block.table, scratch.text, scratch.tail)
    else:
        folded = block.side[block.side_offsets[row] : block.side_offsets[row + 1]]
        end = scratch.tail + folded.shape[0]
        scratch.text[scratch.tail : end] = folded
    return scratch.tail, end


@compiled
def make_scratch(block: Block) -> Scratch:
    """Working memory that fits every run and every row."""
    longest, grown = 0, 0
    for row in range(block.kinds.shape[0]):
        size = block.offsets[row + 1] - block.offsets[row]
        longest = max(longest, size)
        # Symbols beside letters are parted from them: by the table, or where characters are counted.
        size = GROWTH * size if block.kinds[row] == TABLE else 2 * size
        grown = max(grown, size, block.side_offsets[row + 1] - block.side_offsets[row])
    run = max(longest, RUN_BYTES) + PAD
    return Scratch(
        np.empty(run + grown + 2 * PAD, np.uint8),
        run,
        np.empty(grown + 8, np.int32),
        np.empty(grown // 2 + 8, np.uint64),
        np.empty(grown + 8, np.uint64),
    )


@compiled
def sketch(block: Block, spec: Spec, keys: Array, texts: Array, maps: Array, start: int) -> None:
    """Sketches of a block.

    Args:
        block: n rows.
        spec: what is computed.
        keys: (bands, all rows) uint64, receives a key of each band in keys[:, start:start + n].
        texts: (2, all rows) uint64, receives the numbers of each whole text and of its words in any order.
        maps: (all rows, words) uint64, receives bitmaps of the shingles, see `bitmaps`; or has no rows.
        start: first row of the block among all rows.
    """
    scratch, signer = make_scratch(block), make_signer(spec.a, spec.b)
    lower = np.empty(scratch.shingles.shape[0], np.uint32)
    first = 0
    while first < block.offsets.shape[0] - 1:
        last = next_run(block.offsets, first)
        base = block.offsets[first]
        fold_ascii(block.data, base, block.offsets[last], scratch.text)
        for row in range(first, last):
            count, texts[0, start + row], texts[1, start + row] = block_row(block, row, base, scratch, spec.code)
            if maps.shape[0] > 0:
                map_shingles(scratch.shingles, count, maps, start + row)
            if keys.shape[0] == 0:
                continue
            sign(scratch.shingles, count, lower, signer)
            band_keys(signer, spec.rows, keys, start + row)
        first = last


@inlined
def map_shingles(shingles: Array, count: int, maps: Array, row: int) -> None:
    """Write the bitmap of shingles[:count], and their number, repeats included, to maps[row]."""
    for word in range(MAP_WORDS):
        maps[row, word] = uint64(0)
    for q in range(count):
        value = shingles[q]
        maps[row, (value >> uint64(6)) & uint64(MAP_WORDS - 1)] |= uint64(1) << (value & uint64(63))
    maps[row, MAP_WORDS] = uint64(count)


@compiled
def signatures(block: Block, spec: Spec, out: Array) -> None:
    """Affine32 MinHash signatures of a block, written to `out`, (n, permutations) uint32."""
    scratch, signer = make_scratch(block), make_signer(spec.a, spec.b)
    lower = np.empty(scratch.shingles.shape[0], np.uint32)
    for row in range(block.offsets.shape[0] - 1):
        start, stop = block.offsets[row], block.offsets[row + 1]
        fold_ascii(block.data, start, stop, scratch.text)
        count, _, _ = block_row(block, row, start, scratch, spec.code)
        sign(scratch.shingles, count, lower, signer)
        out[row] = signer.signature[: spec.a.shape[0]]


@compiled
def collect_distinct(shingles: Array, count: int, table: Array, out: Array, total: int) -> int:
    """Append the different ones of shingles[:count] to `out` from `total` on; the new total. `table` is left empty."""
    size = 16
    while size < 2 * count:
        size *= 2
    mask = uint64(size - 1)
    for q in range(count):
        value = shingles[q] | MARK
        slot = value & mask
        while table[slot] != uint64(0) and table[slot] != value:
            slot = (slot + uint64(1)) & mask
        if table[slot] == uint64(0):
            table[slot] = value
            out[total] = value
            total += 1
    table[:size] = 0
    return total


@compiled
def distinct_shingles(block: Block, code: int, out: Array, ends: Array) -> int:
    """Shingle sets of a block: row i becomes out[ends[i]:ends[i + 1]], `out` uint64 with room for all; their total.

    `ends` is (n + 1,) int64.
    """
    data, offsets = block.data, block.offsets
    scratch = make_scratch(block)
    size = 16
    while size < 2 * scratch.shingles.shape[0]:
        size *= 2
    table = np.zeros(size, np.uint64)
    total = 0
    ends[0] = 0
    for row in range(offsets.shape[0] - 1):
        start, stop = offsets[row], offsets[row + 1]
        fold_ascii(data, start, stop, scratch.text)
        count, _, _ = block_row(block, row, start, scratch, code)
        total = collect_distinct(scratch.shingles, count, table, out, total)
        ends[row + 1] = total
    return total


@compiled
def fill_table(values: Array, start: int, stop: int, table: Array) -> int:
    """Put the set values[start:stop] into the empty `table`; the size of the part used."""
    size = 16
    while size < 2 * (stop - start):
        size *= 2
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


@compiled
def jaccard_of_pairs(first: Array, second: Array, values: Array, ends: Array, threshold: float, out: Array) -> None:
    """True Jaccard similarity of pairs of shingle sets, written to `out` (float64); 0 where sizes alone rule it out.

    Cheapest where equal numbers of `first` follow one another.
    """
    longest = 1
    for row in range(ends.shape[0] - 1):
        longest = max(longest, ends[row + 1] - ends[row])
    size = 16
    while size < 2 * longest:
        size *= 2
    table, used, current = np.zeros(size, np.uint64), 0, -1
    for p in range(first.shape[0]):
        i, j = first[p], second[p]
        one, two = ends[i + 1] - ends[i], ends[j + 1] - ends[j]
        if min(one, two) < threshold * max(one, two):
            out[p] = 0.0
            continue
        if i != current:
            table[:used] = 0
            used = fill_table(values, ends[i], ends[i + 1], table)
            current = i
        shared = count_shared(values, ends[j], ends[j + 1], table, used)
        out[p] = shared / (one + two - shared) if one + two > 0 else 1.0
