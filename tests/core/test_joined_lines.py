"""Lines come out as they went in, whichever of them are chosen, compiled or not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tunegate.core import joined_lines as module
from tunegate.core.joined_lines import joined_lines

CHUNKS = st.lists(st.lists(st.binary(max_size=30), max_size=6), max_size=4)


@pytest.mark.parametrize("compiled_from", [0, 1 << 40])
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chunks=CHUNKS, data=st.data())
def test_chosen_lines_come_out_whole(
    chunks: list[list[bytes]], data: st.DataObject, compiled_from: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each chosen line with a newline, in order, wherever the chunks and pieces are cut."""
    monkeypatch.setattr(module, "COMPILED_FROM", compiled_from)
    monkeypatch.setattr(module, "LINES_AT_ONCE", 2)
    column = pa.chunked_array([pa.array(chunk, pa.large_binary()) for chunk in chunks], pa.large_binary())
    lines = [line for chunk in chunks for line in chunk]
    rows = sorted(data.draw(st.sets(st.sampled_from(range(len(lines))))) if lines else [])

    assert b"".join(map(bytes, joined_lines(column))) == b"".join(line + b"\n" for line in lines)
    chosen = joined_lines(column, np.array(rows, np.int64))
    assert b"".join(map(bytes, chosen)) == b"".join(lines[row] + b"\n" for row in rows)
