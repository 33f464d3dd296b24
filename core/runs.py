"""A text file, plain or compressed, to runs of whole lines, read into buffers that are used again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .streams import CHUNK, BrokenFileError, Unpacked, check_text, open_unpacked

Array = np.ndarray[Any, Any]

SLACK = 8
"""Bytes of any value after the lines, so that compiled code may read eight bytes wherever one of a line stands."""

SPARE_BYTES = 1 << 16
"""Bytes by which a buffer is larger than needed, so that it does for a run with a longer rest before it too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Whole lines, each with its newline."""

    data: Array
    """uint8, the lines and at least SLACK bytes after them."""
    size: int
    """Bytes of the lines."""
    lines: int
    """Number of lines."""
    first: int = 1
    """Number of the first line in its file."""
    before: int = 0
    """Bytes of its file before it."""

    @classmethod
    def of(cls, lines: bytes, first: int = 1, before: int = 0) -> Run:
        """The run of these lines."""
        data = np.frombuffer(bytearray(lines + bytes(SLACK)), np.uint8)
        return cls(data=data, size=len(lines), lines=lines.count(b"\n"), first=first, before=before)

    def piece(self, start: int, stop: int) -> bytes:
        """Its bytes from `start` to `stop`."""
        return self.data[start : min(stop, self.size)].tobytes()

    def line_end(self, at: int) -> int:
        """Place after the first newline at `at` or later."""
        while at < self.size:
            found = self.piece(at, at + CHUNK).find(b"\n")
            if found >= 0:
                return at + found + 1
            at += CHUNK
        return self.size


def read_runs(path: Path, spare: deque[Array], size_after: Callable[[int], int]) -> Iterator[Run]:
    """Runs of whole lines. A carriage return stays with its line; a last line without a newline gets one.

    Args:
        path: the file.
        spare: buffers to be used again: who is done with a run puts its `data` there.
        size_after: bytes of the runs before → bytes to be read for the next.

    Raises:
        BrokenFileError: the file is no text, damaged, or cut short; whole lines before that were yielded.
    """
    number, before, rest, ending, problem = 1, 0, b"", None, None
    with open_unpacked(path) as stream:
        is_more = True
        while is_more:
            stop = len(rest) + max(size_after(before), len(rest))  # doubled, for lines longer than any run
            data = take_buffer(spare, stop)
            filled, problem = _fill(stream, data, rest, stop)
            if not before and not rest:
                check_text(data[: min(filled, CHUNK)].tobytes())
            is_more = problem is None and filled == stop
            size = _last_newline(data, filled)
            rest = data[size:filled].tobytes()
            if size:
                ending = ending or _line_ending(data, size)
                lines = int(np.count_nonzero(data[:size] == ord("\n")))
                yield Run(data=data, size=size, lines=lines, first=number, before=before)
                number, before = number + lines, before + size
            else:
                spare.append(data)
    if problem is not None:
        raise BrokenFileError(problem.reason, line=number, rest=rest.decode(errors="backslashreplace")) from problem
    if rest:
        last = rest.removesuffix(b"\r") if ending == b"\r\n" else rest
        yield Run.of(last + (ending or b"\n"), number, before)


def take_buffer(spare: deque[Array], size: int) -> Array:
    """A buffer for so many bytes and the slack; spare ones that are too small are let go."""
    while True:
        try:
            data = spare.popleft()
        except IndexError:  # asked for, not looked at before: other threads take buffers too
            return np.empty(size + SLACK + SPARE_BYTES, np.uint8)
        if len(data) >= size + SLACK:
            return data


def _fill(stream: Unpacked, data: Array, rest: bytes, stop: int) -> tuple[int, BrokenFileError | None]:
    """Put `rest` and then what the stream has into data[:stop]; the bytes that are in it, and what broke the stream."""
    view, filled = memoryview(data), len(rest)  # type: ignore[arg-type]
    view[:filled] = rest
    try:
        while filled < stop and (got := stream.readinto(view[filled:stop])):
            filled += got
    except BrokenFileError as error:
        return filled, error
    return filled, None


def _line_ending(data: Array, size: int) -> bytes:
    """How the first of some lines ends."""
    first = int(np.argmax(data[:size] == ord("\n")))
    return b"\r\n" if first and data[first - 1] == ord("\r") else b"\n"


def _last_newline(data: Array, filled: int) -> int:
    """Place after the last newline of data[:filled]; 0 where there is none."""
    stop = filled
    while stop > 0:
        start = max(0, stop - CHUNK // 16)
        found = data[start:stop].tobytes().rfind(b"\n")
        if found >= 0:
            return start + found + 1
        stop = start
    return 0
