"""A column of large strings to what compiled code reads: its bytes, and where each text starts and ends."""

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
