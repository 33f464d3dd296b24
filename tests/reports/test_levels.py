"""One model's levels are the plain means of its items, and say how sure they are."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from tunegate.core.results import SCORE_COLUMNS, Scores, TaskInfo
from tunegate.reports import render_scores_terminal
from tunegate.reports.levels import levels_of


def scores_of(**values: list[tuple[float, float]]) -> Scores:
    """Scores with (value, weight) per item of each task; a task named `ratio…` is a ratio."""
    blank: dict[str, Any] = dict.fromkeys(SCORE_COLUMNS, "") | {"occurrence": 0, "choices": [], "logprobs": []}
    rows = [
        blank | {"task": task, "metric": "acc", "value": value, "weight": weight, "contaminated": place == 0}
        for task, items in values.items()
        for place, (value, weight) in enumerate(items)
    ]
    infos = tuple(
        TaskInfo(
            name=task,
            role="benchmark",
            metric="acc",
            scale="ratio" if task.startswith("ratio") else "binary",
            chance=0.25,
        )
        for task in values
    )
    return Scores(
        rows=pa.Table.from_pylist(rows, pa.schema(list(SCORE_COLUMNS.items()))), tasks=infos, model="m", model_hash="h"
    )


def test_a_level_is_the_mean_with_its_standard_error() -> None:
    """3 of 4 right: 75 %, with the error of a mean of four items."""
    level = levels_of(scores_of(a=[(1, 1), (1, 1), (0, 1), (1, 1)]))[0]

    assert (level.score, level.error, level.n, level.contaminated) == (0.75, pytest.approx(0.25), 4, 1)


def test_a_ratio_is_a_ratio_of_sums() -> None:
    """Bits per byte weigh every item by its bytes."""
    level = levels_of(scores_of(ratio_text=[(10.0, 5.0), (2.0, 7.0)]))[0]

    assert (level.score, level.error) == (1.0, None)


def test_a_task_without_rows_is_not_shown_as_zero() -> None:
    """Nothing measured is no score."""
    assert levels_of(scores_of(a=[])) == []


def test_the_screen_shows_every_task() -> None:
    """A line each, with chance beside the score."""
    text = render_scores_terminal(scores_of(a=[(1, 1), (0, 1)], ratio_b=[(1.5, 1)]))

    assert [line.split() for line in text.splitlines()[3:6]] == [
        ["task", "metric", "score", "±", "chance", "items"],
        ["a", "acc", "50.0", "50.0", "25.0", "2"],
        ["ratio_b", "acc", "1.500", "–", "0.250", "1"],
    ]
