"""Examples to the texts that duplicates and leaks are looked for in: the chosen fields of each row, as one text.

A row may have several fields (prompt and answer, premise and hypothesis). They are joined by a word of their own, so
that no shingle spans two of them unseen, and two rows are alike only where every field is.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..core.errors import DataError
from ..core.records import Examples
from .config import DedupConfig
from .context import Array
from .duplicates.candidates import representatives
from .duplicates.rows import Rows, as_rows
from .duplicates.shingles import mix64

FIELD_WORD = " __field__ "
"""Stands between two fields; a word that survives folding."""


def compared_fields(examples: Examples, key: str) -> list[str]:
    """Canonical columns that make two rows duplicates.

    >>> import pyarrow as pa
    >>> table = pa.table({"input": ["a"], "target": ["b"]})
    >>> compared_fields(Examples(table=table, kind="completion", columns={}, source=table, format="jsonl"), "auto")
    ['input', 'target']
    """
    inputs = ["input"] + (["pair"] if "pair" in examples.table.column_names else [])
    if key == "input" or (key == "auto" and examples.kind == "label"):
        return inputs
    if key == "target":
        return ["target"]
    return [*inputs, "target"] + (["rejected"] if examples.kind == "preference" else [])


def joined(columns: list[pa.ChunkedArray]) -> pa.ChunkedArray:
    """One text per row: the fields in order."""
    if len(columns) == 1:
        return columns[0]
    return pc.binary_join_element_wise(*columns, pa.scalar(FIELD_WORD, pa.large_string()))


def joined_rows(columns: list[pa.ChunkedArray]) -> Rows:
    """`joined`, without a copy."""
    return as_rows(*columns, glue=FIELD_WORD)


def comparison_groups(examples: Examples, config: DedupConfig) -> Array | None:
    """(n,) group code per row from `keep_columns` and the tools of chats; None where all rows are compared.

    Raises:
        DataError: a column does not exist.
    """
    groups = codes(examples.table["tools"]) if "tools" in examples.table.column_names else None
    for name in config.keep_columns:
        groups = combine(groups, codes(source_column(examples, name, "curate.dedup.keep_columns")))
    return groups


def combine(groups: Array | None, more: Array) -> Array:
    """(n,) int64 codes of the pairs (group, code): the first row that has the pair; without groups, the codes given.

    Groups are not negative, and hardly larger than n. One that a single row has costs no sorting.
    """
    if groups is None:
        return more
    found = np.arange(len(groups), dtype=np.int64)
    shared = np.flatnonzero(np.bincount(groups, minlength=1)[groups] > 1)
    pairs = groups[shared] * (more.max(initial=0) + 1) + more[shared]
    found[shared] = shared[representatives(mix64(pairs.view(np.uint64)))]
    return found


def codes(column: pa.ChunkedArray) -> Array:
    """(n,) int64: equal values, equal codes; null is a value of its own."""
    encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    return np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int64)


def source_column(examples: Examples, name: str, key: str) -> pa.ChunkedArray:
    """A column of the input as text, found among the canonical columns or the original fields.

    Raises:
        DataError: no row has it.
    """
    if name in examples.table.column_names:
        return examples.table[name].cast(pa.large_string())
    if name == "label" and examples.kind == "label":
        return examples.table["target"]
    from ..core.formats import original_rows

    rows = original_rows(examples)
    if rows and not any(name in row for row in rows):
        known = ", ".join(map(repr, rows[0]))
        raise DataError(f"{key}: no row has a column {name!r} (columns: {known}); name one of these")
    values = [row.get(name) for row in rows]
    return pa.chunked_array([pa.array([None if v is None else str(v) for v in values], pa.large_string())])
