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

from .runs import SLACK, Run
from .texts import words_at

Array = np.ndarray[Any, Any]

PLAIN_FROM = 1 << 24
"""Bytes of a file that orjson reads first: small files need no compiled code."""


PAGE = 1 << 21
"""Bytes of memory that numpy asks for at once where it makes a large array."""

MIN_USED = 0.8
"""Share of the memory taken that texts must fill; else they are copied to where they fill all of it."""


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


def parse_plain(run: Run, start: int = 0, count: int | None = None) -> tuple[PlainRows | None, int]:
    """The rows from byte `start` of a run up to the first line that is not plain, and where that one starts.

    Args:
        run: whole lines.
        start: where one of them starts.
        count: number of lines from there on, all of the run's if not given.
    """
    from .json_kernel import read_plain_lines

    keys, is_text = _keys(run, start)
    if not any(is_text):
        return None, start
    raw = [orjson.dumps(key)[1:-1] for key in keys]
    columns = 1 + sum(is_text)
    out = np.empty((columns, run.size - start + SLACK), np.uint8)
    ends = np.zeros((columns, (run.lines if count is None else count) + 1), np.int64)
    fields = np.frombuffer(b"".join(raw), np.uint8), np.cumsum([0, *map(len, raw)]), np.array(is_text)
    read, stop = read_plain_lines((run.data, words_at(run.data)), (start, run.size), fields, words_at(out), ends)
    if not read:
        return None, start
    ends = ends[:, : read + 1]
    is_copied = stop < run.size or _is_wasteful(ends[:, -1], run.size - start)
    kinds = [pa.large_binary(), *[pa.large_string()] * (columns - 1)]
    lines, *texts = (_array(*given, is_copied=is_copied) for given in zip(kinds, out, ends, strict=True))
    names = [key for key, text in zip(keys, is_text, strict=True) if text]
    return PlainRows(lines, dict(zip(names, texts, strict=True))), stop


def _keys(run: Run, start: int) -> tuple[list[str], list[bool]]:
    """The keys of the line at `start`, and which of them hold text."""
    try:
        first = orjson.loads(run.piece(start, run.line_end(start)))
    except orjson.JSONDecodeError:
        return [], []
    fields = first if isinstance(first, dict) else {}
    return list(fields), [isinstance(value, str) for value in fields.values()]


def _is_wasteful(used: Array, room: int) -> bool:
    """Whether columns of so many bytes, each at the start of so much room, leave much of their memory empty.

    What is never touched of an array takes no memory, but memory comes in pages of two megabytes here.
    """
    taken = np.minimum(-(-used // PAGE) * PAGE, room)
    return bool(used.sum() < MIN_USED * taken.sum())


def _array(kind: pa.DataType, data: Array, ends: Array, *, is_copied: bool) -> pa.Array:
    """Texts that start and end at `ends` of `data`, of which only the first bytes are used; copied or where it is."""
    data = data[: ends[-1]]
    if is_copied:
        data, ends = data.copy(), ends.copy()
    return pa.Array.from_buffers(kind, len(ends) - 1, [None, pa.py_buffer(ends), pa.py_buffer(data)])
