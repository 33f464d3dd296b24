"""Lines in runs are the file's lines, however much is read at once."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tunegate.core.runs import SLACK, Array, read_runs
from tunegate.core.streams import BrokenFileError

LINE = st.text(alphabet="ab\r\u00e9", max_size=9)


def read_all(path: Path, size: int) -> tuple[bytes, list[tuple[int, int]]]:
    """All bytes, and number of the first line and bytes before of each run; buffers are used again, and spoiled."""
    spare: deque[Array] = deque()
    found, places = b"", []
    for run in read_runs(path, spare, lambda _before: size):
        piece = run.piece(0, run.size)
        assert piece.count(b"\n") == run.lines
        assert piece.endswith(b"\n")
        assert len(run.data) >= run.size + SLACK
        assert (run.first, run.before) == (found.count(b"\n") + 1, len(found))
        found += piece
        places.append((run.first, run.before))
        run.data[:] = np.frombuffer(b"\n", np.uint8)
        spare.append(run.data)
    return found, places


@settings(max_examples=200, deadline=None)
@given(lines=st.lists(LINE, min_size=1, max_size=12), size=st.integers(1, 40), is_closed=st.booleans())
def test_runs_are_the_lines_of_the_file(
    lines: list[str], size: int, is_closed: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whole lines, all bytes, in order: whatever is read at once, also where a line is longer than that."""
    data = "\n".join(["first", *lines]).encode() + b"\n" * is_closed
    path = tmp_path_factory.mktemp("runs") / "lines.txt"
    path.write_bytes(data)

    assert read_all(path, size)[0] == data.removesuffix(b"\n") + b"\n" * (len(data) > 0)


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_a_last_line_ends_as_the_first_one(tmp_path: Path, size: int) -> None:
    """A file with carriage returns gets one after its last line, once."""
    path = tmp_path / "lines.txt"
    for last in (b"three", b"three\r"):
        path.write_bytes(b"one\r\ntwo\r\n" + last)
        assert read_all(path, size)[0] == b"one\r\ntwo\r\nthree\r\n"


@pytest.mark.parametrize("size", [100, 10_000, 1 << 20])
def test_lines_before_a_break_are_given(tmp_path: Path, size: int) -> None:
    """Of a stream that ends early all whole lines come, then the number and the text of the one it breaks in."""
    import gzip

    whole = b"".join(b"line %d\n" % n for n in range(5000))
    path = tmp_path / "lines.gz"
    path.write_bytes(gzip.compress(whole, mtime=0)[:-12])
    found = b""

    runs, problem = read_runs(path, deque(), lambda _before: size), None
    try:
        for run in runs:
            found += run.piece(0, run.size)
    except BrokenFileError as error:
        problem = error

    assert problem is not None
    assert "ends early" in problem.reason
    assert problem.line == found.count(b"\n") + 1
    assert whole.startswith(found + problem.rest.encode())
    assert len(found) > 1000
