"""Canonical columns to content ids: what a row is known by, wherever it stands and whatever else it has."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .compiled import jit_enabled
from .texts import text_bytes

Array = np.ndarray[Any, Any]

TEXT = pa.large_string()
ID_DIGITS = 16
HASH_FROM = 1 << 22
"""Bytes of text from which on compiled code hashes a block: small data needs none."""


def content_ids(kind: str, columns: Mapping[str, pa.Array]) -> pa.Array:
    """16 hex digits of BLAKE2b over kind and content of each row.

    Hashed is `kind NUL part NUL text NUL part NUL text …`, for a chat what its turns and tools hold instead; no text
    holds a NUL.
    """
    if kind != "chat" and jit_enabled() and sum(column.nbytes for column in columns.values()) >= HASH_FROM:
        digests = _hash_columns(kind, columns)
    else:
        texts = _chat_texts(columns) if kind == "chat" else _joined_texts(kind, columns)
        hashed = hashlib.blake2b
        digests = b"".join([hashed(text, digest_size=ID_DIGITS // 2).digest() for text in texts])
    size = len(columns["input"])
    offsets = np.arange(0, ID_DIGITS * size + 1, ID_DIGITS, dtype=np.int32)
    return pa.StringArray.from_buffers(size, pa.py_buffer(offsets), pa.py_buffer(digests.hex().encode()))


def _chat_texts(columns: Mapping[str, pa.Array]) -> list[bytes]:
    chats = columns["messages"].to_pylist()
    tools = columns["tools"].to_pylist() if "tools" in columns else [None] * len(chats)
    parts = (
        ["chat", *(text for turn in chat for text in turn.values()), own]
        for chat, own in zip(chats, tools, strict=True)
    )
    return ["\0".join(text for text in texts if text is not None).encode() for texts in parts]


def _joined_texts(kind: str, columns: Mapping[str, pa.Array]) -> Any:
    pieces: list[Any] = [pa.scalar(kind, TEXT)]
    for part, column in columns.items():
        pieces += [pa.scalar(part, TEXT), column]
    whole = pc.binary_join_element_wise(*pieces, pa.scalar("\0", TEXT)).cast(pa.large_binary())
    return whole.to_numpy(zero_copy_only=False)


def _hash_columns(kind: str, columns: Mapping[str, pa.Array]) -> bytes:
    """The digests of all rows, one after the other."""
    from .blake2b import BLOCK, LANES, hash_rows

    parts = list(columns)
    heads = [f"{kind}\0{parts[0]}\0".encode(), *(f"\0{part}\0".encode() for part in parts[1:])]
    texts = tuple(text_bytes(column) for column in columns.values())
    found = np.empty(len(columns["input"]), np.uint64)
    longest = int(np.sum([np.diff(ends) for _, ends in texts], axis=0).max()) + sum(map(len, heads))
    scratch = np.empty((LANES, (longest + BLOCK - 1) // BLOCK * BLOCK), np.uint8)
    hash_rows(
        texts,
        np.frombuffer(b"".join(heads), np.uint8),
        np.cumsum([0, *map(len, heads)]),
        scratch.view(np.uint64),
        scratch,
        found,
    )
    return found.tobytes()
