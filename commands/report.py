"""`tunegate report` and `diff`: results that are there already, as text for people and machines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import InputError

if TYPE_CHECKING:
    from ..core.results import RunResults


def report(
    runs: Annotated[list[Path], typer.Argument(help="One run folder, or several to compare.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder to write.", show_default="the run")] = None,
    github: Annotated[bool, typer.Option("--github", help="Also write the step summary of a GitHub job.")] = False,
) -> None:
    """Show a run and write its page, pull-request comment, JUnit, SARIF and JSON again; or compare several runs.

    Example: tunegate report runs/first runs/second
    """
    from ..core.console import note
    from ..pipeline import load_run, write_report
    from ..reports import render_runs_terminal
    from .screen import screen, show_run

    results = [load_run(run) for run in runs]
    if len(results) > 1:
        typer.echo(render_runs_terminal(results, **screen()))
        return
    files = write_report(results[0], out or runs[0])
    show_run(results[0], runs[0])
    note("written: " + " ".join(str(file) for file in files))
    if github:
        _write_summary(results[0])


def diff(
    before: Annotated[Path, typer.Argument(help="Folder of a curation.")],
    after: Annotated[Path, typer.Argument(help="Folder of another.")],
) -> None:
    """Show which rows changed their fate between two curations, and why.

    Example: tunegate diff old.curated new.curated
    """
    from ..curate import read_ledger
    from ..reports import render_curation_diff_terminal
    from .screen import screen

    ledgers = [read_ledger(_curated(folder)) for folder in (before, after)]
    names = (str(before), str(after))
    typer.echo(render_curation_diff_terminal(ledgers[0], ledgers[1], names=names, **screen()))


def _curated(folder: Path) -> Path:
    return folder / "curated" if (folder / "curated").is_dir() else folder


def _write_summary(results: RunResults) -> None:
    from ..reports import github_summary

    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if not summary:
        raise InputError("--github: GITHUB_STEP_SUMMARY is not set; it is there inside a GitHub job only")
    with Path(summary).open("a", encoding="utf-8") as stream:
        stream.write(github_summary(results))
