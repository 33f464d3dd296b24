"""Markdown keeps GitHub's limits by dropping whole sections, and its order."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from tunegate.core.results import RunResults
from tunegate.reports import github_summary, render_markdown
from tunegate.reports.markdown import MARKER, spread

SECTIONS = (
    "## ",
    "**Task**",
    "| benchmark | state",
    "### Needs attention",
    "### Lost answers",
    "Subjects",
    "Flips",
    "### Next",
)


def test_the_order_is_verdict_first_and_next_steps_last(results: RunResults) -> None:
    """Verdict, gain against loss, checks, attention, worst flips, folded details, next steps."""
    text = render_markdown(results)
    places = [text.index(part) for part in SECTIONS]

    assert places == sorted(places)
    assert text.startswith(f"{MARKER}\n\n## 🔴 FAIL · support-intents\n")
    assert "(exit code 1)" in text


@pytest.mark.parametrize("limit", [300, 1_000, 3_000, 8_000, 60_000])
def test_sections_are_dropped_whole_and_named(results: RunResults, limit: int) -> None:
    """Whatever the limit, the verdict stays, every table is whole, and what is missing is said."""
    whole, text = render_markdown(results, limit=10**9), render_markdown(results, limit=limit)
    left_out = "Left out for length" in text

    assert "FAIL" in text
    assert left_out == (len(whole) > limit)
    assert text.count("<details>") == text.count("</details>")
    assert len(text) <= max(limit, 600)


def test_a_huge_run_keeps_under_the_limits_of_github(build: Callable[..., RunResults]) -> None:
    """200 benchmarks with long names and texts: the comment has under 60,000 characters, the summary under 1 MiB."""
    run = build(lambda text: text + "漢字 and | pipes ` " * 50)
    assert run.comparison is not None
    assert run.verdict is not None
    many = dataclasses.replace(
        run,
        comparison=dataclasses.replace(
            run.comparison, tasks=run.comparison.tasks * 25, flips=run.comparison.flips * 50
        ),
        verdict=dataclasses.replace(run.verdict, checks=run.verdict.checks * 25),
    )

    assert len(render_markdown(many)) < 60_000
    assert len(github_summary(many).encode()) < 1 << 20


def test_flips_are_taken_in_turn_from_the_benchmarks(results: RunResults) -> None:
    """No benchmark fills the list."""
    assert results.comparison is not None
    lost = [flip for flip in results.comparison.flips if flip.direction == "lost"]

    assert [flip.task for flip in spread(sorted(lost, key=lambda flip: flip.task), 5)] == [
        "arithmetic", "copying", "sentiment", "arithmetic", "copying",
    ]  # fmt: skip


def test_a_run_that_is_nothing_yet_still_renders() -> None:
    """An empty run says so instead of failing."""
    assert render_markdown(RunResults(name="x")) == f"{MARKER}\n\n## EMPTY · x\n"
