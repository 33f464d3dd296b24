"""Bytes of JSON lines to rows whose texts are columns already, without a Python object per row.

Only what is surely plain is read here (see `json_kernel`), a run of lines at a time; all else goes through orjson.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

PLAIN_FROM = 1 << 24
"""Bytes of a file that orjson reads first: small files need no compiled code."""


@dataclass(frozen=True, slots=True)
class PlainRows:
    """Rows of which all texts are parsed, and the rest is when asked for."""

    lines: pa.LargeBinaryArray
    texts: Mapping[str, pa.LargeStringArray]

    def __len__(self) -> int:
        return len(self.lines)

    def column(self, name: str) -> pa.Array | list[Any]:
        """One field of every row."""
        return self.texts[name] if name in self.texts else [row.get(name) for row in self.head(len(self))]

    def head(self, count: int) -> Iterator[Mapping[str, Any]]:
        """All fields of each of the first rows."""
        return (orjson.loads(line.as_py()) for line in self.lines[:count])


def parse_plain(run: bytes) -> PlainRows | None:
    """The rows of a run of lines, each with its newline; None where not all are plain."""
    from .json_kernel import read_plain_lines

    keys, is_text = _keys(run)
    if not any(is_text) or not _is_utf8(run):
        return None
    newlines = np.flatnonzero(np.frombuffer(run, np.uint8) == ord("\n"))
    raw = [orjson.dumps(key)[1:-1] for key in keys]
    out = np.empty((sum(is_text), len(run)), np.uint8)
    ends = np.zeros((sum(is_text), len(newlines) + 1), np.int64)
    read = read_plain_lines(
        np.frombuffer(run, np.uint8),
        np.frombuffer(b"".join(raw), np.uint8),
        np.cumsum([0, *map(len, raw)]),
        np.array(is_text),
        out,
        ends,
    )
    if read != len(newlines):
        return None
    names = [key for key, text in zip(keys, is_text, strict=True) if text]
    texts = {name: _array(pa.large_string(), out[at], ends[at]) for at, name in enumerate(names)}
    starts = np.append(0, newlines - np.arange(len(newlines)))
    return PlainRows(_array(pa.large_binary(), run.replace(b"\n", b""), starts), texts)


def _keys(run: bytes) -> tuple[list[str], list[bool]]:
    """The keys of the first line, and which of them hold text."""
    try:
        first = orjson.loads(run.partition(b"\n")[0])
    except orjson.JSONDecodeError:
        return [], []
    fields = first if isinstance(first, dict) else {}
    return list(fields), [isinstance(value, str) for value in fields.values()]


def _is_utf8(run: bytes) -> bool:
    try:
        return run.isascii() or bool(run.decode())
    except UnicodeDecodeError:
        return False


def _array(kind: pa.DataType, data: Any, ends: Any) -> pa.Array:
    """Texts of `data` (bytes, or uint8 of which only the first are used) that start and end at `ends`."""
    used = data if isinstance(data, bytes) else data[: ends[-1]].tobytes()
    return pa.Array.from_buffers(kind, len(ends) - 1, [None, pa.py_buffer(ends.copy()), pa.py_buffer(used)])
