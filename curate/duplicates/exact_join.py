"""Texts to every candidate pair that can reach a Jaccard threshold: a prefix-filtered set-similarity join, recall 1.

Of two sets with Jaccard similarity ≥ t, the rarest |x| − ⌈t·|x|⌉ + 1 members of each share one (Chaudhuri, Ganti,
Kaushik 2006), and their sizes differ by at most the factor t. Rarity comes from a table of counts in which members may
collide; that costs time, never a pair.
"""

from __future__ import annotations

import numpy as np

from ...core.console import progress
from .compiled import compiled, map_threads
from .rows import Rows, Texts, as_rows
from .shingles import Array, bandless, mix64
from .sketches import block_sets, kernels, sketch_texts, sort_sets
from .sorting import id_bits, sorted_union

COUNT_BITS = 22
"""Counts are kept for 2^22 classes of shingles, 32 MB."""
COUNTED_BITS = 16
"""Bits of a count in front of its shingle, so that sorting puts the rarest first."""
MOST_COUNTED = (1 << COUNTED_BITS) - 1
"""Counts beyond are equally common."""
FLUSH_PAIRS = 1 << 22
"""Candidate pairs gathered before repeats are removed."""
SLACK = 1e-9
"""Keeps rounding from shortening a prefix."""


def text_numbers(texts: Texts | Rows, code: int, groups: Array | None = None) -> Array:
    """Whole-text numbers (n,) uint64; rows of different groups share none. No progress: other work may go on beside."""
    numbers: Array = sketch_texts(as_rows(texts), bandless(code), groups, shown=False)[1][0]
    return numbers


def exact_candidates(
    texts: Rows, representative: Array, code: int, threshold: float, groups: Array | None = None
) -> Array:
    """Pairs of representatives that share a member of their prefixes and fit in size, sorted, each once (m,) uint64."""
    stands = representative == np.arange(len(texts))
    counts = _count_shingles(texts, stands, code)
    sizes = np.zeros(len(texts), dtype=np.int64)
    postings = _postings(texts, stands, code, threshold, counts, sizes, groups)
    if not len(postings):
        return np.empty(0, np.uint64)
    by_size = np.argsort(sizes, kind="stable")
    place = np.empty(len(texts), dtype=np.uint64)
    place[by_size] = np.arange(len(texts), dtype=np.uint64)
    bits = id_bits(len(texts))
    keys = postings[:, 0] & ~np.uint64((1 << bits) - 1)
    keys |= place[postings[:, 1].astype(np.int64)]
    keys.sort()
    return _join(keys, bits, by_size, sizes[by_size], threshold)


def _count_shingles(texts: Rows, stands: Array, code: int) -> Array:
    """How often each class of shingles occurs in the representatives' sets."""
    module, counts = kernels(), np.zeros(1 << COUNT_BITS, dtype=np.int64)

    def work(piece: tuple[int, int]) -> Array:
        first, stop = piece
        values, ends = block_sets(module, texts.block(first, stop), code)
        return _classes(values[np.repeat(stands[first:stop], np.diff(ends))])

    for classes in map_threads(work, texts.pieces()):
        add_counts(classes, counts)
    return counts


@compiled
def add_counts(classes: Array, counts: Array) -> None:
    """Count each class once more for each time it is listed."""
    for at in range(classes.shape[0]):
        counts[classes[at]] += 1


def _classes(values: Array) -> Array:
    return (values & np.uint64((1 << COUNT_BITS) - 1)).astype(np.int64)


def _postings(
    texts: Rows,
    stands: Array,
    code: int,
    threshold: float,
    counts: Array,
    sizes: Array,
    groups: Array | None,
) -> Array:
    """(shingle, row) of each representative's prefix (k, 2) uint64; shingles that occur once are left out."""
    module = kernels()

    def work(piece: tuple[int, int]) -> Array:
        first, stop = piece
        values, ends = block_sets(module, texts.block(first, stop), code)
        own = np.diff(ends)
        sizes[first:stop] = own
        count = np.minimum(counts[_classes(values)], MOST_COUNTED).astype(np.uint64)
        members = (count << np.uint64(64 - COUNTED_BITS)) | (values & np.uint64((1 << (64 - COUNTED_BITS)) - 1))
        sort_sets(members, ends)
        prefix = own - np.ceil(threshold * own - SLACK).astype(np.int64) + 1
        rows = np.repeat(np.arange(stop - first), own)
        kept = (np.arange(len(members)) - ends[rows] < prefix[rows]) & stands[first + rows]
        kept &= members >= np.uint64(2 << (64 - COUNTED_BITS))
        rows = first + rows[kept]
        found = np.stack((mix64(members[kept]), rows.astype(np.uint64)), axis=1)
        if groups is not None:
            found[:, 0] ^= mix64(groups[rows].astype(np.int64).view(np.uint64) + np.uint64(1))
        return found

    with progress("joining exactly", len(texts)) as advance:
        parts = []
        for (first, stop), found in zip(texts.pieces(), map_threads(work, texts.pieces()), strict=True):
            parts.append(found)
            advance(stop - first)
    return np.concatenate(parts) if parts else np.empty((0, 2), np.uint64)


def _join(keys: Array, bits: int, by_size: Array, sizes: Array, threshold: float) -> Array:
    """Pairs of rows that share a key and fit in size; `sizes` ascend and are those of `by_size`."""
    found, buffer = np.empty(0, np.uint64), np.empty(FLUSH_PAIRS, np.uint64)
    at, skip = 0, 1
    while at < len(keys):
        count, at, skip = emit_pairs(keys, (bits, threshold), sizes, (at, skip), buffer)
        one, two = (buffer[:count] >> np.uint64(32)).astype(np.int64), buffer[:count] & np.uint64(0xFFFFFFFF)
        one, two = by_size[one].astype(np.uint64), by_size[two.astype(np.int64)].astype(np.uint64)
        found = sorted_union(found, (np.minimum(one, two) << np.uint64(32)) | np.maximum(one, two))
    return found


@compiled
def emit_pairs(
    keys: Array, kind: tuple[int, float], sizes: Array, where: tuple[int, int], buffer: Array
) -> tuple[int, int, int]:
    """Write pairs of places until the buffer is full or the keys end.

    Args:
        keys: shingles in the upper bits, places in the order of sizes in the lower; sorted.
        kind: how many lower bits, and the threshold.
        sizes: set size at each place.
        where: the posting to go on with, and how far its next partner is.
        buffer: uint64, receives pairs.

    Returns:
        the number of pairs, and where to go on.
    """
    bits, mask = np.uint64(kind[0]), np.uint64((1 << kind[0]) - 1)
    count, (at, skip) = 0, where
    while at < keys.shape[0]:
        place = keys[at] & mask
        longest = sizes[np.int64(place)] / kind[1] + 1e-9
        while at + skip < keys.shape[0] and keys[at + skip] >> bits == keys[at] >> bits:
            partner = keys[at + skip] & mask
            if sizes[np.int64(partner)] > longest:
                break
            if count == buffer.shape[0]:
                return count, at, skip
            buffer[count] = (place << np.uint64(32)) | partner
            count += 1
            skip += 1
        at += 1
        skip = 1
    return count, at, skip
