"""`--github`: what a job on GitHub shows and a sticky comment posts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import InputError

if TYPE_CHECKING:
    from ..core.results import RunResults

Github = Annotated[bool, typer.Option("--github", help="Also write the step summary of a GitHub job.")]


def write_summary(results: RunResults, out: Path) -> None:
    """Append to the job's summary, and leave report.md and report.html in the folder.

    Raises:
        InputError: this is no GitHub job.
    """
    from ..pipeline import write_report
    from ..reports import github_summary

    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if not summary:
        raise InputError("--github: GITHUB_STEP_SUMMARY is not set; it is there inside a GitHub job only")
    write_report(results, out, formats=("html", "markdown"))
    with Path(summary).open("a", encoding="utf-8") as stream:
        stream.write(github_summary(results))
