"""Shipped suites name real tasks, cover the broad abilities, and say what they can show."""

from __future__ import annotations

from typing import get_args

import pytest
from tunegate.evaluate import EvaluateConfig
from tunegate.evaluate.benchmarks.locate import find_leaves
from tunegate.evaluate.benchmarks.scored import chosen_benchmarks
from tunegate.evaluate.benchmarks.suites import SUITES, describe_suite, load_suite
from tunegate.evaluate.config import Ability


@pytest.mark.parametrize("name", SUITES)
def test_every_benchmark_of_a_suite_is_one_that_lm_eval_knows(name: str) -> None:
    """Each entry is one benchmark with one score, under the name that the suite gives it."""
    assert [[found for found, _ in find_leaves(entry.task)] for entry in load_suite(name)] == [
        [entry.task] for entry in load_suite(name)
    ]


def test_the_standard_suite_covers_every_broad_ability() -> None:
    """Bits per byte of plain language are measured by the full suite alone."""
    assert {entry.ability for entry in load_suite("standard")} == set(get_args(Ability)) - {"", "language"}


def test_what_a_suite_can_show_follows_from_its_items() -> None:
    """(1.645 + 0.842)·√(0.10 / n): 300 items find 4.5 points, 1,000 find 2.5."""
    _, quick = describe_suite("quick")
    _, standard = describe_suite("standard")

    assert [round(entry.smallest_drop or 1.0, 3) for entry in quick] == [0.039, 0.045, 0.045, 0.045]
    assert max(entry.smallest_drop or 1.0 for entry in standard) < 0.036


def test_the_command_line_describes_every_suite() -> None:
    """`--list-suites` needs no model and names each benchmark with its items and what they find."""
    from tunegate.cli import app
    from typer.testing import CliRunner

    result = CliRunner().invoke(app, ["evaluate", "--list-suites"])

    assert result.exit_code == 0
    assert "  hellaswag        commonsense       300       as defined   4.5 pt" in result.stdout.splitlines()
    assert "  wikitext         language           62       as defined        –" in result.stdout.splitlines()


def test_the_users_entry_replaces_the_suites() -> None:
    """A limit of one's own for a task of the suite does not measure it twice."""
    config = EvaluateConfig.model_validate({"suite": "quick", "benchmarks": [{"task": "blimp", "limit": 67}, "copa"]})
    chosen = {entry.task: entry.limit for entry in chosen_benchmarks(config)}

    assert chosen == {"hellaswag": 300, "arc_easy": 300, "lambada_openai": 300, "blimp": 67, "copa": 500}
