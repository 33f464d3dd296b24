"""The shingle numbers of one row to its MinHash signature and band keys, compiled: nine tenths of all arithmetic.

Permutations are taken 32 at a time, whose least values stay in registers while the shingles pass by. They are written
as vectors, since the compiler would use half of the widest registers; where there are none so wide, it splits them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types, uint32, uint64
from numba.extending import intrinsic

from .compiled import compiled
from .kernel_shingles import inlined, load64
from .shingles import MIX_A, MIX_B, Array

LANES = 16
"""Permutations in a vector."""
AT_ONCE = 2 * LANES
"""Permutations taken at a time."""
UNROLLED = 4
"""Shingles that the compiler takes in one turn of the loop."""
VECTOR = ir.VectorType(ir.IntType(32), LANES)
INDEX = ir.IntType(64)
ZERO = ir.Constant(ir.IntType(32), 0)


class Signer(NamedTuple):
    """Permutations, padded to a multiple of `AT_ONCE`, and the signature that they give."""

    a: Array
    """uint32: multipliers."""
    b: Array
    """uint32: offsets."""
    signature: Array
    """uint32: the least value of each permutation."""


@compiled
def make_signer(a: Array, b: Array) -> Signer:
    """The permutations with room for a signature."""
    size = (a.shape[0] + AT_ONCE - 1) // AT_ONCE * AT_ONCE
    padded = Signer(np.zeros(size, np.uint32), np.zeros(size, np.uint32), np.empty(size, np.uint32))
    padded.a[: a.shape[0]] = a
    padded.b[: a.shape[0]] = b
    return padded


def _least_values(_context: Any, lower: Any, a: Any, b: Any, out: Any, _count: Any, _first: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = zip(signature.args[:4], arguments[:4], strict=True)
        hashes, *others = (context.make_array(kind)(context, builder, value).data for kind, value in kinds)
        count, first = arguments[4:]
        starts = [builder.add(first, ir.Constant(INDEX, LANES * half)) for half in range(2)]
        ones, twos, places = ([_vector_at(builder, data, start) for start in starts] for data in others)
        factors = [(_load(builder, one), _load(builder, two)) for one, two in zip(ones, twos, strict=True)]
        for place, least in zip(places, _loop(builder, hashes, count, factors), strict=True):
            builder.store(least, place).align = 4
        return context.get_constant(types.int64, 0)

    return types.int64(lower, a, b, out, types.int64, types.int64), generate


def _loop(builder: Any, lower: Any, count: Any, factors: list[tuple[Any, Any]]) -> list[Any]:
    """Code of the loop over shingles; the least values after it, one vector for each pair of factors."""
    before, loop = builder.block, builder.append_basic_block("shingles")
    after = builder.append_basic_block("after")
    builder.cbranch(builder.icmp_signed(">", count, ir.Constant(INDEX, 0)), loop, after)
    builder.position_at_end(loop)
    at, least = builder.phi(INDEX), [builder.phi(VECTOR) for _ in factors]
    lane = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), builder.load(builder.gep(lower, [at])), ZERO)
    spread = builder.shuffle_vector(lane, lane, ir.Constant(VECTOR, [0] * LANES))
    fresh = [builder.add(builder.mul(spread, a), b) for a, b in factors]
    fresh = [
        builder.select(builder.icmp_unsigned("<", value, old), value, old)
        for value, old in zip(fresh, least, strict=True)
    ]
    following = builder.add(at, ir.Constant(INDEX, 1))
    builder.cbranch(builder.icmp_signed("<", following, count), loop, after)
    at.add_incoming(ir.Constant(INDEX, 0), before)
    at.add_incoming(following, loop)
    builder.position_at_end(after)
    results = [builder.phi(VECTOR) for _ in factors]
    for old, value, result in zip(least, fresh, results, strict=True):
        for phi in (old, result):
            phi.add_incoming(ir.Constant(VECTOR, [0xFFFFFFFF] * LANES), before)
            phi.add_incoming(value, loop)
    return results


def _vector_at(builder: Any, data: Any, place: Any) -> Any:
    return builder.bitcast(builder.gep(data, [place]), VECTOR.as_pointer())


def _load(builder: Any, place: Any) -> Any:
    loaded = builder.load(place)
    loaded.align = 4
    return loaded


least_values: Any = intrinsic(_least_values)
"""least_values(lower, a, b, out, count, first): AT_ONCE values of out = the least of a·h + b over lower[:count]."""


@inlined
def mix32(value: Any) -> Any:
    """`shingles.mix32` of one number."""
    value ^= value >> uint32(16)
    value = uint32(value * uint32(0x85EBCA6B))
    value ^= value >> uint32(13)
    value = uint32(value * uint32(0xC2B2AE35))
    return uint32(value ^ (value >> uint32(16)))


@inlined
def sign(shingles: Any, count: Any, lower: Any, signer: Any) -> Any:
    """Write the affine32 MinHash signature of one row to `signer.signature`."""
    for q in range(count):
        lower[q] = uint32(shingles[q])
    for q in range(count):
        lower[q] = mix32(lower[q])
    even = (count + UNROLLED - 1) // UNROLLED * UNROLLED
    for q in range(count, even):  # a repeat changes no least value, and spares the loop a rest
        lower[q] = lower[0]
    for first in range(0, signer.a.shape[0], AT_ONCE):
        least_values(lower, signer.a, signer.b, signer.signature, even, first)


@inlined
def band_keys(signer: Any, rows: Any, keys: Any, row: Any) -> Any:
    """Write one 64-bit number for the values of each band to keys[:, row]: a sum of products, two values at a time."""
    signature = signer.signature
    for band in range(keys.shape[0]):
        first = band * rows
        value = uint64(band + 1)
        for k in range(0, rows - 1, 2):
            value += load64(signature, first + k) * (uint64(k + 1) * MIX_A)
        if rows & 1:
            value += uint64(signature[first + rows - 1]) * (uint64(rows) * MIX_A)
        keys[band, row] = (value ^ (value >> uint64(32))) * MIX_B
