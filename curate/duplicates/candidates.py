"""Band keys to candidate pairs: rows that share a band, among the representatives of identical texts.

A pair is one uint64, the lower row in the upper half. A bucket of more than `CAP` rows is a crowd: its pairs would grow
with the square of its size, so `crowds` compares its rows with a few leaders instead.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from .compiled import jit_enabled, map_threads
from .shingles import Array
from .sorting import id_bits, shared_keys, sorted_union

CAP = 64
"""Rows of a bucket that are all compared with one another."""

MERGE_PAIRS = 1 << 21
"""Pairs gathered before repeats are removed."""


def representatives(whole: Array) -> Array:
    """(n,) int64: for each row, the first row with the same number."""
    n = len(whole)
    bits = id_bits(n)
    rows, starts, sizes = _runs(shared_keys(whole), bits)
    found = np.arange(n, dtype=np.int64)
    first = np.repeat(rows[starts], sizes)
    same = whole[rows] == whole[first]
    found[rows[same]] = first[same]
    # The upper bits of a key leave out a few; rows that differ only there are sorted out one by one.
    for row in rows[~same].tolist():
        found[row] = np.flatnonzero(whole == whole[row])[0]
    return found


def best_rows(representative: Array, rank: Array) -> Array:
    """(n,) int64: of all rows that one representative stands for, the first of lowest rank."""
    shared = np.flatnonzero(np.bincount(representative, minlength=1)[representative] > 1)
    by_rank = shared[np.argsort(rank[shared], kind="stable")[::-1]]
    best = np.arange(len(representative))
    best[representative[by_rank]] = by_rank
    best[shared] = best[representative[shared]]
    return best


def band_candidates(
    keys: Array, is_representative: Array, whole: Array, sides: tuple[Array, Array] | None = None
) -> tuple[Array, list[Array]]:
    """Candidate pairs of all bands, sorted (m,) uint64, and the crowds, rows by their text number; each once.

    With `sides`, two (n,) bool arrays, only pairs of a text of the one side and a text of the other.
    """
    bits = id_bits(keys.shape[1])

    find = _compiled_band if jit_enabled() else _plain_band

    def work(band: int) -> tuple[Array, list[Array]]:
        pairs, crowds = find(keys[band], is_representative, bits)
        if sides is not None:
            pairs = pairs[across(pairs, sides)]
        return pairs, [crowd[np.argsort(whole[crowd])] for crowd in crowds]

    pairs: list[Array] = [np.empty(0, np.uint64)]
    crowds: dict[bytes, Array] = {}
    for fresh, more in map_threads(work, range(len(keys))):
        pairs.append(fresh)
        if sum(map(len, pairs[1:])) > max(MERGE_PAIRS, len(pairs[0])):
            pairs = [sorted_union(*pairs)]
        for crowd in more:
            crowds.setdefault(crowd.tobytes(), crowd)
    return sorted_union(*pairs), list(crowds.values())


def _compiled_band(keys: Array, chosen: Array, bits: int) -> tuple[Array, list[Array]]:
    """Pairs of the chosen rows that share their key in one band, and the crowds."""
    from .kernel_bands import count_pairs, emit_band

    packed = shared_keys(keys, chosen)
    counts = count_pairs(packed, bits, CAP)
    pairs, spans = np.empty(counts[0], np.uint64), np.empty((counts[1], 2), np.int64)
    emit_band(packed, bits, CAP, pairs, spans)
    lower = np.uint64((1 << bits) - 1)
    return pairs, [(packed[start:stop] & lower).astype(np.int64) for start, stop in spans.tolist()]


def _plain_band(keys: Array, chosen: Array, bits: int) -> tuple[Array, list[Array]]:
    """`_compiled_band` in numpy."""
    rows, starts, sizes = _runs(shared_keys(keys, chosen), bits)
    big = sizes > CAP
    crowds = [rows[start : start + size] for start, size in zip(starts[big], sizes[big], strict=True)]
    return _pairs(rows, starts, sizes), crowds


def unpack_pairs(pairs: Array) -> tuple[Array, Array]:
    """The lower and the higher row of each pair, int64."""
    return (pairs >> np.uint64(32)).astype(np.int64), (pairs & np.uint64(0xFFFFFFFF)).astype(np.int64)


def pack_pairs(one: Array, two: Array) -> Array:
    """Pairs of rows as numbers, whichever row comes first."""
    low, high = np.minimum(one, two).astype(np.uint64), np.maximum(one, two).astype(np.uint64)
    return (low << np.uint64(32)) | high


def across(pairs: Array, sides: tuple[Array, Array]) -> Array:
    """(m,) bool: the pairs of a text of the one side and a text of the other."""
    (one, two), (left, right) = unpack_pairs(pairs), sides
    found: Array = (left[one] & right[two]) | (left[two] & right[one])
    return found


def _runs(packed: Array, bits: int) -> tuple[Array, Array, Array]:
    """Rows that share their key with another, and start and size of each run of equal keys among them."""
    head = packed >> np.uint64(bits)
    equal = head[1:] == head[:-1]
    shared = np.zeros(len(packed), dtype=bool)
    shared[1:] |= equal
    shared[:-1] |= equal
    rows = (packed[shared] & np.uint64((1 << bits) - 1)).astype(np.int64)
    head = head[shared]
    begins = np.ones(len(rows), dtype=bool)
    np.not_equal(head[1:], head[:-1], out=begins[1:])
    starts = np.flatnonzero(begins)
    return rows, starts, np.diff(np.append(starts, len(rows)))


def _pairs(rows: Array, starts: Array, sizes: Array) -> Array:
    """All pairs within each run of at most `CAP` rows; a run's rows ascend."""
    found = [np.empty(0, np.uint64)]
    for size in np.flatnonzero(np.bincount(sizes[sizes <= CAP])).tolist():
        members = rows[starts[sizes == size][:, None] + np.arange(size)].astype(np.uint64)
        i, j = _two_of(size)
        found.append(((members[:, i] << np.uint64(32)) | members[:, j]).reshape(-1))
    return np.concatenate(found)


@cache
def _two_of(size: int) -> tuple[Array, Array]:
    """Places of the first and the second of any two of `size` rows."""
    first, second = np.triu_indices(size, 1)
    return first, second
