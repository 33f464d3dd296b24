"""A large run: the page is sampled, says so, and opens at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tunegate.core.records import FINDING_COLUMNS, Ledger
from tunegate.core.results import RunResults
from tunegate.reports import render_html, render_markdown, render_sarif

ROWS = 100_000
RULES = ("near-duplicate", "exact-duplicate", "test-leak", "placeholder", "label-conflict", "label-error")
LONGEST_PAGE = 10_000_000


@pytest.fixture(scope="module")
def ledger(finding_row: Callable[..., dict[str, Any]]) -> Ledger:
    """100,000 rejected rows of 1,000 characters, of every family, over 500 classes."""
    rules = [RULES[number % len(RULES)] for number in range(ROWS)]
    text = pa.array(
        [f"{number} " + "what is the meaning of this row? " * 30 for number in range(1000)] * (ROWS // 1000)
    )
    columns: dict[str, Any] = {name: [finding_row("x", 1)[name]] * ROWS for name in FINDING_COLUMNS}
    numbers = list(range(ROWS))
    columns |= {
        "rule": rules,
        "line": numbers,
        "id": [f"{number:016x}" for number in numbers],
        "score": [number / ROWS for number in numbers],
        "input": text,
        "related_input": text,
        "related_file": ["a.jsonl"] * ROWS,
        "related_line": [number // 7 for number in numbers],
        "related_id": [f"{number // 7:016x}" for number in numbers],
    }
    table = pa.table({name: pa.array(columns[name], kind) for name, kind in FINDING_COLUMNS.items()})
    counts = {rule: rules.count(rule) for rule in RULES}
    classes = {f"class {number}": {"before": 400, "after": 200} for number in range(500)}
    summary = {"rows_in": 2 * ROWS, "rows_kept": ROWS, "rows_rejected": ROWS, "by_rule": counts, "by_class": classes}
    return Ledger(summary=summary, findings=table)


@pytest.fixture
def large(build: Callable[..., RunResults], ledger: Ledger) -> RunResults:
    """That ledger, 20 benchmarks and 20,000 flips."""
    run = build()
    assert run.comparison is not None
    assert run.verdict is not None
    task, mean, *checks = run.verdict.checks
    names = [f"benchmark {number}" for number in range(20)]
    many = [dataclasses.replace(checks[number % 8], name=name) for number, name in enumerate(names)]
    flips = tuple(
        dataclasses.replace(flip, task=names[place % 20], prompt="few shots\n" * 300 + flip.prompt)
        for place, flip in enumerate(run.comparison.flips * 334)
    )
    return dataclasses.replace(
        run,
        ledger=ledger,
        verdict=dataclasses.replace(run.verdict, checks=(task, mean, *many)),
        comparison=dataclasses.replace(run.comparison, flips=flips),
    )


def test_a_large_run_fits_and_says_what_it_leaves_out(large: RunResults, ledger: Ledger) -> None:
    """The page stays under 10 MB, the comment under GitHub's limit; each sample names its whole."""
    html = render_html(large)

    assert len(html.encode()) < LONGEST_PAGE
    assert "200 of the 33,334 duplicates; findings.parquet in the run folder holds them all." in html
    assert "200 of the 16,666 suspected label errors" in html
    assert len(render_markdown(large)) < 60_000
    assert '"leftOut": 95000' in render_sarif(ledger)


def test_a_large_page_opens_at_once(browser: Any, large: RunResults, tmp_path: Path) -> None:
    """Parsing, script, style and layout take less than 3 s of the page's own thread."""
    html = render_html(large)
    browser.resize(1280)
    browser.send("Performance.enable", timeDomain="threadTicks")
    browser.open(html, tmp_path)
    metrics = {entry["name"]: entry["value"] for entry in browser.send("Performance.getMetrics")["metrics"]}

    assert 0 < metrics["TaskDuration"] < 3
    assert browser.ask("document.querySelector('#flips [role=status]').textContent") == "1–10 of 400"
