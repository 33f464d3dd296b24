"""`tunegate report`: a run's results as text for people and machines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder to write.", show_default="the run")] = None,
) -> None:
    """Show a run in the terminal and write its page, pull-request comment, JUnit and JSON again.

    Example: tunegate report runs/recipe
    """
    from ..core.console import note
    from ..pipeline import load_run, write_report
    from .screen import show_run

    results = load_run(run)
    files = write_report(results, out or run)
    show_run(results, run)
    note("written: " + " ".join(str(file) for file in files))
