"""Columns of large strings to what compiled code reads: their bytes, where each text starts, eight bytes at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

Array = np.ndarray[Any, Any]


def text_bytes(piece: pa.Array) -> tuple[Array, Array]:
    """The bytes (uint8) of n texts without nulls, and (n + 1,) int64 where each starts and the last one ends."""
    _, offsets, data = piece.buffers()
    ends = np.frombuffer(offsets, np.int64)[piece.offset : piece.offset + len(piece) + 1]
    return np.frombuffer(data or b"", np.uint8), ends


def words_at(data: Array) -> Array:
    """The eight bytes (uint64) from each byte of the last axis on but the last seven; nothing is copied."""
    shape = (*data.shape[:-1], max(data.shape[-1] - 7, 0))
    return np.ndarray(shape, np.uint64, data, 0, data.strides)
