"""The first eight bytes of BLAKE2b (RFC 7693, unkeyed, digests of eight bytes) of many rows of texts, compiled.

Eight rows are hashed at once, each in a lane of its own: what one instruction of the processor does to eight numbers
at a time is done to eight rows. `hashlib` gives the same digests one by one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .compiled import compile_cached

Array = np.ndarray[Any, Any]


def compiled(function: Any) -> Any:
    """Compiled with this file alone."""
    return compile_cached(function, [Path(__file__)])


LANES = 8
BLOCK = 128
"""Bytes that are hashed at once."""
WORDS = BLOCK // 8
ROUNDS = 12
DIGEST_BYTES = 8
START: Array = np.array(
    [0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1,
     0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179],
    np.uint64,
)  # fmt: skip
"""(8,) initialisation vector, section 2.6."""
PARAMETERS = np.uint64(0x01010000 | DIGEST_BYTES)
"""Depth and fan-out 1, no key, length of the digest: what is mixed into the first word of the state, section 2.5."""
ORDER: Array = np.array(
    [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
        [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
        [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
        [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
        [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
        [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
        [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
        [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
        [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
    ],
    np.uint8,
)
"""(10, 16) order of a block's words in each round, section 2.7; the last two rounds have those of the first two."""


@compiled
def hash_rows(texts: Any, heads: Array, head_ends: Array, scratch: Array, scratch_bytes: Array, found: Array) -> None:
    """Hash the rows' texts, each after its head; the digests' eight bytes are written to `found` (n,) uint64.

    Args:
        texts: pairs of uint8 and int64 (n + 1,), the texts of each column and where they start and end.
        heads: uint8, what stands before the text of each column, one after the other.
        head_ends: (columns + 1,) where each of them starts and the last one ends.
        scratch: (LANES, words) uint64, room for the longest row in whole blocks.
        scratch_bytes: (LANES, 8 * words) uint8, the same memory.
        found: see above.
    """
    rows, at, size = np.full(LANES, -1), np.zeros(LANES, np.int64), np.zeros(LANES, np.int64)
    state, work = np.zeros(8 * LANES, np.uint64), np.zeros(2 * WORDS * LANES, np.uint64)
    block, mark = np.zeros(WORDS * LANES, np.uint64), np.zeros(2 * LANES, np.uint64)
    fresh, busy = 0, 1
    while busy:
        busy = 0
        for lane in range(LANES):
            if rows[lane] < 0 and fresh < found.shape[0]:
                rows[lane], at[lane] = fresh, 0
                size[lane] = gather(scratch_bytes[lane], texts, heads, head_ends, fresh)
                start_lane(state, lane)
                fresh += 1
            if rows[lane] >= 0:
                busy += 1
                at[lane] = next_block(block, mark, lane, scratch[lane], at[lane], size[lane])
        compress(state, block, mark, work)
        for lane in range(LANES):
            if rows[lane] >= 0 and at[lane] == size[lane]:
                found[rows[lane]], rows[lane] = state[lane], -1


@compiled
def start_lane(state: Array, lane: int) -> None:
    """The state before the first block."""
    for word in range(8):
        state[word * LANES + lane] = START[word]
    state[lane] ^= PARAMETERS


@compiled
def next_block(block: Array, mark: Array, lane: int, words: Array, at: int, size: int) -> int:
    """Put the block at byte `at` of a row of so many bytes into its lane; the bytes that are then done."""
    first = at // 8
    for word in range(WORDS):
        block[word * LANES + lane] = words[first + word]
    done = min(at + BLOCK, size)
    mark[lane] = done
    mark[LANES + lane] = ~np.uint64(0) if done == size else np.uint64(0)
    return done


