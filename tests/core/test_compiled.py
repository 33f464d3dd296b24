"""Work over threads gives the same whatever their number."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tunegate.core.compiled import begun, map_threads

THREADS = pytest.mark.parametrize("threads", ["1", "3"])


@THREADS
def test_what_is_begun_is_there_when_asked_for(threads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The result comes, or the error that there was instead; a single worker does nothing before it is asked."""
    monkeypatch.setenv("NUMBA_NUM_THREADS", threads)
    calls: list[int] = []
    with begun(lambda: calls.append(1) or 7) as result:
        assert not calls or threads != "1"
        assert result() == 7
    with pytest.raises(ZeroDivisionError), begun(lambda: 1 // 0) as result:
        result()


@THREADS
def test_results_before_a_broken_item_come_first(threads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results come in the order of the items, and an item that cannot be had is told after them."""
    monkeypatch.setenv("NUMBA_NUM_THREADS", threads)

    def items() -> Iterator[int]:
        yield from range(5)
        raise OSError("broken")

    found = []
    with pytest.raises(OSError, match="broken"):
        found.extend(map_threads(lambda item: item * item, items()))

    assert list(map_threads(lambda item: item * item, range(5))) == [0, 1, 4, 9, 16]
    assert found == [0, 1, 4, 9, 16]
