"""JUnit agrees with the exit code and survives any text."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from tunegate.core.results import RunResults
from tunegate.reports import render_junit


@pytest.mark.parametrize("outcome", ["pass", "fail", "inconclusive"])
@pytest.mark.parametrize("blocks", [True, False])
def test_a_case_fails_exactly_when_the_exit_code_is_not_zero(
    build: Callable[..., RunResults], outcome: str, blocks: bool
) -> None:
    """CI that reads JUnit and CI that reads the exit code come to one decision."""
    verdict = build(outcome=outcome).verdict
    assert verdict is not None
    if outcome == "inconclusive":
        checks = tuple(check for check in verdict.checks if check.state != "fail")
        verdict = dataclasses.replace(verdict, checks=checks, inconclusive_blocks=blocks)

    root = ET.fromstring(render_junit(verdict))
    failures = root.findall(".//failure")

    assert bool(failures) == bool(verdict.exit_code)
    assert sum(int(suite.attrib["failures"]) for suite in root) == len(failures)


def test_a_suite_counts_what_it_holds(results: RunResults) -> None:
    """tests, failures and skipped are the numbers of the cases below them; one case per benchmark."""
    root = ET.fromstring(render_junit(results))
    suite = next(suite for suite in root if suite.attrib["name"] == "benchmarks")

    assert [len(suite), int(suite.attrib["tests"])] == [8, 8]
    assert len(suite.findall(".//failure")) == int(suite.attrib["failures"]) == 3
    assert len(suite.findall(".//skipped")) == int(suite.attrib["skipped"]) == 1
    assert [f.attrib["type"] for f in suite.findall(".//failure")] == ["fail", "inconclusive", "void"]


def test_a_run_without_a_verdict_has_no_suite() -> None:
    """Nothing gated is nothing tested, never a pass."""
    assert list(ET.fromstring(render_junit(RunResults(name="curated only")))) == []
