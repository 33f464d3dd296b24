"""The funnel adds up, samples say what they leave out, and private data stays out of every report."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tunegate.core.records import FINDING_COLUMNS, Ledger
from tunegate.core.results import RunResults
from tunegate.reports import (
    curation_changes,
    render_curation_diff_markdown,
    render_curation_diff_terminal,
    render_html,
    render_json,
    render_markdown,
    render_sarif,
    render_terminal,
)
from tunegate.reports.ledgers import HIDDEN, class_balance, funnel_of, sample_of

SECRET = "secret.person@example.org"


def ledger_of(rows: list[Mapping[str, Any]], **summary: Any) -> Ledger:
    table = pa.Table.from_pylist([dict(row) for row in rows], schema=pa.schema(list(FINDING_COLUMNS.items())))
    return Ledger(summary=summary, findings=table)


@given(st.dictionaries(st.sampled_from(["a", "b", "near-duplicate"]), st.integers(1, 9)), st.integers(0, 5))
def test_the_funnel_adds_up(drops: dict[str, int], unlisted: int) -> None:
    """rows_in − all that was dropped == rows_kept, also where findings are missing from the table."""
    blank = dict.fromkeys(FINDING_COLUMNS)
    rows = [blank | {"rule": rule, "action": "drop", "decided": True} for rule, n in drops.items() for _ in range(n)]
    rejected = len(rows) + unlisted
    funnel = funnel_of(ledger_of(rows, rows_in=100, rows_kept=100 - rejected, rows_rejected=rejected))

    assert funnel.rows_in - sum(number for _, number in funnel.dropped) == funnel.rows_kept


def test_findings_that_did_not_decide_are_not_in_the_funnel(finding: Callable[..., dict[str, Any]]) -> None:
    """A row that two rules saw is dropped once."""
    rows = [finding("placeholder", 1), finding("near-duplicate", 1, decided=False)]

    assert funnel_of(ledger_of(rows, rows_in=2, rows_kept=1, rows_rejected=1)).dropped == (("placeholder", 1),)


def test_the_class_that_lost_most_comes_first() -> None:
    """Order is by the share lost, then by size."""
    summary = {
        "by_class": {"a": {"before": 10, "after": 9}, "b": {"before": 4, "after": 2}, "c": {"before": 5, "after": 5}}
    }

    assert class_balance(summary) == [("b", 4, 2), ("a", 10, 9), ("c", 5, 5)]


@pytest.mark.parametrize("render", [render_html, render_markdown, render_json, render_terminal])
def test_private_data_is_in_no_report(
    results: RunResults, finding: Callable[..., dict[str, Any]], render: Callable[[RunResults], str]
) -> None:
    """Neither the finding itself, nor another finding on the row, nor a duplicate of it shows the text."""
    private = finding("private-data", 7, input=SECRET, target=SECRET, reason=f"e-mail {SECRET}", action="flag")
    other = finding(
        "label-error", 7, input=SECRET, reason=f"{SECRET} reads like spam", evidence=f'{{"suggested": "{SECRET}"}}'
    )
    near = finding("near-duplicate", 8, related_id=private["id"], related_input=SECRET, related_target=SECRET)
    near |= {"input": HIDDEN}
    ledger = ledger_of([private, other, near], rows_in=9, rows_kept=7, rows_rejected=2)
    run = dataclasses.replace(results, ledger=ledger)

    assert SECRET not in render(run)
    assert SECRET not in render_sarif(ledger)
    assert SECRET not in render_curation_diff_markdown(ledger, ledger_of([]))


def test_a_sample_knows_what_it_leaves_out(results: RunResults) -> None:
    """The surest label errors come first, and the total is kept."""
    assert results.ledger is not None
    sample = sample_of(results.ledger, {"label"}, limit=4, order="score")

    assert [row["score"] for row in sample.rows] == pytest.approx([0.98, 0.955, 0.93, 0.905])
    assert (sample.total, sample.is_part) == (15, True)


def test_a_row_changes_its_fate_by_content_not_by_place(finding: Callable[..., dict[str, Any]]) -> None:
    """Moved rows are no change; another rule, or none any more, is one."""
    before = ledger_of([finding("placeholder", 1), finding("near-duplicate", 2), finding("test-leak", 3)])
    after = ledger_of([
        finding("placeholder", 1, line=100),
        finding("exact-duplicate", 2),
        finding("label-error", 4, action="flag"),
    ])  # fmt: skip
    changes = {change.id[-1]: (change.before, change.after) for change in curation_changes(before, after)}

    assert changes == {
        "2": ("drop by near-duplicate", "drop by exact-duplicate"),
        "3": ("drop by test-leak", "kept or absent"),
        "4": ("kept or absent", "flag by label-error"),
    }


def test_two_equal_curations_do_not_differ(results: RunResults) -> None:
    """Nothing changed reads as nothing changed."""
    assert results.ledger is not None
    assert curation_changes(results.ledger, results.ledger) == []
    assert render_curation_diff_terminal(results.ledger, results.ledger).splitlines()[0].endswith("0 rows changed")
