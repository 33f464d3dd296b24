"""Rows in any order to their values: a column's chunks are never copied together for it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from .context import Array
from .duplicates.blocks import take_rows


def take_any(column: pa.ChunkedArray, rows: Array) -> pa.Array:
    """The values at some rows, in their order; a row may occur more than once."""
    sorted_rows, back = np.unique(rows, return_inverse=True)
    part = take_rows(column, sorted_rows).combine_chunks()
    return part if np.array_equal(sorted_rows, rows) else part.take(pa.array(back))
