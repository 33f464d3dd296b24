"""Bytes to bits and bits to places, 64 at a time: instructions of the processor that numba has no names for.

They are written in LLVM's own terms, which it turns into what the machine has: one instruction or a few.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any, TypeVar, cast

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types, uint64
from numba.core import codegen
from numba.extending import intrinsic

LANES = 64
"""Bytes or numbers that are compared at once."""
settings: Any = numba.config
host: Any = codegen
FEATURES = host.get_host_cpu_features() if settings.CPU_FEATURES is None else settings.CPU_FEATURES
"""What the processor that numba compiles for can do."""
COMPRESSES = "+avx512vbmi2" in FEATURES
"""Whether one instruction turns 64 bits into their places."""
HIGH_BITS = np.uint64(0x8080808080808080)
"""Of 8 bytes, the bits that none of ASCII has."""
LOW_BITS = np.uint64(0x0101010101010101)
"""The lowest of each."""
AT_ONCE = 64 if COMPRESSES else 16
"""Places written at once; seldom do more than 16 words begin or end in 64 bytes."""
BYTES = ir.VectorType(ir.IntType(8), LANES)
INTS = ir.VectorType(ir.IntType(32), LANES)
HALF, WHOLE = ir.IntType(32), ir.IntType(64)
Function = TypeVar("Function", bound=Callable[..., Any])


def inlined(function: Function) -> Function:
    """Compiled into each of its callers."""
    return cast(Function, njit(inline="always")(function))


def data_of(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    """Pointer to the first item of an array."""
    return context.make_array(kind)(context, builder, array).data


def load_at(builder: Any, data: Any, index: Any, kind: Any, align: int = 1) -> Any:
    """A value of any kind from an item of an array on, at any alignment."""
    loaded = builder.load(builder.bitcast(builder.gep(data, [index]), kind.as_pointer()))
    loaded.align = align
    return loaded


def spread(builder: Any, value: Any, lanes: int) -> Any:
    """A vector with a value in each lane."""
    lane = builder.insert_element(
        ir.Constant(ir.VectorType(value.type, lanes), ir.Undefined), value, ir.Constant(HALF, 0)
    )
    return builder.shuffle_vector(lane, lane, ir.Constant(ir.VectorType(HALF, lanes), [0] * lanes))


def _load64(_context: Any, array: Any, _index: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return load_at(builder, data_of(context, builder, signature.args[0], arguments[0]), arguments[1], WHOLE)

    return types.uint64(array, types.int64), generate


def _trailing_zeros(_context: Any, _value: Any) -> Any:
    def generate(_inner: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


def _count_ones(_context: Any, _value: Any) -> Any:
    def generate(_inner: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


def _bits(wanted: Callable[[Any, Any], Any]) -> Any:
    """An intrinsic (bytes, index) → 64 bits, one for each of the 64 bytes from index on, set where it is wanted."""

    def type_and_code(_context: Any, array: Any, _index: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            data = data_of(context, builder, signature.args[0], arguments[0])
            return builder.bitcast(wanted(builder, load_at(builder, data, arguments[1], BYTES)), WHOLE)

        return types.uint64(array, types.int64), generate

    return intrinsic(type_and_code)


def _within(builder: Any, loaded: Any, first: int, count: int) -> Any:
    """Which of 64 bytes are among `count` ones from `first` on."""
    distance = builder.sub(loaded, ir.Constant(BYTES, [first] * LANES))
    return builder.icmp_unsigned("<", distance, ir.Constant(BYTES, [count] * LANES))


def _any_within(builder: Any, loaded: Any, *ranges: tuple[int, int]) -> Any:
    found = [_within(builder, loaded, first, count) for first, count in ranges]
    return reduce(builder.or_, found)


def _word_bytes(builder: Any, loaded: Any) -> Any:
    return _any_within(builder, loaded, (97, 26), (48, 10), (95, 1), (128, 128))


def _symbol_bytes(builder: Any, loaded: Any) -> Any:
    return _any_within(builder, loaded, (35, 3), (42, 2), (47, 1), (60, 3), (94, 1))


def _solid_bytes(builder: Any, loaded: Any) -> Any:
    return builder.not_(_any_within(builder, loaded, (9, 5), (28, 5)))


def _wider_bits(_context: Any, starts: Any, ends: Any, _first: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        low, high = (
            load_at(builder, data_of(context, builder, kind, array), arguments[2], INTS, align=4)
            for kind, array in zip(signature.args[:2], arguments[:2], strict=True)
        )
        wider = builder.icmp_signed(">", builder.sub(high, low), ir.Constant(INTS, [8] * LANES))
        return builder.bitcast(wider, WHOLE)

    return types.uint64(starts, ends, types.int64), generate


def _put_places(_context: Any, _bits: Any, _base: Any, out: Any, _at: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        bits, base, _, at = arguments
        place = builder.gep(data_of(context, builder, signature.args[2], arguments[2]), [at])
        if COMPRESSES:
            return _put_all(builder, bits, base, place)
        pairs = builder.bitcast(place, WHOLE.as_pointer())
        twice = builder.mul(base, ir.Constant(WHOLE, (1 << 32) + 1))
        for pair in range(AT_ONCE // 2):
            low, bits = _lowest(builder, bits)
            high, bits = _lowest(builder, bits)
            both = builder.or_(low, builder.shl(high, ir.Constant(WHOLE, 32)))
            builder.store(builder.add(both, twice), builder.gep(pairs, [ir.Constant(WHOLE, pair)])).align = 4
        return bits

    return types.uint64(types.uint64, types.int64, out, types.int64), generate


def _put_all(builder: Any, bits: Any, base: Any, place: Any) -> Any:
    """Code that writes the places of all bits; the bits that are left."""
    mask = builder.bitcast(bits, ir.VectorType(ir.IntType(1), LANES))
    kind = ir.FunctionType(BYTES, [BYTES, BYTES, mask.type])
    compress = builder.module.declare_intrinsic(f"llvm.x86.avx512.mask.compress.v{LANES}i8", (), kind)
    lanes = ir.Constant(BYTES, list(range(LANES)))
    places = builder.call(compress, [lanes, ir.Constant(BYTES, [0] * LANES), mask])
    _put_half(builder, places, base, place, 0)
    with builder.if_then(builder.icmp_unsigned(">", builder.ctpop(bits), ir.Constant(WHOLE, LANES // 2)), likely=False):
        _put_half(builder, places, base, place, LANES // 2)
    return ir.Constant(WHOLE, 0)


def _put_half(builder: Any, places: Any, base: Any, out: Any, first: int) -> None:
    """Code that writes base + 32 places from the first one on, bytes, as ints."""
    indices = ir.Constant(ir.VectorType(HALF, LANES // 2), list(range(first, first + LANES // 2)))
    half = builder.zext(builder.shuffle_vector(places, places, indices), ir.VectorType(HALF, LANES // 2))
    bases = spread(builder, builder.trunc(base, HALF), LANES // 2)
    start = builder.bitcast(builder.gep(out, [ir.Constant(WHOLE, first)]), half.type.as_pointer())
    builder.store(builder.add(half, bases), start).align = 4


def _lowest(builder: Any, bits: Any) -> tuple[Any, Any]:
    """Place of the lowest bit that is set, 64 for none; and the bits without it."""
    place = builder.cttz(bits, ir.Constant(ir.IntType(1), 0))
    return place, builder.and_(bits, builder.sub(bits, ir.Constant(WHOLE, 1)))


load64: Any = intrinsic(_load64)
"""load64(array, index): the 8 bytes from an item on, little-endian, at any alignment."""
word_bits: Any = _bits(_word_bytes)
"""64 bits: lower-case ASCII letters, digits, underscores, and bytes of characters that are not ASCII."""
symbol_bits: Any = _bits(_symbol_bytes)
"""64 bits: `folding.ASCII_SYMBOLS`."""
solid_bits: Any = _bits(_solid_bytes)
"""64 bits: all but ASCII white space, as `str.split` knows it."""
wider_bits: Any = intrinsic(_wider_bits)
"""wider_bits(starts, ends, first): 64 bits, set where the int32 ends exceed their starts by more than 8."""
trailing_zeros: Any = intrinsic(_trailing_zeros)
"""trailing_zeros(value): number of zero bits below the lowest one; value must not be 0."""
count_ones: Any = intrinsic(_count_ones)
"""count_ones(value): number of bits that are set."""
put_places: Any = intrinsic(_put_places)
"""put_places(bits, base, out, at): write base + the places of the lowest AT_ONCE bits to out[at:], int32, and anything
where there are fewer; the bits that are left."""


@inlined
def same_bytes(eight: Any, others: Any) -> Any:
    """Bits that are not all zero if one of 8 bytes is the one in its place, never otherwise; the lowest is in such."""
    differing = eight ^ others
    return (differing - LOW_BITS) & ~differing & HIGH_BITS


@inlined
def write_places(bits: Any, base: Any, out: Any, at: Any) -> Any:
    """Write base + the place of each bit that is set to out[at:], int32 with AT_ONCE items to spare; the new end.

    A loop that ends with the bits would be mispredicted nearly every time.
    """
    end = at + count_ones(bits)
    bits = put_places(bits, base, out, at)
    while bits != uint64(0):
        at += AT_ONCE
        bits = put_places(bits, base, out, at)
    return end
