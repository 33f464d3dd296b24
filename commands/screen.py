"""Where commands print: results on standard output, fitted to the terminal; notes go to standard error."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import typer

if TYPE_CHECKING:
    from ..core.results import RunResults

LOG_WIDTH = 80
RUN_FILES = {
    "page": "report.html",
    "pull request": "report.md",
    "model": "model",
    "rejected rows": "curated/rejected.jsonl",
    "verdict": "verdict.json",
}


class Screen(TypedDict):
    """What a terminal renderer must know of the place it prints to."""

    width: int
    colour: bool
    plain: bool


def screen() -> Screen:
    """Width and colour of standard output; a log or a pipe gets 80 columns without colour.

    TUNEGATE_PLAIN=1 leaves out lines and symbols, for screen readers; so does an output that is not UTF-8.
    """
    live = sys.stdout.isatty() and not os.environ.get("CI")
    width = shutil.get_terminal_size().columns if live else LOG_WIDTH
    can_draw = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    plain = not can_draw or os.environ.get("TUNEGATE_PLAIN", "") not in {"", "0"}
    return {"width": width, "colour": live and not plain and not os.environ.get("NO_COLOR"), "plain": plain}


def show_run(results: RunResults, out: Path) -> None:
    """Print a run's results, and where its files are."""
    from ..reports import render_terminal

    files = [(what, str(out / name)) for what, name in RUN_FILES.items() if (out / name).exists()]
    typer.echo(render_terminal(results, **screen(), files=files))
