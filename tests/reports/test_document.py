"""JSON is canonical: valid under the published schema, finite, and true to the results."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from tunegate.core.results import RunResults
from tunegate.reports import attach_views, render_html, render_json, render_markdown, report_schema
from tunegate.reports.document import Document


def test_the_published_schema_is_the_one_in_the_code(root: Path) -> None:
    """Whoever validates against the file validates against what is written."""
    published = json.loads((root / "reports" / "schemas" / "report.schema.json").read_text(encoding="utf-8"))

    assert published == report_schema()


def test_a_report_is_valid_and_says_what_the_results_say(results: RunResults) -> None:
    """The schema accepts it; verdict and exit code are those of the results."""
    text = render_json(results)
    document = TypeAdapter(Document).validate_json(text)

    assert document.verdict is not None
    assert results.verdict is not None
    assert (document.verdict.outcome, document.verdict.exit_code) == ("fail", 1)
    assert [check.name for check in document.verdict.checks] == [check.name for check in results.verdict.checks]
    assert document.data is not None
    assert sum(document.data.dropped.values()) == document.data.summary["rows_rejected"]


@pytest.mark.parametrize("render", [render_json, render_html, render_markdown])
def test_neither_paths_nor_rows_slip_out_by_the_notes(results: RunResults, render: Callable[[RunResults], str]) -> None:
    """The owner's path and the audit's decoded example stay in the run folder."""
    text = render(results)

    assert "author's machine" not in text.replace("&#x27;", "'")
    assert "a row of the data" not in text


def test_an_empty_run_is_valid_too() -> None:
    """Stages that did not run are null."""
    assert TypeAdapter(Document).validate_json(render_json(RunResults(name="x"))).verdict is None


def test_numbers_that_json_cannot_hold_become_null(results: RunResults) -> None:
    """NaN and infinity are not JSON."""
    assert results.tuned is not None
    broken = dataclasses.replace(results.tuned, notes={"nan": float("nan"), "list": [float("inf")]})

    notes = json.loads(render_json(dataclasses.replace(results, tuned=broken)))["training"]["notes"]
    assert notes == {"nan": None, "list": [None]}


def test_nouns_show_themselves_in_a_notebook(results: RunResults) -> None:
    """Every noun has the four views; the page of a run is the page of its renderer."""
    attach_views(lambda _curation: results.ledger)  # type: ignore[arg-type, return-value]
    nouns = [results, results.ledger, results.tuned, results.comparison, results.verdict, results.tuned_scores]

    assert results.to_html() == render_html(results)  # type: ignore[attr-defined]
    for noun in nouns:
        assert noun._repr_html_().startswith("<div>")  # type: ignore[union-attr]
        assert noun.to_markdown().startswith("<!-- tunegate:report -->")  # type: ignore[union-attr]


def test_frames_have_a_row_for_each_thing(results: RunResults) -> None:
    """Checks of a run, tasks of a comparison, findings of a ledger, points of a training."""
    attach_views(lambda _curation: results.ledger)  # type: ignore[arg-type, return-value]
    nouns = (results, results.verdict, results.comparison, results.ledger, results.tuned)
    lengths = [len(noun.to_pandas()) for noun in nouns]  # type: ignore[union-attr]

    assert lengths == [10, 10, 9, 50, 41]
