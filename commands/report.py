"""`tunegate report` and `diff`: results that are there already, as text for people and machines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.store import read_json, require_writable, write_text
from .github import Github, write_summary
from .judgement import DEFAULT_LOCK

if TYPE_CHECKING:
    from ..core.results import RunResults


def report(
    runs: Annotated[list[Path], typer.Argument(help="One run folder, or several to compare.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder to write.", show_default="the run")] = None,
    accepted: Annotated[str | None, typer.Option(help="Name of the accepted run.", show_default=False)] = None,
    github: Github = False,
) -> None:
    """Show a run and write all its reports again; or compare several runs.

    Example: tunegate report runs/first runs/second
    """
    from ..core.console import note
    from ..pipeline import load_run, write_report
    from ..reports import render_runs_html, render_runs_markdown, render_runs_terminal
    from .screen import screen, show_run

    if out or len(runs) == 1:
        require_writable(out or runs[0])
    results = [load_run(run) for run in runs]
    accepted = accepted or _accepted(results)
    if len(results) == 1:
        write_report(results[0], out or runs[0])
        show_run(results[0], out or runs[0])
        if github:
            write_summary(results[0], out or runs[0])
        return
    typer.echo(render_runs_terminal(results, accepted=accepted, **screen()))
    if out:
        write_text(out / "runs.html", render_runs_html(results, accepted=accepted))
        write_text(out / "runs.md", render_runs_markdown(results, accepted=accepted))
        note(f"written: {out}/runs.html {out}/runs.md")


def _accepted(results: list[RunResults]) -> str | None:
    """The name of the run that the lock file holds, if it is among these."""
    if not DEFAULT_LOCK.exists():
        return None
    accepted = read_json(DEFAULT_LOCK)["accepted"]["model_hash"]
    return next((one.name for one in results if one.tuned_scores and one.tuned_scores.model_hash == accepted), None)


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
