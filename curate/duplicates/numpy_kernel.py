"""Blocks of texts to MinHash band keys, signatures and shingle sets, in plain numpy: `kernel`, bit for bit."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..folding import ASCII_SYMBOLS
from .blocks import FOLDED, Block, spliced
from .shingles import BYTES, MIX_A, MIX_B, PAD, POSITION, Array, Spec, mix32, mix64

SPACES = np.zeros(256, dtype=bool)
"""ASCII white space, as `str.split` knows it."""
SPACES[[*range(9, 14), *range(28, 33)]] = True
LETTERS = np.zeros(256, dtype=bool)
"""ASCII word characters."""
LETTERS[[byte for byte in range(128) if chr(byte).isalnum() or byte == 95]] = True
SYMBOLS = np.zeros(256, dtype=bool)
"""ASCII symbols that are words of their own."""
SYMBOLS[[ord(symbol) for symbol in ASCII_SYMBOLS]] = True
LOWER = np.arange(256, dtype=np.uint8)
"""ASCII case folding."""
LOWER[65:91] += 32
MARK = np.uint64(1 << 63)
"""Set in every number of a shingle set; `kernel` needs it."""


def sketch(block: Block, spec: Spec, keys: Array, texts: Array, _maps: Array, start: int) -> None:
    """`kernel.sketch`; bitmaps only spare time, and are left alone."""
    shingles, ends, numbers = _shingles(block, spec.code)
    stop = start + numbers.shape[1]
    texts[:, start:stop] = numbers
    signature, rows = _sign(shingles, ends, spec).astype(np.uint64), spec.rows
    for band in range(len(keys)):
        value, first = np.full(stop - start, band + 1, dtype=np.uint64), band * rows
        for k in range(0, rows, 2):
            two = signature[first + k]
            if k + 1 < rows:
                two = two | (signature[first + k + 1] << np.uint64(32))
            value += two * np.uint64(k + 1) * MIX_A
        keys[band, start:stop] = (value ^ (value >> np.uint64(32))) * MIX_B


def signatures(block: Block, spec: Spec, out: Array) -> None:
    """`kernel.signatures`."""
    shingles, ends, _ = _shingles(block, spec.code)
    out[:] = _sign(shingles, ends, spec).T


def distinct_shingles(block: Block, code: int, out: Array, ends: Array, counts: Array) -> int:
    """`kernel.distinct_shingles`; within a row the numbers ascend."""
    shingles, all_ends, _ = _shingles(block, code)
    n = len(all_ends) - 1
    counts[:] = np.diff(all_ends)
    row = np.repeat(np.arange(n), counts)
    shingles |= MARK
    order = np.lexsort((shingles, row))
    row, shingles = row[order], shingles[order]
    new = np.ones(len(row), dtype=bool)
    new[1:] = (row[1:] != row[:-1]) | (shingles[1:] != shingles[:-1])
    ends[0] = 0
    np.cumsum(np.bincount(row[new], minlength=n), out=ends[1:])
    out[: ends[-1]] = shingles[new]
    return int(ends[-1])


def jaccard_of_pairs(first: Array, second: Array, values: Array, ends: Array, threshold: float, out: Array) -> None:
    """`kernel.jaccard_of_pairs`."""
    sets = [frozenset(values[start:stop].tolist()) for start, stop in pairwise(ends)]
    for p, (i, j) in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        one, two = len(sets[i]), len(sets[j])
        shared = len(sets[i] & sets[j])
        fits = min(one, two) >= threshold * max(one, two)
        out[p] = (shared / (one + two - shared) if one + two else 1.0) if fits else 0.0


def _shingles(block: Block, code: int) -> tuple[Array, Array, Array]:
    """Shingle numbers of all rows, their ends by row (n + 1,), and numbers (2, n) of whole texts and of their words."""
    data, offsets = spliced(block)
    text, starts, stops, row = _words(data, offsets, block.kinds == FOLDED)
    n = len(offsets) - 1
    counts = np.bincount(row, minlength=n)
    words = _hash_bytes(text, starts, stops)
    whole = _whole_texts(words, counts)
    if code < 0:
        text, at, row = _characters(text, starts, stops, row)
        counts = np.bincount(row, minlength=n)
    size = abs(code)
    first, length, ends = _windows(counts, size)
    if code < 0:
        filled = counts > 0  # each of these rows has one edge more than characters
        shift: Array = np.repeat(np.cumsum(filled) - filled, np.diff(ends))
        return mix64(_hash_bytes(text, at[first + shift], at[first + shift + length])), ends, whole
    total = np.zeros(len(first), dtype=np.uint64)
    for place in range(size):
        inside = length > place
        total[inside] += words[first[inside] + place] * POSITION[place]
    return mix64(total), ends, whole


def _words(data: Array, offsets: Array, folded: Array) -> tuple[Array, Array, Array, Array]:
    """Folded bytes, padded; start and end of every word; the row of every word."""
    lengths = np.diff(offsets)
    row_of = np.repeat(np.arange(len(lengths)), lengths)
    text = LOWER[data]
    marks = SYMBOLS[text] & ~folded[row_of]
    flags = np.where(folded[row_of], ~SPACES[text], LETTERS[text] | marks)
    wordless = np.bincount(row_of, weights=flags, minlength=len(lengths)) == 0
    flags |= wordless[row_of] & ~SPACES[text]
    edge = np.zeros(len(data) + 1, dtype=bool)  # where a row starts, or the data end, or a symbol is beside a letter
    edge[offsets] = True
    edge[:-1] |= marks
    edge[1:] |= marks
    before = np.concatenate(([False], flags))
    after = np.concatenate((flags, [False]))
    starts = np.flatnonzero(after & (~before | edge))
    stops = np.flatnonzero(before & (~after | edge))
    return np.concatenate((text, np.zeros(PAD, np.uint8))), starts, stops, row_of[starts]


def _hash_bytes(text: Array, starts: Array, stops: Array) -> Array:
    """One number for each text[start:stop], none empty."""
    loads = sliding_window_view(text, 8)
    left = stops - starts
    value = (_load(loads, starts, left) + left.astype(np.uint64)) * MIX_A
    value ^= value >> np.uint64(32)
    at = 8
    while (longer := np.flatnonzero(left > at)).size:
        more = (value[longer] ^ _load(loads, starts[longer] + at, left[longer] - at)) * MIX_B
        value[longer] = more ^ (more >> np.uint64(29))
        at += 8
    return value


def _load(loads: Array, starts: Array, left: Array) -> Array:
    """The next bytes of each text as a little-endian number, at most 8 of those left."""
    found: Array = np.ascontiguousarray(loads[starts]).view("<u8").reshape(-1).astype(np.uint64)
    return found & BYTES[np.minimum(left, 8)]


def _whole_texts(words: Array, counts: Array) -> Array:
    """(2, n) numbers of the words of each row, in order and in any order."""
    ends = np.cumsum(counts)
    place = np.arange(len(words)) - np.repeat(ends - counts, counts)
    sums = np.zeros((2, len(words) + 1), np.uint64)
    np.cumsum(mix64(words + (place + 1).astype(np.uint64) * MIX_A), out=sums[0, 1:])
    np.cumsum(words, out=sums[1, 1:])
    found = sums[:, ends] - sums[:, ends - counts]
    return np.stack((mix64(found[0]), found[1]))


def _characters(text: Array, starts: Array, stops: Array, row: Array) -> tuple[Array, Array, Array]:
    """The words of each row together, parted by single spaces.

    Returns:
        their bytes, padded; the edges of all characters, where each row with words ends with one more edge; and the row
        of each character.
    """
    gaps = np.zeros(len(row), dtype=np.int64)
    gaps[:-1] = row[1:] == row[:-1]
    ends = np.cumsum(stops - starts + gaps)
    moved = np.full(ends[-1] if len(ends) else 0, 32, dtype=np.uint8)
    size = stops - starts
    within = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    moved[np.repeat(ends - gaps - size, size) + within] = text[np.repeat(starts, size) + within]
    row_of = np.repeat(row, size + gaps)
    begins = (moved & 0xC0) != 0x80
    last = np.ones(len(moved), dtype=bool)
    last[:-1] = row_of[1:] != row_of[:-1]
    places = np.arange(len(moved))
    edges = np.sort(np.concatenate((places[begins] * 2 + 1, (places[last] + 1) * 2))) // 2
    return np.concatenate((moved, np.zeros(PAD, np.uint8))), edges, row_of[begins]


def _windows(counts: Array, size: int) -> tuple[Array, Array, Array]:
    """Runs of `size` of each row's units, or its only run: first unit, units in it, and the ends of rows (n + 1,)."""
    found = np.where(counts > 0, np.maximum(counts - size + 1, 1), 0)
    ends = np.concatenate(([0], np.cumsum(found)))
    row = np.repeat(np.arange(len(counts)), found)
    first = (np.cumsum(counts) - counts)[row] + np.arange(ends[-1]) - ends[row]
    return first, np.minimum(size, counts)[row], ends


def _sign(shingles: Array, ends: Array, spec: Spec) -> Array:
    """Affine32 MinHash signatures, (permutations, n) uint32; a row without shingles has all bits set."""
    lower = mix32((shingles & np.uint64(0xFFFFFFFF)).astype(np.uint32))
    filled = np.flatnonzero(np.diff(ends))
    out = np.full((len(spec.a), len(ends) - 1), 0xFFFFFFFF, dtype=np.uint32)
    if len(filled):
        for k, (a, b) in enumerate(zip(spec.a, spec.b, strict=True)):
            out[k, filled] = np.minimum.reduceat(lower * a + b, ends[filled])
    return out
