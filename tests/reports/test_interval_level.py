"""The heading of the intervals names the level at which the gate tested."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from tunegate.core.results import RunResults
from tunegate.reports import render_html, render_markdown, render_model_card, render_terminal
from tunegate.reports.checks import interval_title
from tunegate.reports.views import notebook_html

RENDERERS: tuple[Callable[[RunResults], str], ...] = (
    render_html,
    render_markdown,
    render_model_card,
    render_terminal,
    notebook_html,
)


def judged(results: RunResults, policy: Mapping[str, Any]) -> RunResults:
    assert results.verdict is not None
    return replace(results, verdict=replace(results.verdict, policy=policy))


@pytest.mark.parametrize(
    ("policy", "title"),
    [
        ({"alpha": 0.05}, "90 % interval"),
        ({"alpha": 0.01}, "98 % interval"),
        ({"alpha": 0.05, "look": {"share": 0.5, "blocks": 2, "alpha": 0.00557}}, "98.9 % interval"),
        ({"alpha": 0.05, "look": {"share": 0.05, "blocks": 20, "alpha": 1e-12}}, "> 99.9 % interval"),
        ({}, "90 % interval"),
    ],
)
def test_the_title_says_what_the_interval_covers(results: RunResults, policy: dict[str, Any], title: str) -> None:
    """1 − 2·alpha, of the look where there were several."""
    assert interval_title(judged(results, policy).verdict) == title


def test_an_ungated_comparison_has_its_own_level() -> None:
    """A comparison shows 90 % intervals before any policy is known."""
    assert interval_title(None) == "90 % interval"


@pytest.mark.parametrize("render", RENDERERS)
def test_every_report_shows_the_level_that_was_used(results: RunResults, render: Callable[[RunResults], str]) -> None:
    """No report speaks of 90 % where alpha is another."""
    text = render(judged(results, {"alpha": 0.01}))

    assert "98 % interval" in text
    assert "90 % interval" not in text


def test_the_page_names_the_bound_of_the_gate(results: RunResults) -> None:
    """The lower end of the interval is the one-sided bound at 1 − alpha."""
    assert "one-sided 99 % bound" in render_html(judged(results, {"alpha": 0.01}))
