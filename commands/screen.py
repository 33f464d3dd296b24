"""Where commands print: results on standard output, fitted to the terminal; notes go to standard error."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import typer

from ..core.console import note

if TYPE_CHECKING:
    from ..core.results import RunResults

LOG_WIDTH = 80


class Screen(TypedDict):
    """What a terminal renderer must know of the place it prints to."""

    width: int
    colour: bool


def screen() -> Screen:
    """Width and colour of standard output; a log or a pipe gets 80 plain columns."""
    live = sys.stdout.isatty() and not os.environ.get("CI")
    width = shutil.get_terminal_size().columns if live else LOG_WIDTH
    return {"width": width, "colour": live and not os.environ.get("NO_COLOR")}


def show_run(results: RunResults, out: Path) -> None:
    """Print a run's results, and where its files are."""
    from ..reports import render_terminal

    typer.echo(render_terminal(results, **screen()))
    note(f"files: {out}/")
