"""Several runs to one comparison: how data, task and abilities moved, with the accepted reference marked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..core.results import RunResults
from . import figures
from .checks import STATE_SIGNS, Line, State, gain_and_loss, lines_of, outcome_word
from .escape import clip, markdown_code, markdown_text
from .ledgers import funnel_of
from .markdown import table
from .markup import NOTHING, Row, data, join, tag, text, words
from .markup import table as html_table
from .page_shell import Section, page
from .screen import STATE_STYLES, Cell, Column, Screen

ACCEPTED = "accepted"
ABILITIES = "Tuned score of every benchmark, and its change from the base of that run"
NAME_WIDTH = 24
CELL_WIDTH = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run in figures that are already text."""

    name: str
    is_accepted: bool
    outcome: str
    rows_kept: str
    task: str
    mean: str
    worst: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AbilityRow:
    """One benchmark over all runs."""

    name: str
    cells: tuple[tuple[str, State | None], ...]
    """(tuned score and its change from that run's base, state) per run; `–` where not measured."""
    moved: str
    """The latest tuned score minus the accepted run's; empty where there is no other accepted run."""


def run_rows(runs: Sequence[RunResults], accepted: str | None = None) -> list[RunRow]:
    """One row per run, in the order given."""
    return [_run_row(run, accepted) for run in runs]


def ability_rows(runs: Sequence[RunResults], accepted: str | None = None) -> list[AbilityRow]:
    """The mean, then every benchmark that any run measured, by name."""
    measured = [{line.title: line for line in lines_of(run.verdict, run.comparison)} for run in runs]
    found = {name: line for lines in measured for name, line in lines.items() if line.kind != "task"}
    reference = next((lines for run, lines in zip(runs, measured, strict=True) if run.name == accepted), None)
    latest = measured[-1] if measured else {}
    return [
        AbilityRow(
            name=name,
            cells=tuple(_ability_cell(lines.get(name)) for lines in measured),
            moved="" if reference is None or reference is latest else _moved(reference.get(name), latest.get(name)),
        )
        for name in sorted(found, key=lambda name: (found[name].kind != "mean", name))
    ]


def render_runs_terminal(
    runs: Sequence[RunResults],
    *,
    accepted: str | None = None,
    width: int = 80,
    colour: bool = False,
    plain: bool = False,
) -> str:
    """The runs below one another, then every benchmark with a column per run.

    Args:
        runs: in the order to show, the oldest first.
        accepted: name of the run that is the reference.
        width: columns to fill.
        colour: whether to write ANSI colours.
        plain: for screen readers, see `render_terminal`.
    """
    screen = Screen(width, colour, plain)
    screen.title("tunegate · comparing runs", Cell(text=figures.plural(len(runs), "run")))
    header: list[Column] = [("", "right"), ("run", "left"), ("gate", "left"), ("rows", "right"), ("task", "right")]
    rows = [
        [
            Cell(text=str(number)),
            Cell(text=clip(row.name, NAME_WIDTH) + (f" ({ACCEPTED})" if row.is_accepted else "")),
            Cell(text=row.outcome, style=STATE_STYLES.get(row.outcome.lower(), "")),
            Cell(text=row.rows_kept),
            Cell(text=row.task),
            Cell(text=row.mean),
        ]
        for number, row in enumerate(run_rows(runs, accepted), 1)
    ]
    screen.table([*header, ("abilities", "right")], rows)
    _show_abilities(screen, ability_rows(runs, accepted), len(runs))
    return screen.text()


def render_runs_markdown(runs: Sequence[RunResults], *, accepted: str | None = None) -> str:
    """The same as two Markdown tables."""
    header = ("", "run", "gate", "rows kept", "task", "abilities, mean", "largest loss")
    rows = [
        [
            str(number),
            markdown_code(clip(row.name, 120)) + (f" **{ACCEPTED}**" if row.is_accepted else ""),
            row.outcome,
            row.rows_kept,
            markdown_text(row.task),
            row.mean,
            markdown_text(row.worst),
        ]
        for number, row in enumerate(run_rows(runs, accepted), 1)
    ]
    below = ability_rows(runs, accepted)
    abilities = [[markdown_code(clip(row.name, 120)), *_signed(row)] for row in below]
    parts = ["## Comparing runs", table(header, rows, right_from=3)]
    parts.append(table(_titles(below, range(len(runs))), abilities, right_from=1))
    return "\n\n".join(parts) + "\n"


