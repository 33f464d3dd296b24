"""One model's scores to its level on every task, for a terminal; nothing is compared."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc

from ..core.results import Scores, TaskInfo
from . import figures
from .checks import unit_of
from .escape import one_line
from .screen import Cell, Column, Screen
from .terminal import Files, shorten

NAME_WIDTH = 30
TASK_FIGURES = ("macro_f1", "ece", "brier", "token_f1", "rouge_l", "chrf")
"""Figures of the user's own task that are worth a line beside its score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What a model scored on one task."""

    info: TaskInfo
    n: int
    score: float
    """Mean of the values; for a ratio, their sum over the sum of the weights."""
    error: float | None
    """Standard error of a mean of independent items; none for a ratio or a single item."""
    contaminated: int


def levels_of(scores: Scores) -> list[Level]:
    """One per task that has rows, in the order of the tasks."""
    return [level for info in scores.tasks if (level := _level(scores, info))]


def render_scores_terminal(
    scores: Scores, *, width: int = 80, colour: bool = False, plain: bool = False, files: Files = ()
) -> str:
    """A line for every task: items, score, standard error, and what guessing would give."""
    screen = Screen(width, colour, plain)
    levels = levels_of(scores)
    screen.title(f"tunegate · {scores.model}", Cell(text="MEASURED", style="bold"))
    screen.gap()
    header: list[Column] = [("task", "left"), ("metric", "left")]
    header += [(name, "right") for name in ("score", "±", "chance", "items")]
    screen.table(header, [_cells(level) for level in levels])
    facts = _task_facts(scores)
    if facts:
        screen.heading("The task")
        screen.facts(facts)
    notes = [
        f"{level.info.name}: {figures.plural(level.contaminated, 'item')} occur in the training data"
        for level in levels
        if level.contaminated
    ]
    notes += [str(warning) for warning in scores.extras.get("warnings") or []]
    if notes:
        screen.heading("Needs attention")
        screen.items(notes, sign="!", style="yellow")
    if files:
        screen.heading("Files")
        screen.facts(files)
    return screen.text()


def _level(scores: Scores, info: TaskInfo) -> Level | None:
    table = scores.rows
    rows = table.filter(pc.and_(pc.equal(table["task"], info.name), pc.equal(table["metric"], info.metric)))
    n = rows.num_rows
    if not n:
        return None
    total = pc.sum(rows["value"]).as_py()
    spread = pc.stddev(rows["value"], ddof=1).as_py() if n > 1 and info.scale != "ratio" else None
    return Level(
        info=info,
        n=n,
        score=total / pc.sum(rows["weight"]).as_py() if info.scale == "ratio" else total / n,
        error=spread / math.sqrt(n) if spread is not None else None,
        contaminated=pc.sum(rows["contaminated"]).as_py() or 0,
    )


def _cells(level: Level) -> list[Cell]:
    unit = unit_of(level.info.scale)
    texts = (
        shorten(one_line(level.info.name), NAME_WIDTH),
        level.info.metric,
        figures.score(level.score, unit),
        figures.score(level.error, unit),
        figures.score(level.info.chance, unit),
        figures.count(level.n),
    )
    return [Cell(text=text) for text in texts]


def _task_facts(scores: Scores) -> list[tuple[str, str]]:
    task: Any = scores.extras.get("task")
    if not isinstance(task, Mapping):
        return []
    known = [(name.replace("_", " "), task.get(name)) for name in TASK_FIGURES]
    return [(name, figures.measure(value)) for name, value in known if isinstance(value, float)]
