"""Reports byte for byte. After a wanted change run with TUNEGATE_GOLDEN=write, and read the difference.

The files are compared under whatever hash seed, directory and clock the tests run, so they also prove that the same
results give the same bytes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tunegate.core.results import RunResults
from tunegate.reports import (
    render_curation_terminal,
    render_html,
    render_json,
    render_junit,
    render_markdown,
    render_model_card,
    render_runs_markdown,
    render_runs_terminal,
    render_sarif,
    render_terminal,
)

FILES = (("page", "runs/support/report.html"), ("ledger", "runs/support/curated/findings.parquet"))


def without_assets(html: str) -> str:
    """The page without its style and script, which have files of their own."""
    return re.sub(r"sha256-[\w+/=]+", "sha256-…", re.sub(r"(?s)<(style|script)>.*?</\1>", r"<\1></\1>", html))


RENDERERS: dict[str, Callable[[RunResults], str]] = {
    "terminal.txt": lambda run: render_terminal(run, files=FILES),
    "terminal.colour.txt": lambda run: render_terminal(run, width=120, colour=True, files=FILES),
    "terminal.plain.txt": lambda run: render_terminal(run, plain=True, files=FILES),
    "curation.txt": lambda run: render_curation_terminal(run.ledger) if run.ledger else "",
    "report.md": render_markdown,
    "report.html": lambda run: without_assets(render_html(run)),
    "junit.xml": render_junit,
    "report.json": render_json,
    "findings.sarif": lambda run: render_sarif(run.ledger) if run.ledger else "",
    "model_card.md": render_model_card,
    "runs.txt": lambda run: render_runs_terminal([run, RunResults(name="empty")], accepted=run.name),
    "runs.md": lambda run: render_runs_markdown([run, RunResults(name="empty")], accepted=run.name),
}


@pytest.mark.parametrize("name", RENDERERS)
def test_a_report_is_the_same_to_the_byte(results: RunResults, root: Path, name: str) -> None:
    """The same results give the bytes that were reviewed and committed."""
    golden = root / "tests" / "golden" / name
    rendered = RENDERERS[name](results)
    if os.environ.get("TUNEGATE_GOLDEN") == "write":
        golden.write_text(rendered, encoding="utf-8", newline="\n")

    assert rendered == golden.read_text(encoding="utf-8")