def render_runs_html(runs: Sequence[RunResults], *, accepted: str | None = None) -> str:
    """The same as one offline page."""
    mark = tag("span", text(ACCEPTED), class_="badge pass")
    rows = [
        Row(
            cells=[
                text(number), tag("span", data(row.name), text(" "), mark if row.is_accepted else NOTHING),
                text(row.outcome), text(row.rows_kept), text(row.task), text(row.mean), text(row.worst, 160),
            ]
        )
        for number, row in enumerate(run_rows(runs, accepted), 1)
    ]  # fmt: skip
    titles = ("", "run", "gate", "rows kept", "task", "abilities, mean", "largest loss")
    below = ability_rows(runs, accepted)
    cells = [Row(cells=[data(row.name), *map(text, _signed(row))]) for row in below]
    columns = _titles(below, range(len(runs)))
    upper = html_table(titles, rows, caption="Runs", numbers=(3, 4, 5), page=50)
    lower = html_table(columns, cells, caption="Abilities", numbers=range(1, len(columns)), page=50)
    if any(row.moved for row in below):
        lower = join(
            [lower, words("Since accepted: latest minus accepted, as measured; not tested.", class_="muted small")]
        )
    sections: list[Section] = [("runs", "Runs", "Runs", upper), ("abilities", "Abilities", ABILITIES, lower)]
    banner = tag(
        "header", tag("div", tag("h1", text(f"Comparing {figures.plural(len(runs), 'run')}"))), class_="banner"
    )
    return page("Comparing runs", banner, sections)


def _show_abilities(screen: Screen, abilities: Sequence[AbilityRow], number_of_runs: int) -> None:
    if not abilities:
        return
    room = number_of_runs if screen.plain else max(1, (screen.width - NAME_WIDTH - CELL_WIDTH) // CELL_WIDTH)
    shown = range(max(0, number_of_runs - room), number_of_runs)
    screen.heading(ABILITIES)
    titles = _titles(abilities, shown)
    rows = [
        [
            Cell(text=clip(row.name, NAME_WIDTH)),
            *(Cell(text=row.cells[place][0], style=STATE_STYLES.get(row.cells[place][1] or "", "")) for place in shown),
            *([Cell(text=row.moved)] if row.moved else []),
        ]
        for row in abilities
    ]
    screen.table([(title, "right" if place else "left") for place, title in enumerate(titles)], rows)
    if len(shown) < number_of_runs:
        screen.line(
            f"… the latest {len(shown)} of {number_of_runs} runs; a wider terminal or the page shows more", "dim"
        )


def _titles(abilities: Sequence[AbilityRow], shown: Iterable[int]) -> list[str]:
    moved = any(row.moved for row in abilities)
    return ["benchmark", *(f"run {place + 1}" for place in shown), *(["since accepted"] if moved else [])]


def _signed(row: AbilityRow) -> list[str]:
    cells = [f"{STATE_SIGNS[state]} {words}" if state else words for words, state in row.cells]
    return [*cells, row.moved] if row.moved else cells


def _moved(reference: Line | None, latest: Line | None) -> str:
    if reference is None or latest is None or reference.tuned is None or latest.tuned is None:
        return figures.ABSENT
    return figures.change(latest.tuned - reference.tuned, latest.unit)


def _run_row(run: RunResults, accepted: str | None) -> RunRow:
    lines = lines_of(run.verdict, run.comparison)
    task, mean = gain_and_loss(lines)
    losses = [line for line in lines if line.kind == "benchmark" and line.delta is not None and line.delta < 0]
    worst = min(losses, key=lambda line: line.delta or 0.0, default=None)
    return RunRow(
        name=run.name,
        is_accepted=run.name == accepted,
        outcome=outcome_word(run),
        rows_kept=figures.count(funnel_of(run.ledger).rows_kept) if run.ledger else figures.ABSENT,
        task=_level(task),
        mean=figures.change(mean.delta, mean.unit) if mean else figures.ABSENT,
        worst=f"{worst.name} {figures.change(worst.delta, worst.unit)}" if worst else "none",
    )


def _level(line: Line | None) -> str:
    if line is None:
        return figures.ABSENT
    return f"{figures.score(line.tuned, line.unit)} ({figures.change(line.delta, line.unit)})"


def _ability_cell(line: Line | None) -> tuple[str, State | None]:
    return (figures.ABSENT, None) if line is None else (_level(line), line.state)
