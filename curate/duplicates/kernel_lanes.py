"""The numbers of one row to a few that sum them up, compiled: 8 at a time, of the last ones only those in the row.

A row has some eighty numbers: left to the compiler, what its vectors leave over would take longer than the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .kernel_bits import WHOLE, data_of, load_at, spread
from .shingles import MAP_WORDS, MIX_A

LANES = 8
"""64-bit numbers in a vector."""
VECTOR = ir.VectorType(WHOLE, LANES)
INT = partial(ir.Constant, WHOLE)
code: Any = cgutils
"""What builds loops and variables."""
Tuple: Any = types.UniTuple
Body = Callable[[Any, Any, Any], list[Any]]
"""(builder, 8 numbers, their places in the row) → 8 values for each result."""


def every(value: int) -> Any:
    """A vector with a constant in each lane."""
    return ir.Constant(VECTOR, [value % 2**64] * LANES)


def lanes_from(builder: Any, first: Any) -> Any:
    """A vector of `first` and the 7 numbers after it."""
    return builder.add(spread(builder, first, LANES), ir.Constant(VECTOR, list(range(LANES))))


def _over_row(body: Body, operation: str, results: int) -> Any:
    """An intrinsic (numbers, low, high) → the values of `body` over numbers[low:high], reduced by an operation.

    It reads up to 7 items beyond.
    """

    def type_and_code(_context: Any, array: Any, _low: Any, _high: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            data, (low, high) = data_of(context, builder, signature.args[0], arguments[0]), arguments[1:]
            size, combine = builder.sub(high, low), getattr(builder, operation)
            totals = [code.alloca_once_value(builder, every(0)) for _ in range(results)]
            with code.for_range_slice(builder, INT(0), size, INT(LANES), WHOLE) as (at, _):
                places = lanes_from(builder, at)
                inside = builder.icmp_unsigned("<", places, spread(builder, size, LANES))
                values = body(builder, load_at(builder, data, builder.add(low, at), VECTOR, 8), places)
                for total, value in zip(totals, values, strict=True):
                    kept = builder.select(inside, value, every(0))
                    builder.store(combine(builder.load(total), kept), total)
            name = f"llvm.vector.reduce.{operation.strip('_')}.v{LANES}i64"
            reduce = builder.module.declare_intrinsic(name, (), ir.FunctionType(WHOLE, [VECTOR]))
            reduced = [builder.call(reduce, [builder.load(total)]) for total in totals]
            return context.make_tuple(builder, signature.return_type, reduced)

        return Tuple(types.uint64, results)(array, types.int64, types.int64), generate

    return intrinsic(type_and_code)


def _mixed(builder: Any, value: Any) -> Any:
    """`shingles.mix64` of each lane."""
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        value = builder.xor(value, builder.lshr(value, every(33)))
        value = builder.mul(value, every(factor))
    return builder.xor(value, builder.lshr(value, every(33)))


def _text_numbers(builder: Any, words: Any, places: Any) -> list[Any]:
    weights = builder.mul(builder.add(places, every(1)), every(int(MIX_A)))
    return [_mixed(builder, builder.add(words, weights)), words]


def _map_bits(builder: Any, shingles: Any, _places: Any) -> list[Any]:
    bits = builder.shl(every(1), builder.and_(shingles, every(63)))
    words = builder.and_(builder.lshr(shingles, every(6)), every(MAP_WORDS - 1))
    return [
        builder.select(builder.icmp_unsigned("==", words, every(word)), bits, every(0)) for word in range(MAP_WORDS)
    ]


def _band_sums(_context: Any, pairs: Any, _bands: Any, _size: Any, out: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, bands, size, _ = arguments
        data, sums = (data_of(context, builder, signature.args[at], arguments[at]) for at in (0, 3))
        with code.for_range_slice(builder, INT(0), bands, INT(LANES), WHOLE) as (band, _):
            total = code.alloca_once_value(builder, lanes_from(builder, builder.add(band, INT(1))))
            weight = code.alloca_once_value(builder, every(int(MIX_A)))
            with code.for_range(builder, size) as loop:
                place = builder.add(builder.mul(loop.index, bands), band)
                value = builder.mul(load_at(builder, data, place, VECTOR, 8), builder.load(weight))
                builder.store(builder.add(builder.load(total), value), total)
                builder.store(builder.add(builder.load(weight), every(2 * int(MIX_A))), weight)
            place = builder.bitcast(builder.gep(sums, [band]), VECTOR.as_pointer())
            builder.store(builder.load(total), place).align = 8
        return context.get_constant(types.int64, 0)

    return types.int64(pairs, types.int64, types.int64, out), generate


text_numbers: Any = _over_row(_text_numbers, "add", 2)
"""text_numbers(words, low, high): the sum of the mixed words, each with its place, and the sum of the words."""
map_bits: Any = _over_row(_map_bits, "or_", MAP_WORDS)
"""map_bits(shingles, low, high): the words of the bitmap of the shingles."""
band_sums: Any = intrinsic(_band_sums)
"""band_sums(pairs, bands, size, out): for each band its number from 1 on, and for each k below size
(2k + 1) · MIX_A · pairs[k · bands + band]; their sums are written to `out`, and anything to up to 7 items beyond."""
