"""The bytes of one row to the numbers of its shingles, compiled; `numpy_kernel` is the same without compilation.

Arithmetic on bytes stays in uint8, where the compiler vectorises it; 64 flags at a time become the edges of words, and
8 letters at a time the number of a word.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types, uint64
from numba.extending import intrinsic

from .compiled import compiled
from .shingles import BYTES, MIX_A, MIX_B, PAD, POSITION, Array

Function = TypeVar("Function", bound=Callable[..., Any])


class Scratch(NamedTuple):
    """Working memory of one call."""

    text: Array
    """uint8: folded bytes of a run of rows, padded."""
    flags: Array
    """uint8: 1 where the byte belongs to a word, padded."""
    tail: int
    """Where in `text` and `flags` a row that the run does not hold as it is has its place."""
    edges: Array
    """int32: start and end of every word of one row; in character mode, the start of every character."""
    words: Array
    """uint64: one number per word of one row."""
    shingles: Array
    """uint64: one number per shingle of one row, repeats included."""


def inlined(function: Function) -> Function:
    """Compiled into each of its callers."""
    return cast(Function, njit(inline="always")(function))


def _load64(_context: Any, array: Any, _index: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        place = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(64).as_pointer())
        loaded = builder.load(place)
        loaded.align = 1
        return loaded

    return types.uint64(array, types.int64), generate


def _trailing_zeros(_context: Any, _value: Any) -> Any:
    def generate(_inner: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


load64: Any = intrinsic(_load64)
"""load64(bytes, index): the 8 bytes from index on, little-endian, at any alignment."""
trailing_zeros: Any = intrinsic(_trailing_zeros)
"""trailing_zeros(value): number of zero bits below the lowest one; value must not be 0."""


@inlined
def mix64(value: Any) -> Any:
    """`shingles.mix64` of one number."""
    value ^= value >> uint64(33)
    value *= uint64(0xFF51AFD7ED558CCD)
    value ^= value >> uint64(33)
    value *= uint64(0xC4CEB9FE1A85EC53)
    return value ^ (value >> uint64(33))


@compiled
def fold_ascii(data: Array, start: int, stop: int, text: Array, flags: Array) -> None:
    """Lower-case ASCII letters into `text` and flag word characters, over data[start:stop]."""
    source = data[start:stop]
    for i in range(stop - start):
        byte = source[i]
        upper = np.uint8(byte - np.uint8(65)) < np.uint8(26)
        low = byte | np.uint8(np.uint8(upper) << np.uint8(5))
        text[i] = low
        flags[i] = (
            (np.uint8(low - np.uint8(97)) < np.uint8(26))
            | (np.uint8(byte - np.uint8(48)) < np.uint8(10))
            | (byte == np.uint8(95))
        )
    for i in range(stop - start, stop - start + PAD):
        text[i] = 0
        flags[i] = 0


@compiled
def flag_non_space(text: Array, flags: Array, start: int, stop: int) -> None:
    """Flag all but white space: of a row folded before, and of a row that has nothing but symbols."""
    for i in range(start, stop):
        byte = text[i]
        space = (np.uint8(byte - np.uint8(9)) < np.uint8(5)) | (np.uint8(byte - np.uint8(28)) < np.uint8(5))
        flags[i] = np.uint8(1) - np.uint8(space)


@inlined
def flag_bits(flags: Any, i: Any) -> Any:
    """64 flags from i on as 64 bits."""
    gather = uint64(0x0102040810204080)  # the lowest bits of eight bytes, side by side in the highest byte
    bits = (load64(flags, i) * gather) >> uint64(56)
    bits |= ((load64(flags, i + 8) * gather) >> uint64(56)) << uint64(8)
    bits |= ((load64(flags, i + 16) * gather) >> uint64(56)) << uint64(16)
    bits |= ((load64(flags, i + 24) * gather) >> uint64(56)) << uint64(24)
    bits |= ((load64(flags, i + 32) * gather) >> uint64(56)) << uint64(32)
    bits |= ((load64(flags, i + 40) * gather) >> uint64(56)) << uint64(40)
    bits |= ((load64(flags, i + 48) * gather) >> uint64(56)) << uint64(48)
    bits |= ((load64(flags, i + 56) * gather) >> uint64(56)) << uint64(56)
    return bits


@inlined
def find_words(flags: Array, start: int, stop: int, edges: Array) -> int:
    """Write start and end of every word of flags[start:stop] to `edges`; the number of words."""
    count = 0
    carry = uint64(0)
    i = start
    while i < stop:
        bits = flag_bits(flags, i)
        if stop - i < 64:
            bits &= (uint64(1) << uint64(stop - i)) - uint64(1)
        changes = bits ^ ((bits << uint64(1)) | carry)
        carry = bits >> uint64(63)
        while changes != uint64(0):
            edges[count] = i + trailing_zeros(changes)
            count += 1
            changes &= changes - uint64(1)
        i += 64
    if count & 1:
        edges[count] = stop
        count += 1
    return count >> 1


@inlined
def hash_bytes(text: Any, start: Any, stop: Any) -> Any:
    """One number for text[start:stop], not empty."""
    left = stop - start
    value = ((load64(text, start) & BYTES[min(left, 8)]) + uint64(left)) * MIX_A
    value ^= value >> uint64(32)
    left -= 8
    start += 8
    while left > 0:
        value = (value ^ (load64(text, start) & BYTES[min(left, 8)])) * MIX_B
        value ^= value >> uint64(29)
        left -= 8
        start += 8
    return value


@inlined
def word_shingles(words: Any, count: Any, size: Any, shingles: Any) -> Any:
    """Numbers of all runs of `size` words; of fewer words, of their only run."""
    size = min(size, count)
    if count == 0:
        return 0
    if size == 2:
        first, second = POSITION[0], POSITION[1]
        for q in range(count - 1):
            shingles[q] = mix64(words[q] * first + words[q + 1] * second)
    elif size == 3:
        first, second, third = POSITION[0], POSITION[1], POSITION[2]
        for q in range(count - 2):
            shingles[q] = mix64(words[q] * first + words[q + 1] * second + words[q + 2] * third)
    else:
        for q in range(count - size + 1):
            total = uint64(0)
            for place in range(size):
                total += words[q + place] * POSITION[place]
            shingles[q] = mix64(total)
    return count - size + 1


@compiled
def char_shingles(text: Array, start: int, words: int, size: int, edges: Array, shingles: Array) -> int:
    """Numbers of all runs of `size` characters of the words joined by single spaces, which are moved together."""
    end = start
    for word in range(words):
        if word > 0:
            text[end] = 32
            end += 1
        for i in range(np.int64(edges[2 * word]), np.int64(edges[2 * word + 1])):
            text[end] = text[i]
            end += 1
    count = 0
    for i in range(start, end):
        if (text[i] & np.uint8(0xC0)) != np.uint8(0x80):  # not a continuation byte of UTF-8
            edges[count] = i
            count += 1
    edges[count] = end
    size = min(size, count)
    if count == 0:
        return 0
    for q in range(count - size + 1):
        shingles[q] = mix64(hash_bytes(text, np.int64(edges[q]), np.int64(edges[q + size])))
    return count - size + 1


@inlined
def find_row_words(scratch: Scratch, start: int, stop: int, folded: bool) -> int:
    """Write start and end of every word of one row of a run to `scratch.edges`; the number of words."""
    text, flags, edges = scratch.text, scratch.flags, scratch.edges
    if folded:
        flag_non_space(text, flags, start, stop)
    count = find_words(flags, start, stop, edges)
    if count == 0 and stop > start:
        flag_non_space(text, flags, start, stop)
        count = find_words(flags, start, stop, edges)
    return count


@inlined
def row_shingles(scratch: Scratch, start: int, stop: int, folded: bool, code: int) -> tuple[int, int]:
    """Shingle numbers of one row of a run into `scratch.shingles`; their count, and the number of the whole text."""
    text, _, _, edges, words, shingles = scratch
    count = find_row_words(scratch, start, stop, folded)
    whole = uint64(count)
    for q in range(count):
        word = hash_bytes(text, np.int64(edges[2 * q]), np.int64(edges[2 * q + 1]))
        words[q] = word
    for q in range(count):
        whole = (whole ^ words[q]) * MIX_A
        whole ^= whole >> uint64(32)
    if code > 0:
        found = word_shingles(words, count, code, shingles)
    else:
        found = char_shingles(text, start, count, -code, edges, shingles)
    return found, mix64(whole)
