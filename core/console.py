"""What a running command tells a person: notes and progress, on standard error, silent unless a command switched it on.

The library is silent by default; the command line calls `enable()` first. In a log (no terminal, or CI=true) progress
becomes a line every few seconds, so that a job's log stays short and never holds control characters.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LOG_INTERVAL = 10.0
"""Seconds between two progress lines in a log."""

_enabled = False
_last_told = 0.0
"""When the last line was told: a log in which something else is said needs no line of progress."""


def enable(on: bool = True) -> None:
    """Let notes and progress through (the command line does), or silence them again."""
    global _enabled
    _enabled = on


def note(text: str) -> None:
    """Tell one line about what is happening."""
    global _last_told
    if _enabled:
        _last_told = time.monotonic()
        print(text, file=sys.stderr, flush=True)


def fail(message: str) -> None:
    """Tell what went wrong."""
    print(f"error: {message}", file=sys.stderr, flush=True)


def is_live() -> bool:
    """Whether standard error is a terminal on which a bar can be redrawn."""
    return sys.stderr.isatty() and not os.environ.get("CI")


@contextmanager
def progress(description: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show progress of `total` steps; the block calls what it gets with the number of steps just done.

    >>> with progress("reading", 3) as advance:
    ...     advance(3)
    """
    if not _enabled:
        yield lambda _steps: None
    elif is_live():
        with _bar(description, total) as advance:
            yield advance
    else:
        with _log_lines(description, total) as advance:
            yield advance


@contextmanager
def _bar(description: str, total: int | None) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=total)
        yield lambda steps: bar.update(task, advance=steps)


@contextmanager
def _log_lines(description: str, total: int | None) -> Iterator[Callable[[int], None]]:
    done, begun = 0, time.monotonic()

    def advance(steps: int) -> None:
        nonlocal done
        done += steps
        if time.monotonic() - max(begun, _last_told) >= LOG_INTERVAL:
            note(f"{description}: {done:,}" + (f" of {total:,}" if total else ""))

    yield advance
