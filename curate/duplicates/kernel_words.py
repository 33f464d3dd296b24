"""A run of rows to the words in it, compiled: where each starts and ends, and one number for each.

All rows of a run are taken together, step by step, since a loop that ends with each row would cost more than its work:
64 bytes at a time become the edges of words, and 8 letters at a time the number of a word.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import uint64

from .compiled import compiled
from .kernel_bits import (
    count_ones,
    inlined,
    load64,
    solid_bits,
    symbol_bits,
    trailing_zeros,
    wider_bits,
    word_bits,
    write_places,
)
from .shingles import BYTES, MIX_A, MIX_B, Array


class Scratch(NamedTuple):
    """Working memory of one call, for a run of rows at a time."""

    text: Array
    """uint8: folded bytes, padded."""
    tail: int
    """Where in `text` there is room for one row beside the run."""
    places: Array
    """int64: where in `text` each row of the run starts, and where the last one ends."""
    rows: Array
    """uint64: a bit for each byte of the run, set where a row starts."""
    begun: Array
    """uint64: a bit for each byte of the run, set where a word starts."""
    before: Array
    """int64: how many words of the run start before each 64 bytes of it."""
    starts: Array
    """int32: start of every word."""
    ends: Array
    """int32: end of every word."""
    words: Array
    """uint64: one number per word."""
    word_spans: Array
    """(2, rows) int64: first word and end of the words of each row."""
    shingles: Array
    """uint64: one number per shingle, repeats included."""
    lower: Array
    """uint32: `shingles.mix32` of the lower half of each shingle."""
    shingle_spans: Array
    """(2, rows) int64: first shingle and end of the shingles of each row."""
    edges: Array
    """int32: start of every character of a row."""


@compiled
def fold_ascii(data: Array, start: int, stop: int, text: Array) -> None:
    """Lower-case ASCII letters of data[start:stop] into `text`."""
    source = data[start:stop]
    for i in range(stop - start):
        byte = source[i]
        upper = np.uint8(byte - np.uint8(65)) < np.uint8(26)
        text[i] = byte | np.uint8(np.uint8(upper) << np.uint8(5))


@compiled
def find_words(text: Array, start: int, stop: int, solid: bool, out: tuple[Array, Array], at: int) -> int:
    """Find the words of text[start:stop], one row, where a symbol is a word.

    Args:
        text: uint8, folded.
        start: where the row starts.
        stop: where it ends.
        solid: whether all that stands between white space is a word.
        out: int32 starts and int32 ends of words, written from `at` on.
        at: number of words that are there already.

    Returns:
        that number and the number of new words.
    """
    starts, ends = out
    begun, ended = at, at
    word_before, symbol_before = uint64(0), uint64(0)
    for i in range(start, stop, 64):
        if solid:
            word, symbol = solid_bits(text, i), uint64(0)
        else:
            word, symbol = word_bits(text, i), symbol_bits(text, i)
        if stop - i < 64:
            inside = (uint64(1) << uint64(stop - i)) - uint64(1)
            word &= inside
            symbol &= inside
        shifted = (word << uint64(1)) | word_before
        begun = write_places((word & ~shifted) | symbol, i, starts, begun)
        ended = write_places((~word & shifted) | (symbol << uint64(1)) | symbol_before, i, ends, ended)
        word_before, symbol_before = word >> uint64(63), symbol >> uint64(63)
    if ended < begun:
        ends[ended] = stop
    return begun


@compiled
def find_run_words(scratch: Scratch, rows: int) -> int:
    """Find the words of a run of rows, cut where a row starts; their number."""
    text, starts, ends = scratch.text, scratch.starts, scratch.ends
    size, begun, ended = scratch.places[rows], 0, 0
    word_before, symbol_before = uint64(0), uint64(0)
    text[size : size + 64] = 32
    for block in range((size >> 6) + 1):  # to the byte past the end, where the last word ends
        i = block << 6
        word, symbol, row = word_bits(text, i), symbol_bits(text, i), scratch.rows[block]
        shifted = (word << uint64(1)) | word_before
        first = (word & (row | ~shifted)) | symbol
        scratch.begun[block] = first
        scratch.before[block] = begun
        begun = write_places(first, i, starts, begun)
        ended = write_places((shifted & (row | ~word)) | (symbol << uint64(1)) | symbol_before, i, ends, ended)
        word_before, symbol_before = word >> uint64(63), symbol >> uint64(63)
    for row in range(rows):
        scratch.word_spans[0, row] = words_before(scratch.begun, scratch.before, scratch.places[row])
        scratch.word_spans[1, row] = words_before(scratch.begun, scratch.before, scratch.places[row + 1])
    return begun


@inlined
def words_before(begun: Any, before: Any, place: Any) -> Any:
    """How many words of the run start before a byte of it."""
    below = (uint64(1) << uint64(place & 63)) - uint64(1)
    return before[place >> 6] + count_ones(begun[place >> 6] & below)


@compiled
def hash_words(scratch: Scratch, total: int) -> None:
    """Write one number for each word, none empty, to `scratch.words`."""
    text, starts, ends, words = scratch.text, scratch.starts, scratch.ends, scratch.words
    for q in range(total):
        words[q] = load64(text, np.int64(starts[q]))
    for q in range(total):
        size = uint64(ends[q] - starts[q])
        letters = words[q] & (~uint64(0) >> (uint64(64) - uint64(8) * min(size, uint64(8))))
        value = (letters + size) * MIX_A
        words[q] = value ^ (value >> uint64(32))
    for q in range(0, total, 64):
        wider = wider_bits(starts, ends, q)
        if total - q < 64:
            wider &= (uint64(1) << uint64(total - q)) - uint64(1)
        while wider != uint64(0):
            long = q + trailing_zeros(wider)
            words[long] = hash_rest(text, words[long], np.int64(starts[long]) + 8, np.int64(ends[long]))
            wider &= wider - uint64(1)


@inlined
def hash_rest(text: Any, value: Any, start: Any, stop: Any) -> Any:
    """The number of a text whose first bytes gave `value`, and text[start:stop] are left."""
    while start < stop:
        value = (value ^ (load64(text, start) & BYTES[min(stop - start, 8)])) * MIX_B
        value ^= value >> uint64(29)
        start += 8
    return value


@inlined
def hash_bytes(text: Any, start: Any, stop: Any) -> Any:
    """One number for text[start:stop], not empty."""
    size = stop - start
    value = ((load64(text, start) & BYTES[min(size, 8)]) + uint64(size)) * MIX_A
    return hash_rest(text, value ^ (value >> uint64(32)), start + 8, stop)
