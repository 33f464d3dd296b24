"""Findings and decisions as columns are the objects that went into them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tunegate.core.findings import DROP, FLAG, Decisions, Findings, Spans
from tunegate.core.records import Finding

FINDING = st.builds(
    Finding,
    row=st.integers(0, 9),
    rule=st.sampled_from(["markup", "private-data", "near-duplicate"]),
    severity=st.sampled_from(["info", "warning"]),
    reason=st.text(max_size=5),
    score=st.none() | st.floats(0, 1),
    evidence=st.dictionaries(st.text(max_size=3), st.integers(0, 9) | st.text(max_size=3), max_size=2),
    related=st.none() | st.integers(0, 9),
)
LISTED = st.lists(FINDING, max_size=6)


@given(listed=LISTED, more=LISTED)
def test_columns_give_back_what_they_were_made_of(listed: list[Finding], more: list[Finding]) -> None:
    """One by one, sliced, joined, and taken in another order."""
    found = Findings.of(listed)

    assert list(found) == listed
    assert [found[at] for at in range(len(found))] == listed
    assert list(found[1:3]) == listed[1:3]
    assert list(Findings.joined([found, Findings.of(more)])) == listed + more
    assert list(found.take(np.arange(len(found))[::-1])) == listed[::-1]
    assert found.are_of(["markup"]).tolist() == [finding.rule == "markup" for finding in listed]


@given(listed=LISTED)
def test_findings_of_a_part_are_placed_in_the_whole(listed: list[Finding]) -> None:
    """Both the row and the related row become positions in the whole."""
    rows = np.arange(10) * 2 + 1
    placed = Findings.of(listed).placed(rows, 21)

    assert [finding.row for finding in placed] == [2 * finding.row + 1 for finding in listed]
    related = [None if finding.related is None else 2 * finding.related + 1 for finding in listed]
    assert [finding.related for finding in placed] == related


def test_decisions_count_the_rules_that_decided() -> None:
    """The most frequent rule comes first; a finding that did not decide has no say."""
    rules = ["markup", "refusal", "refusal", "markup"]
    found = Findings.of(
        [Finding(row=row, rule=rule, severity="info", reason="") for row, rule in zip([0, 1, 2, 2], rules, strict=True)]
    )
    decisions = Decisions(
        rows=np.array([0, 1, 2]), actions=np.array([FLAG, DROP, DROP]), places=np.array([0, 1, 2]), findings=found
    )

    assert decisions.count_rules() == {"refusal": 2, "markup": 1}
    assert [(d.row, d.action, d.finding) for d in decisions] == [
        (0, "flag", found[0]),
        (1, "drop", found[1]),
        (2, "drop", found[2]),
    ]
    assert decisions.with_action(DROP).rows.tolist() == [1, 2]
    assert decisions.by(["markup"]).rows.tolist() == [0]


def test_spans_of_some_rows_are_numbered_anew() -> None:
    """A row that occurs twice has its spans twice; joined spans are in the order of their rows."""
    spans = Spans(
        searched=np.array([True, True, False, True]),
        rows=np.array([0, 0, 3]),
        starts=np.array([1, 5, 0]),
        stops=np.array([2, 6, 4]),
        types=np.array([0, 1, 2]),
    )
    some = spans.of(np.array([0, 2, 3, 3]))
    both = spans.joined(spans.of(np.array([3])).placed(np.array([2]), 4))

    assert some.rows.tolist() == [0, 0, 2, 3]
    assert some.starts.tolist() == [1, 5, 0, 0]
    assert some.searched.tolist() == [True, False, True, True]
    assert both.rows.tolist() == [0, 0, 2, 3]
    assert both.searched.all()
