"""The words of a run of rows to the numbers of their shingles, compiled; `numpy_kernel` is the same uncompiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import uint32, uint64

from .compiled import compiled
from .kernel_bits import inlined
from .kernel_words import Scratch, hash_bytes
from .shingles import POSITION, Array


@inlined
def mix64(value: Any) -> Any:
    """`shingles.mix64` of one number."""
    value ^= value >> uint64(33)
    value *= uint64(0xFF51AFD7ED558CCD)
    value ^= value >> uint64(33)
    value *= uint64(0xC4CEB9FE1A85EC53)
    return value ^ (value >> uint64(33))


@compiled
def make_shingles(scratch: Scratch, rows: int, total: int, code: int) -> None:
    """Numbers of the shingles of a run of rows that has `total` words, and what MinHash sees of them."""
    if code > 0:
        word_shingles(scratch.words[:total], code, scratch.shingles)
        end = total
    else:
        end = 0
    for row in range(rows):
        low, high = scratch.word_spans[0, row], scratch.word_spans[1, row]
        if code < 0:
            low, high = end, char_shingles(scratch, (low, high), -code, end)
            end = high
        elif high - low >= code:
            high -= code - 1
        elif low < high:
            scratch.shingles[low] = only_shingle(scratch.words[low:high])
            high = low + 1
        scratch.shingle_spans[0, row], scratch.shingle_spans[1, row] = low, high
    shingles, lower = scratch.shingles, scratch.lower
    for q in range(end):
        lower[q] = uint32(shingles[q])
    for q in range(end):
        lower[q] = mix32(lower[q])


@inlined
def mix32(value: Any) -> Any:
    """`shingles.mix32` of one number."""
    value ^= value >> uint32(16)
    value = uint32(value * uint32(0x85EBCA6B))
    value ^= value >> uint32(13)
    value = uint32(value * uint32(0xC2B2AE35))
    return uint32(value ^ (value >> uint32(16)))


@compiled
def word_shingles(words: Array, size: int, shingles: Array) -> None:
    """Numbers of the runs of `size` words that start with each word, but for the last words."""
    count = words.shape[0] - size + 1
    if size == 2:
        first, second = POSITION[0], POSITION[1]
        for q in range(count):
            shingles[q] = mix64(words[q] * first + words[q + 1] * second)
    elif size == 3:
        first, second, third = POSITION[0], POSITION[1], POSITION[2]
        for q in range(count):
            shingles[q] = mix64(words[q] * first + words[q + 1] * second + words[q + 2] * third)
    else:
        for q in range(count):
            shingles[q] = only_shingle(words[q : q + size])


@inlined
def only_shingle(words: Any) -> Any:
    """The number of the run of all words."""
    total = uint64(0)
    for place in range(words.shape[0]):
        total += words[place] * POSITION[place]
    return mix64(total)


@compiled
def char_shingles(scratch: Scratch, span: tuple[int, int], size: int, at: int) -> int:
    """Numbers of all runs of `size` characters of words joined by single spaces, written from `at` on; their end."""
    text, edges = scratch.text, scratch.edges
    end = scratch.tail
    for word in range(span[0], span[1]):
        if word > span[0]:
            text[end] = 32
            end += 1
        for i in range(np.int64(scratch.starts[word]), np.int64(scratch.ends[word])):
            text[end] = text[i]
            end += 1
    count = 0
    for i in range(scratch.tail, end):
        if (text[i] & np.uint8(0xC0)) != np.uint8(0x80):  # not a continuation byte of UTF-8
            edges[count] = i
            count += 1
    edges[count] = end
    size = min(size, count)
    if count == 0:
        return at
    for q in range(count - size + 1):
        scratch.shingles[at + q] = mix64(hash_bytes(text, np.int64(edges[q]), np.int64(edges[q + size])))
    return at + count - size + 1
