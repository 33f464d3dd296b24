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


def survivor_rank(examples: Examples, survivor: str, context: Context) -> Array:
    """(n,) distinct int64, lower is better; ties by content id, then by the row's bytes.

    Raises:
        DataError: `newest(COLUMN)` names a column that does not exist.
    """
    n = len(examples)
    position = np.arange(n)
    keys = [position, _tie_breaks(examples), id_numbers(examples), *_preferences(examples, survivor, context)]
    if survivor == "first":
        keys = [position]
    if context.pinned is not None:
        keys.append(~context.pinned)
    rank = np.empty(n, dtype=np.int64)
    rank[np.lexsort(keys)] = position
    return rank


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
    if survivor == "quality" and context.findings_per_row is not None:
        return [*lengths, context.findings_per_row]
    return lengths


def _as_sortable(value: str | None) -> str:
    """Whole numbers get leading zeros, so that 9 is before 10; dates in ISO form sort as text."""
    return "" if value is None else value.zfill(20) if value.isdecimal() else value


def _original_bytes(examples: Examples, rows: Array) -> list[bytes]:
    if examples.source.column_names == ["raw"]:
        return take_rows(examples.source["raw"], rows).to_pylist()  # type: ignore[no-any-return]
    return [repr(row).encode() for row in original_rows(examples, rows.tolist())]


def _lengths(examples: Examples, column: str) -> Array:
    return np.asarray(pc.utf8_length(examples.table[column]).to_numpy(), dtype=np.int64)


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


def _tie_breaks(examples: Examples) -> Array:
    """(n,) int64: order of the original bytes' hashes among rows of one content id, 0 where the id is a row's own."""
    numbers = id_numbers(examples)
    _, inverse, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    tied = np.flatnonzero(counts[inverse] > 1)
    order = np.zeros(len(examples), dtype=np.int64)
    if len(tied):
        hashes = b"".join(hashlib.blake2b(row, digest_size=8).digest() for row in _original_bytes(examples, tied))
        order[tied] = np.unique(np.frombuffer(hashes, np.uint64), return_inverse=True)[1]
    return order
