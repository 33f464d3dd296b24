"""Nothing is printed unless a command asks for it, and a log stays short."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tunegate.core import console


@pytest.fixture(autouse=True)
def silent_afterwards() -> Iterator[None]:
    yield
    console.enable(False)


def test_the_library_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    """Without `enable`, notes and progress print nothing."""
    console.note("hello")
    with console.progress("reading", 3) as advance:
        advance(3)

    assert capsys.readouterr() == ("", "")


def test_notes_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output is for results; everything said on the way goes to standard error."""
    console.enable()
    console.note("hello")
    console.fail("no such file")

    assert capsys.readouterr() == ("", "hello\nerror: no such file\n")


@pytest.mark.parametrize(("total", "line"), [(2000, "reading: 1,000 of 2,000\n"), (None, "reading: 1,000\n")])
def test_progress_in_a_log_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, total: int | None, line: str
) -> None:
    """Without a terminal, progress is at most one plain line per interval."""
    monkeypatch.setattr(console, "LOG_INTERVAL", 0.0)
    console.enable()
    with console.progress("reading", total) as advance:
        advance(1000)
        monkeypatch.setattr(console, "LOG_INTERVAL", 1000.0)
        for _ in range(1000):
            advance(1)

    assert capsys.readouterr().err == line


def test_progress_passes_exceptions_on(capsys: pytest.CaptureFixture[str]) -> None:
    """A failure inside a block is not swallowed by the progress around it."""
    console.enable()
    with pytest.raises(ZeroDivisionError), console.progress("reading", 1) as advance:
        advance(1 // 0)
