"""Numbers to sorted ones, and keys of rows to runs of rows that share one; where compiled, without comparisons."""

from __future__ import annotations

import numpy as np

from .compiled import jit_enabled
from .shingles import Array

FEW = 1 << 12
"""Numbers that are sorted faster by comparisons."""


def sort_numbers(numbers: Array) -> None:
    """Sort uint64 numbers in place."""
    if len(numbers) < FEW or not jit_enabled():
        numbers.sort()
        return
    from .kernel_sort import radix_sort

    radix_sort(numbers, np.empty_like(numbers))


def sorted_union(*parts: Array) -> Array:
    """The numbers of all parts, sorted, each once; `np.unique` is slower, since it hashes first."""
    numbers = np.concatenate(parts)
    sort_numbers(numbers)
    new = np.ones(len(numbers), dtype=bool)
    np.not_equal(numbers[1:], numbers[:-1], out=new[1:])
    return numbers[new]


def id_bits(n: int) -> int:
    """Bits that hold a row's position."""
    return max(1, (n - 1).bit_length())


def pack_rows(keys: Array) -> Array:
    """The upper bits of each key, with the row's position in the lower bits; sorting brings equal keys together."""
    packed = keys & ~np.uint64((1 << id_bits(len(keys))) - 1)
    packed |= np.arange(len(keys), dtype=np.uint64)
    return packed


def unpack_rows(packed: Array) -> tuple[Array, Array]:
    """The rows of n sorted packed keys, and for each the number of its run of equal keys, both (n,) int64."""
    bits = id_bits(len(packed))
    head = packed >> np.uint64(bits)
    run = np.zeros(len(packed), np.int64)
    np.cumsum(head[1:] != head[:-1], out=run[1:])
    return (packed & np.uint64((1 << bits) - 1)).astype(np.int64), run


def shared_keys(keys: Array, chosen: Array | None = None) -> Array:
    """`pack_rows` of all or the chosen (n,) bool rows, sorted, without some that occur once; keys are hashes."""
    if jit_enabled() and len(keys) >= FEW:
        from .kernel_sort import pack_shared, sort_packed

        packed, every = np.empty(len(keys), np.uint64), np.ones(len(keys), np.bool_)
        packed = packed[: pack_shared(keys, every if chosen is None else chosen, id_bits(len(keys)), packed)]
        if len(packed) >= FEW and sort_packed(packed, np.empty_like(packed)):
            return packed
    else:
        packed = pack_rows(keys) if chosen is None else pack_rows(keys)[chosen]
    packed.sort()
    return packed
