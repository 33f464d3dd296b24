"""Examples to a rank per row: which row of a cluster of duplicates is worth keeping.

Except for `first`, ranks depend on what the rows hold and never on where they stand.
"""

from __future__ import annotations

import hashlib
import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..core.formats import original_rows
from ..core.records import Examples
from .compared import source_column
from .context import Array, Context
from .duplicates.blocks import take_rows
from .duplicates.candidates import representatives
from .duplicates.sorting import id_bits, pack_rows, sort_numbers, unpack_rows
from .scanning import by_slices


def survivor_rank(examples: Examples, survivor: str, context: Context) -> Array:
    """(n,) distinct int64, lower is better; ties by content id, then by the row's bytes.

    Raises:
        DataError: `newest(COLUMN)` names a column that does not exist.
    """
    n = len(examples)
    keys: list[Array] = [] if context.pinned is None else [~context.pinned]
    if survivor == "first":
        order = np.lexsort([np.arange(n), *keys])
    else:
        numbers = id_numbers(examples)
        keys += reversed(_preferences(examples, survivor, context))
        order = _order(keys, numbers, _tie_breaks(examples, numbers))
    rank = np.empty(n, dtype=np.int64)
    rank[order] = np.arange(n)
    return rank


def _order(keys: list[Array], numbers: Array, ties: Array) -> Array:
    """(n,) rows by keys, the most important first, then by id numbers, ties and positions.

    The keys hold small numbers. With the upper bits of the id number and the row they are one number, which is sorted
    in place; only rows that are equal in these bits are looked at again.
    """
    n, code, width = len(numbers), np.zeros(len(numbers), np.uint64), 0
    for key in keys:
        low = int(key.min(initial=0))
        bits = (int(key.max(initial=0)) - low).bit_length()
        code, width = (code << np.uint64(bits)) | (key - low).astype(np.uint64), width + bits
    if width > 64 - id_bits(n):
        return np.lexsort([np.arange(n), ties, numbers, *keys[::-1]])
    if width:
        code = (code << np.uint64(64 - width)) | (numbers >> np.uint64(width))
    packed = pack_rows(code if width else numbers)
    sort_numbers(packed)
    order, run = unpack_rows(packed)
    sizes = np.bincount(run)
    tied = np.flatnonzero(sizes[run] > 1)
    rows = order[tied]
    order[tied] = rows[np.lexsort([rows, ties[rows], numbers[rows], run[tied]])]
    return order


def _preferences(examples: Examples, survivor: str, context: Context) -> list[Array]:
    """Keys of the policy, the least important first; lower is better."""
    if survivor == "first":
        return []
    if newest := re.fullmatch(r"newest\((.+)\)", survivor):
        values = source_column(examples, newest[1], "curate.dedup.survivor").to_pylist()
        return [-np.unique([_as_sortable(value) for value in values], return_inverse=True)[1]]
    lengths = [-_lengths(examples, "input")]
    if examples.kind != "label":
        lengths.append(-_lengths(examples, "target"))
    if survivor != "quality":
        return lengths
    findings = [] if context.findings_per_row is None else [context.findings_per_row]
    return [*lengths, _is_shouted(examples, "input"), *findings]


def _as_sortable(value: str | None) -> str:
    """Whole numbers get leading zeros, so that 9 is before 10; dates in ISO form sort as text."""
    return "" if value is None else value.zfill(20) if value.isdecimal() else value


def _original_bytes(examples: Examples, rows: Array) -> list[bytes]:
    if examples.source.column_names == ["raw"]:
        return take_rows(examples.source["raw"], rows).to_pylist()  # type: ignore[no-any-return]
    return [repr(row).encode() for row in original_rows(examples, rows.tolist())]


def _lengths(examples: Examples, column: str) -> Array:
    return by_slices(examples.table[column], pc.utf8_length, np.int64)


def _is_shouted(examples: Examples, column: str) -> Array:
    """(n,) int64: 1 where a text of several words is in capitals alone; a longer copy of it is none that is better."""
    texts = examples.table[column]
    words = by_slices(texts, lambda part: pc.match_substring(part, " "), np.bool_)
    return (by_slices(texts, pc.utf8_is_upper, np.bool_) & words).astype(np.int64)


def id_numbers(examples: Examples) -> Array:
    """(n,) uint64: the content ids as numbers, in the same order."""
    digits = b"".join(_id_digits(chunk) for chunk in examples.table["id"].chunks)
    return np.frombuffer(bytes.fromhex(digits.decode()), dtype=">u8").astype(np.uint64)


def _id_digits(ids: pa.StringArray) -> bytes:
    _, offsets, digits = ids.buffers()
    if digits is None:
        return b""
    ends = np.frombuffer(offsets, np.int32)
    return memoryview(digits)[ends[ids.offset] : ends[ids.offset + len(ids)]].tobytes()


def _tie_breaks(examples: Examples, numbers: Array) -> Array:
    """(n,) int64: order of the original bytes' hashes among rows of one content id, 0 where the id is a row's own."""
    first = representatives(numbers)
    tied = np.flatnonzero(np.bincount(first, minlength=1)[first] > 1)
    order = np.zeros(len(examples), dtype=np.int64)
    if len(tied):
        hashes = b"".join(hashlib.blake2b(row, digest_size=8).digest() for row in _original_bytes(examples, tied))
        order[tied] = np.unique(np.frombuffer(hashes, np.uint64), return_inverse=True)[1]
    return order
