"""`--github`: what a job on GitHub shows and a sticky comment posts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import InputError

if TYPE_CHECKING:
    from ..core.results import RunResults

SUMMARY = "GITHUB_STEP_SUMMARY"


def _require_job(wanted: bool) -> bool:
    """Refuse before any work is done."""
    if wanted and not os.environ.get(SUMMARY):
        raise InputError(f"--github: {SUMMARY} is not set; it is there inside a GitHub job only")
    return wanted


Github = Annotated[
    bool, typer.Option("--github", help="Also write the step summary of a GitHub job.", callback=_require_job)
]


def write_summary(results: RunResults, out: Path) -> None:
    """Append to the job's summary, and leave report.md and report.html in the folder."""
    from ..pipeline import write_report
    from ..reports import github_summary

    write_report(results, out, formats=("html", "markdown"))
    with Path(os.environ[SUMMARY]).open("a", encoding="utf-8") as stream:
        stream.write(github_summary(results))
