"""The shingle numbers of one row to its MinHash signature and band keys, compiled: nine tenths of all arithmetic.

Permutations are taken 64 at a time, whose least values stay in registers while the shingles pass by: a loop that ends
with each row is mispredicted once for each turn over the shingles. They are written as vectors, since the compiler
would use half of the widest registers; where there are none so wide, it splits them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types, uint64
from numba.extending import intrinsic

from .compiled import compiled
from .kernel_bits import WHOLE, data_of, inlined, load_at, spread
from .kernel_lanes import band_sums, code
from .shingles import MIX_A, MIX_B, Array

LANES = 16
"""Permutations in a vector."""
VECTORS = 4
"""Vectors taken at a time while so many are left, then VECTORS // 2."""
AT_ONCE = VECTORS // 2 * LANES
"""Permutations taken at a time at least."""
PADDING = 16
"""Values that may be read or written past an end."""
VECTOR = ir.VectorType(ir.IntType(32), LANES)


class Signer(NamedTuple):
    """Permutations, padded to a multiple of `AT_ONCE`, and the signature that they give.

    They stand in the order in which `band_keys` adds up their values: pairs of one band's, band by band.
    """

    a: Array
    """uint32: multipliers."""
    b: Array
    """uint32: offsets."""
    signature: Array
    """uint32: the least value of each permutation."""
    pairs: Array
    """uint64: the same memory, two values at a time."""
    rows: int
    """Values in a band."""
    sums: Array
    """uint64: a number for each band, padded."""


@compiled
def make_signer(a: Array, b: Array, rows: int) -> Signer:
    """The permutations of bands of `rows` values, with room for a signature."""
    bands, size = a.shape[0] // rows, (a.shape[0] + AT_ONCE - 1) // AT_ONCE * AT_ONCE
    signature = np.empty(size + PADDING, np.uint32)
    ones, twos, sums = np.zeros(size, np.uint32), np.zeros(size, np.uint32), np.empty(bands + PADDING, np.uint64)
    padded = Signer(ones, twos, signature, signature.view(np.uint64), rows, sums)
    for band in range(bands):
        for row in range(rows):
            place = (row // 2 * bands + band) * 2 + row % 2 if row < rows // 2 * 2 else row * bands + band
            padded.a[place], padded.b[place] = a[band * rows + row], b[band * rows + row]
    return padded


def _least_values(vectors: int) -> Any:
    """An intrinsic that takes as many vectors of permutations at a time; see `most_values`."""

    def type_and_code(_context: Any, lower: Any, low: Any, high: Any, a: Any, b: Any, out: Any, first: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            hashes, ones, twos, least = (
                data_of(context, builder, signature.args[at], arguments[at]) for at in (0, 3, 4, 5)
            )
            starts = [builder.add(arguments[6], ir.Constant(WHOLE, LANES * vector)) for vector in range(vectors)]
            factors = [[load_at(builder, data, start, VECTOR, 4) for data in (ones, twos)] for start in starts]
            for start, value in zip(starts, _loop(builder, hashes, arguments[1:3], factors), strict=True):
                place = builder.bitcast(builder.gep(least, [start]), VECTOR.as_pointer())
                builder.store(value, place).align = 4
            return context.get_constant(types.int64, 0)

        return types.int64(lower, low, high, a, b, out, first), generate

    return intrinsic(type_and_code)


def _loop(builder: Any, lower: Any, span: list[Any], factors: list[list[Any]]) -> list[Any]:
    """Code of the loop over shingles; the least values after it, one vector for each pair of factors."""
    most = ir.Constant(VECTOR, [0xFFFFFFFF] * LANES)
    least = [code.alloca_once_value(builder, most) for _ in factors]
    with code.for_range_slice(builder, *span, ir.Constant(WHOLE, 1), WHOLE) as (at, _):
        value = spread(builder, builder.load(builder.gep(lower, [at])), LANES)
        for (a, b), place in zip(factors, least, strict=True):
            new, old = builder.add(builder.mul(value, a), b), builder.load(place)
            builder.store(builder.select(builder.icmp_unsigned("<", new, old), new, old), place)
    return [builder.load(place) for place in least]


most_values: Any = _least_values(VECTORS)
"""most_values(lower, low, high, a, b, out, first): 2 · AT_ONCE values of out from `first` on = the least of a·h + b
over lower[low:high], or all bits set where there are none."""
rest_values: Any = _least_values(VECTORS // 2)
"""The same for AT_ONCE values."""


@inlined
def sign(lower: Any, low: Any, high: Any, signer: Any) -> Any:
    """Write the affine32 MinHash signature of lower[low:high] to `signer.signature`."""
    size = signer.a.shape[0]
    for first in range(0, size - AT_ONCE, 2 * AT_ONCE):
        most_values(lower, low, high, signer.a, signer.b, signer.signature, first)
    if size & AT_ONCE:
        rest_values(lower, low, high, signer.a, signer.b, signer.signature, size - AT_ONCE)


@inlined
def band_keys(signer: Any, keys: Any, row: Any) -> Any:
    """Write one 64-bit number for the values of each band to keys[:, row]: a sum of products, two values at a time."""
    bands, rows, sums = keys.shape[0], signer.rows, signer.sums
    band_sums(signer.pairs, bands, rows >> 1, sums)
    if rows & 1:
        for band in range(bands):
            sums[band] += uint64(signer.signature[(rows - 1) * bands + band]) * (uint64(rows) * MIX_A)
    for band in range(bands):
        keys[band, row] = (sums[band] ^ (sums[band] >> uint64(32))) * MIX_B
