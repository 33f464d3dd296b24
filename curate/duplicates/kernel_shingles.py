"""The bytes of one row to the numbers of its shingles, compiled; `numpy_kernel` is the same without compilation.

Arithmetic on bytes stays in uint8, where the compiler vectorises it; 64 bytes at a time become the edges of words, and
8 letters at a time the number of a word.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types, uint64
from numba.extending import intrinsic

from .compiled import compiled
from .shingles import BYTES, MIX_A, MIX_B, POSITION, Array

VECTOR = ir.VectorType(ir.IntType(8), 64)
"""64 bytes, compared at once."""
Function = TypeVar("Function", bound=Callable[..., Any])


class Scratch(NamedTuple):
    """Working memory of one call."""

    text: Array
    """uint8: folded bytes of a run of rows, padded."""
    tail: int
    """Where in `text` a row that the run does not hold as it is has its place."""
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


def _bits(wanted: Callable[[Any, Any], Any]) -> Any:
    """An intrinsic (bytes, index) → 64 bits, one for each of the 64 bytes from index on, set where it is wanted."""

    def type_and_code(_context: Any, array: Any, _index: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
            loaded = builder.load(builder.bitcast(builder.gep(data, [arguments[1]]), VECTOR.as_pointer()))
            loaded.align = 1
            return builder.bitcast(wanted(builder, loaded), ir.IntType(64))

        return types.uint64(array, types.int64), generate

    return intrinsic(type_and_code)


def _within(builder: Any, loaded: Any, first: int, count: int) -> Any:
    """Which of 64 bytes are among `count` ones from `first` on."""
    distance = builder.sub(loaded, ir.Constant(VECTOR, [first] * 64))
    return builder.icmp_unsigned("<", distance, ir.Constant(VECTOR, [count] * 64))


def _any_within(builder: Any, loaded: Any, *ranges: tuple[int, int]) -> Any:
    found = [_within(builder, loaded, first, count) for first, count in ranges]
    return reduce(builder.or_, found)


def _word_bytes(builder: Any, loaded: Any) -> Any:
    return _any_within(builder, loaded, (97, 26), (48, 10), (95, 1))


def _symbol_bytes(builder: Any, loaded: Any) -> Any:
    return _any_within(builder, loaded, (35, 3), (42, 2), (47, 1), (60, 3), (94, 1))


def _solid_bytes(builder: Any, loaded: Any) -> Any:
    return builder.not_(_any_within(builder, loaded, (9, 5), (28, 5)))


load64: Any = intrinsic(_load64)
"""load64(array, index): the 8 bytes from an item on, little-endian, at any alignment."""
word_bits: Any = _bits(_word_bytes)
"""64 bits: lower-case ASCII letters, digits and underscores."""
symbol_bits: Any = _bits(_symbol_bytes)
"""64 bits: `folding.ASCII_SYMBOLS`."""
solid_bits: Any = _bits(_solid_bytes)
"""64 bits: all but ASCII white space, as `str.split` knows it."""
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
def fold_ascii(data: Array, start: int, stop: int, text: Array) -> None:
    """Lower-case ASCII letters of data[start:stop] into `text`."""
    source = data[start:stop]
    for i in range(stop - start):
        byte = source[i]
        upper = np.uint8(byte - np.uint8(65)) < np.uint8(26)
        text[i] = byte | np.uint8(np.uint8(upper) << np.uint8(5))


@compiled
def find_words(text: Array, start: int, stop: int, solid: bool, edges: Array) -> int:
    """Write start and end of every word of text[start:stop] to `edges`, a symbol being a word; the number of words.

    With `solid`, whatever stands between white space is a word.
    """
    begun, ended = 0, 0
    word_before, symbol_before = uint64(0), uint64(0)
    i = start
    while i < stop:
        if solid:
            word, symbol = solid_bits(text, i), uint64(0)
        else:
            word, symbol = word_bits(text, i), symbol_bits(text, i)
        if stop - i < 64:
            inside = (uint64(1) << uint64(stop - i)) - uint64(1)
            word &= inside
            symbol &= inside
        shifted = (word << uint64(1)) | word_before
        starts = (word & ~shifted) | symbol
        ends = (~word & shifted) | (symbol << uint64(1)) | symbol_before
        word_before, symbol_before = word >> uint64(63), symbol >> uint64(63)
        while starts != uint64(0):
            edges[begun] = i + trailing_zeros(starts)
            begun += 2
            starts &= starts - uint64(1)
        while ends != uint64(0):
            edges[ended + 1] = i + trailing_zeros(ends)
            ended += 2
            ends &= ends - uint64(1)
        i += 64
    if ended < begun:
        edges[ended + 1] = stop
    return begun >> 1


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
    """Numbers of all runs of `size` characters of the words joined by single spaces, moved to text[start:]."""
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
    count = find_words(scratch.text, start, stop, folded, scratch.edges)
    if count == 0 and stop > start:
        count = find_words(scratch.text, start, stop, True, scratch.edges)
    return count


@inlined
def row_shingles(scratch: Scratch, start: int, stop: int, folded: bool, code: int) -> tuple[Any, Any, Any]:
    """Shingle numbers of one row of a run into `scratch.shingles`.

    Returns:
        how many there are; the number of the whole text; and that of its words in any order, their sum.
    """
    text, edges, words, shingles = scratch.text, scratch.edges, scratch.words, scratch.shingles
    count = find_row_words(scratch, start, stop, folded)
    for q in range(count):
        words[q] = hash_bytes(text, np.int64(edges[2 * q]), np.int64(edges[2 * q + 1]))
    whole, bag = uint64(0), uint64(0)
    for q in range(count):  # apart from the loop above, so that the compiler vectorises it
        whole += mix64(words[q] + uint64(q + 1) * MIX_A)
        bag += words[q]
    if code > 0:
        found = word_shingles(words, count, code, shingles)
    else:
        found = char_shingles(text, start if folded else scratch.tail, count, -code, edges, shingles)
    return found, mix64(whole), bag
