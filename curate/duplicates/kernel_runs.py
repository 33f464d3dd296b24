"""A block of texts to runs of rows, folded and cut into words, in memory that is used again and again; compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import uint64

from .blocks import ASCII, FOLDED, TABLE, Block
from .compiled import compiled
from .kernel_bits import AT_ONCE, inlined
from .kernel_unicode import fold_by_table
from .kernel_words import Scratch, find_run_words, find_words, fold_ascii, hash_words
from .shingles import PAD
from .unicode_table import GROWTH

RUN_BYTES = 1 << 15
"""Bytes of text taken at a time: all that is made of them stays in the second-level cache."""
RUN_ROWS = 1 << 12
"""Rows taken at a time at most, since rows may be empty."""


@compiled
def make_scratch(block: Block) -> Scratch:
    """Working memory that fits every run and every row."""
    longest, grown = 0, GROWTH if block.table.entries.shape[0] > 0 else 1
    for row in range(block.kinds.shape[0]):
        longest = max(longest, row_bytes(block, row, row + 1))
    run = max(longest, RUN_BYTES) * grown + PAD
    row = max(2, grown) * longest  # symbols beside letters are parted from them where characters are counted
    words, numbers = 2 * run + AT_ONCE + 64, 2 * run + row + 64  # rows of symbols alone are looked at twice
    return Scratch(
        np.empty(run + row + PAD, np.uint8),
        run,
        np.empty(RUN_ROWS + 1, np.int64),
        np.empty(run // 64 + 2, np.uint64),
        np.empty(run // 64 + 2, np.uint64),
        np.empty(run // 64 + 2, np.int64),
        np.empty(words, np.int32),
        np.empty(words, np.int32),
        np.empty(words, np.uint64),
        np.empty((2, RUN_ROWS), np.int64),
        np.empty(numbers, np.uint64),
        np.empty(numbers, np.uint32),
        np.empty((2, RUN_ROWS), np.int64),
        np.empty(row + 8, np.int32),
    )


@inlined
def row_bytes(block: Any, first: Any, last: Any) -> Any:
    """Bytes of rows, before they are folded and after."""
    return block.offsets[last] - block.offsets[first] + block.side_offsets[last] - block.side_offsets[first]


@inlined
def next_run(block: Any, first: Any) -> Any:
    """End of the run of rows from `first` on that holds about RUN_BYTES, at least one row."""
    last, limit = first + 1, min(first + RUN_ROWS, block.kinds.shape[0])
    while last < limit and row_bytes(block, first, last + 1) <= RUN_BYTES:
        last += 1
    return last


@inlined
def place_run(block: Any, first: Any, last: Any, scratch: Any) -> None:
    """Write the folded rows of a run to the text, one after another, and their places to `places` and `rows`."""
    at, row, text = 0, first, scratch.text
    while row < last:
        stop = row + 1
        scratch.places[row - first] = at
        if block.kinds[row] == ASCII:
            base = block.offsets[row] - at
            while stop < last and block.kinds[stop] == ASCII:
                scratch.places[stop - first] = block.offsets[stop] - base
                stop += 1
            fold_ascii(block.data, block.offsets[row], block.offsets[stop], text[at:])
            at = block.offsets[stop] - base
        else:
            at = place_row(block, row, text, at)
        row = stop
    scratch.places[last - first] = at
    scratch.rows[: (at >> 6) + 1] = 0
    for place in scratch.places[: last - first]:
        scratch.rows[place >> 6] |= uint64(1) << uint64(place & 63)


@inlined
def place_row(block: Any, row: Any, text: Any, at: Any) -> Any:
    """Write a row that is not ASCII, folded, to text[at:]; its end."""
    if block.kinds[row] == TABLE:
        end = fold_by_table(block.data, block.offsets[row], block.offsets[row + 1], block.table, text, at)
    else:
        folded = block.side[block.side_offsets[row] : block.side_offsets[row + 1]]
        end = at + folded.shape[0]
        text[at:end] = folded
    return end


@compiled
def read_run(block: Block, first: int, scratch: Scratch) -> tuple[int, int]:
    """The words of a run of rows from `first` on; how many rows and how many words there are."""
    last = next_run(block, first)
    place_run(block, first, last, scratch)
    total, spans = find_run_words(scratch, last - first), scratch.word_spans
    for row in range(last - first):  # a row without a word, or folded already, has what stands between white space
        start, stop = scratch.places[row], scratch.places[row + 1]
        if block.kinds[first + row] == FOLDED or (spans[0, row] == spans[1, row] and start < stop):
            spans[0, row] = total
            total = find_words(scratch.text, start, stop, True, (scratch.starts, scratch.ends), total)
            spans[1, row] = total
    hash_words(scratch, total)
    return last - first, total