@compiled
def gather(out: Array, texts: Any, heads: Array, head_ends: Array, row: int) -> int:
    """Write heads and texts of one row, and zeros to the end of its last block; the bytes without them."""
    end = 0
    for column in range(head_ends.shape[0] - 1):
        data, ends = texts[column]
        end = append(out, end, heads, head_ends[column], head_ends[column + 1])
        end = append(out, end, data, ends[row], ends[row + 1])
    for rest in range(end, (end + BLOCK - 1) // BLOCK * BLOCK):
        out[rest] = 0
    return end


@compiled
def append(out: Array, end: int, data: Array, start: int, stop: int) -> int:
    """Write data[start:stop] to `out` from `end` on; the new end."""
    size = stop - start
    source, target = data[start:stop], out[end : end + size]
    for at in range(size):
        target[at] = source[at]
    return end + size


@compiled
def compress(state: Array, block: Array, mark: Array, work: Array) -> None:
    """Mix the next block of every lane into its state: function F, section 3.2.

    Args:
        state: (8 * LANES,) uint64, each word of all lanes after the other; changed.
        block: (16 * LANES,) uint64, likewise.
        mark: (2 * LANES,) uint64, the bytes so far with this block, and all bits set where it is a row's last.
        work: (32 * LANES,) uint64, room for the 16 words that are mixed and the block's in the order of the round: in
            one array, so that the compiler sees that they do not overlap.
    """
    for at in range(8 * LANES):
        work[at], work[at + 8 * LANES] = state[at], START[at // LANES]
    for lane in range(LANES):
        work[12 * LANES + lane] ^= mark[lane]
        work[14 * LANES + lane] ^= mark[LANES + lane]
    for turn in range(ROUNDS):
        put_in_order(work, block, ORDER[turn % 10])
        mix_all(work)
    for at in range(8 * LANES):
        state[at] ^= work[at] ^ work[at + 8 * LANES]


@compiled
def put_in_order(w: Array, block: Array, order: Array) -> None:
    """A block's words to where the round looks for them; all lanes are read before any is written, so by one step."""
    for word in range(WORDS):
        o, to = order[word] * LANES, (WORDS + word) * LANES
        a, b, c, d = block[o], block[o + 1], block[o + 2], block[o + 3]
        e, f, g, h = block[o + 4], block[o + 5], block[o + 6], block[o + 7]
        w[to], w[to + 1], w[to + 2], w[to + 3] = a, b, c, d
        w[to + 4], w[to + 5], w[to + 6], w[to + 7] = e, f, g, h


@compiled
def mix_all(w: Array) -> None:
    """One round over all lanes: columns, then diagonals."""
    for k in range(LANES):
        mix(w, k, 0, 4, 8, 12, 0)
        mix(w, k, 1, 5, 9, 13, 2)
        mix(w, k, 2, 6, 10, 14, 4)
        mix(w, k, 3, 7, 11, 15, 6)
        mix(w, k, 0, 5, 10, 15, 8)
        mix(w, k, 1, 6, 11, 12, 10)
        mix(w, k, 2, 7, 8, 13, 12)
        mix(w, k, 3, 4, 9, 14, 14)


@compiled
def mix(w: Array, k: int, a: int, b: int, c: int, d: int, word: int) -> None:
    """Function G, section 3.1, on four words of lane `k` with the block's two at `word`."""
    a, b, c, d, x = a * LANES + k, b * LANES + k, c * LANES + k, d * LANES + k, (WORDS + word) * LANES + k
    w[a] = w[a] + w[b] + w[x]
    w[d] = rotate(w[d] ^ w[a], 32)
    w[c] = w[c] + w[d]
    w[b] = rotate(w[b] ^ w[c], 24)
    w[a] = w[a] + w[b] + w[x + LANES]
    w[d] = rotate(w[d] ^ w[a], 16)
    w[c] = w[c] + w[d]
    w[b] = rotate(w[b] ^ w[c], 63)


@compiled
def rotate(word: Any, bits: int) -> Any:
    """The 64 bits moved to the right, those that fall out put in on the left."""
    return word >> np.uint64(bits) | word << np.uint64(64 - bits)
