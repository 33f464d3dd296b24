"""Blocks of texts to MinHash band keys, signatures and shingle sets, compiled: the hot loop of the engine.

`numpy_kernel` has the same functions without compilation. One pass over a run of rows does everything, so that neither
words nor shingles are stored.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import uint64

from .blocks import ASCII, FOLDED, TABLE, Block
from .compiled import compiled
from .kernel_bits import AT_ONCE, inlined
from .kernel_lanes import map_bits, text_numbers
from .kernel_shingles import make_shingles, mix64
from .kernel_signature import Signer, band_keys, make_signer, sign
from .kernel_unicode import fold_by_table
from .kernel_words import Scratch, find_run_words, find_words, fold_ascii, hash_words
from .shingles import MAP_WORDS, PAD, Array, Spec
from .unicode_table import GROWTH

RUN_BYTES = 1 << 15
"""Bytes of text taken at a time: all that is made of them stays in the second-level cache."""
RUN_ROWS = 1 << 12
"""Rows taken at a time at most, since rows may be empty."""
MARK = np.uint64(1 << 63)
"""Set in every number of a shingle set, so that none is 0, which marks a free slot of a table."""


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


@compiled
def next_run(block: Block, first: int) -> int:
    """End of the run of rows from `first` on that holds about RUN_BYTES, at least one row."""
    last, limit = first + 1, min(first + RUN_ROWS, block.kinds.shape[0])
    while last < limit and row_bytes(block, first, last + 1) <= RUN_BYTES:
        last += 1
    return last


@compiled
def place_run(block: Block, first: int, last: int, scratch: Scratch) -> None:
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


@compiled
def place_row(block: Block, row: int, text: Array, at: int) -> int:
    """Write a row that is not ASCII, folded, to text[at:]; its end."""
    if block.kinds[row] == TABLE:
        return fold_by_table(block.data, block.offsets[row], block.offsets[row + 1], block.table, text, at)
    folded = block.side[block.side_offsets[row] : block.side_offsets[row + 1]]
    end: int = at + folded.shape[0]
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
    scratch, signer, first = make_scratch(block), make_signer(spec.a, spec.b, spec.rows), 0
    while first < block.kinds.shape[0]:
        rows, total = read_run(block, first, scratch)
        number_texts(scratch.words, scratch.word_spans, texts[:, start + first : start + first + rows])
        if maps.shape[0] + keys.shape[0] > 0:
            make_shingles(scratch, rows, total, spec.code)
        if maps.shape[0] > 0:
            map_rows(scratch.shingles, scratch.shingle_spans, maps[start + first : start + first + rows])
        if keys.shape[0] > 0:
            key_rows(scratch.lower, scratch.shingle_spans, signer, keys[:, start + first : start + first + rows])
        first += rows


@compiled
def number_texts(words: Array, spans: Array, texts: Array) -> None:
    """Write the numbers of the whole text of each row and of its words in any order to `texts`, (2, rows)."""
    for row in range(texts.shape[1]):
        whole, texts[1, row] = text_numbers(words, spans[0, row], spans[1, row])
        texts[0, row] = mix64(whole)


@compiled
def map_rows(shingles: Array, spans: Array, maps: Array) -> None:
    """Write the bitmap of the shingles of each row, and their number, repeats included, to `maps`, (rows, words)."""
    for row in range(maps.shape[0]):
        low, high = spans[0, row], spans[1, row]
        bits = map_bits(shingles, low, high)
        for word in range(MAP_WORDS):
            maps[row, word] = bits[word]
        maps[row, MAP_WORDS] = uint64(high - low)


@compiled
def key_rows(lower: Array, spans: Array, signer: Signer, keys: Array) -> None:
    """Write the band keys of each row to `keys`, (bands, rows)."""
    for row in range(keys.shape[1]):
        sign(lower, spans[0, row], spans[1, row], signer)
        band_keys(signer, keys, row)


@compiled
def signatures(block: Block, spec: Spec, out: Array) -> None:
    """Affine32 MinHash signatures of a block, written to `out`, (n, permutations) uint32."""
    scratch, signer, first = make_scratch(block), make_signer(spec.a, spec.b, 1), 0
    while first < block.kinds.shape[0]:
        rows, total = read_run(block, first, scratch)
        make_shingles(scratch, rows, total, spec.code)
        for row in range(rows):
            sign(scratch.lower, scratch.shingle_spans[0, row], scratch.shingle_spans[1, row], signer)
            out[first + row] = signer.signature[: spec.a.shape[0]]
        first += rows


@compiled
def distinct_shingles(block: Block, code: int, out: Array, ends: Array) -> int:
    """Shingle sets of a block: row i becomes out[ends[i]:ends[i + 1]], `out` uint64 with room for all; their total.

    `ends` is (n + 1,) int64.
    """
    scratch, first, number = make_scratch(block), 0, 0
    table = np.zeros(16, np.uint64)
    ends[0] = 0
    while first < block.kinds.shape[0]:
        rows, total = read_run(block, first, scratch)
        make_shingles(scratch, rows, total, code)
        most = 16
        for row in range(rows):
            most = max(most, scratch.shingle_spans[1, row] - scratch.shingle_spans[0, row])
        if table.shape[0] < 4 * most:
            table = np.zeros(4 * most, np.uint64)
        own = ends[first + 1 : first + rows + 1]
        number = collect_distinct(scratch.shingles, scratch.shingle_spans, table, out, own, number)
        first += rows
    return number


@compiled
def collect_distinct(shingles: Array, spans: Array, table: Array, out: Array, ends: Array, total: int) -> int:
    """Append the different shingles of each row to `out` from `total` on, and their ends to `ends`; the new total.

    `table`, all 0, has four places for each shingle of a row.
    """
    for row in range(ends.shape[0]):
        low, high, size = spans[0, row], spans[1, row], 16
        while size < 2 * (high - low):
            size *= 2
        mask = uint64(size - 1)
        for q in range(low, high):
            value = shingles[q] | MARK
            slot = value & mask
            while table[slot] != uint64(0) and table[slot] != value:
                slot = (slot + uint64(1)) & mask
            if table[slot] == uint64(0):
                table[slot] = value
                out[total] = value
                total += 1
        table[:size] = 0
        ends[row] = total
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
