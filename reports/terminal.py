"""Results to one screen of text: what was done, the verdict, what needs attention, the files, what to do next."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.records import Ledger
from ..core.results import Comparison, RunResults, Verdict
from . import figures
from .advice import attention, next_actions, rows_moved
from .checks import STATE_SIGNS, Line, gain_and_loss, interval_title, lines_of, outcome_word, sentence
from .escape import one_line
from .ledgers import class_balance, funnel_of
from .losses import drift_in_words, kind_table, kinds_in_words
from .screen import STATE_STYLES, Cell, Column, Screen

MAX_LINES = 12
"""Checks shown; the rest are counted."""
MAX_NOTES = 5
Files = Sequence[tuple[str, str]]
"""(what, path), in the order to show."""


def render_terminal(
    results: RunResults, *, width: int = 80, colour: bool = False, plain: bool = False, files: Files = ()
) -> str:
    """The whole run on one screen.

    Args:
        results: what the run folder holds; stages that did not run are left out.
        width: columns to fill.
        colour: whether to write ANSI colours.
        plain: no box drawing and ASCII only, a named figure each: for screen readers and narrow encodings.
        files: (what, path) pairs to list.
    """
    screen = Screen(width, colour, plain)
    word = outcome_word(results)
    screen.title(f"tunegate · {results.name}", Cell(text=word, style=STATE_STYLES.get(word.lower(), "bold")))
    if results.verdict:
        screen.line(results.verdict.reason, "bold")
    screen.gap()
    screen.facts(_what_was_done(results))
    if results.comparison or results.verdict:
        _show_checks(screen, lines_of(results.verdict, results.comparison), interval_title(results.verdict))
    elif results.ledger:
        _show_funnel(screen, results.ledger)
    _show_end(screen, results, files)
    return screen.text()


def render_curation_terminal(
    ledger: Ledger,
    *,
    name: str = "curation",
    width: int = 80,
    colour: bool = False,
    plain: bool = False,
    files: Files = (),
) -> str:
    """What curation did with the rows, and which classes paid for it."""
    return render_terminal(RunResults(name=name, ledger=ledger), width=width, colour=colour, plain=plain, files=files)


def render_verdict_terminal(
    verdict: Verdict,
    comparison: Comparison | None = None,
    *,
    name: str = "gate",
    width: int = 80,
    colour: bool = False,
    plain: bool = False,
    files: Files = (),
) -> str:
    """The verdict with a line for every check."""
    results = RunResults(name=name, verdict=verdict, comparison=comparison)
    return render_terminal(results, width=width, colour=colour, plain=plain, files=files)


def render_comparison_terminal(
    comparison: Comparison,
    *,
    name: str = "comparison",
    width: int = 80,
    colour: bool = False,
    plain: bool = False,
    files: Files = (),
) -> str:
    """Base against tuned with a line for every task; nothing is judged."""
    results = RunResults(name=name, comparison=comparison)
    return render_terminal(results, width=width, colour=colour, plain=plain, files=files)


def _what_was_done(results: RunResults) -> list[tuple[str, str]]:
    facts = []
    if results.ledger:
        facts.append(("Data", rows_moved(results)))
    if results.tuned:
        tuned = results.tuned
        losses = tuned.losses
        fell = f", loss {figures.measure(losses[0][1])} → {figures.measure(losses[-1][1])}" if len(losses) > 1 else ""
        facts.append(("Training", f"{tuned.method} on {tuned.base}, {figures.plural(tuned.steps, 'step')}{fell}"))
    if results.comparison or results.verdict:
        lines = lines_of(results.verdict, results.comparison)
        task, mean = gain_and_loss(lines)
        if task:
            facts.append(("Task", sentence(task)))
        if mean:
            number = sum(line.kind == "benchmark" for line in lines)
            facts.append(("Abilities", f"mean of {figures.plural(number, 'benchmark')}: {sentence(mean)}"))
    facts += [("Lost", f"{name}: {kinds_in_words(counts)}") for name, counts in kind_table(results.comparison)]
    return [*facts, ("Drift", drift_in_words(results.drift))] if results.drift else facts


def _show_checks(screen: Screen, lines: Sequence[Line], interval: str) -> None:
    screen.gap()
    shown = lines[:MAX_LINES]
    roomy = screen.width >= 100 or screen.plain
    names = ("", "") if screen.plain else ("state", "check")
    figure_names = ("base", "tuned", "Δ", interval, "margin", "flips", *(("n", "MDE") if roomy else ()))
    header: list[Column] = [(name, "left") for name in names]
    header += [(name, "right") for name in figure_names]
    screen.table(header, [_check_row(screen, line, roomy=roomy) for line in shown])
    if len(lines) > len(shown):
        rest = lines[len(shown) :]
        kinds = sorted({line.state for line in rest})
        screen.line(f"… and {len(rest)} more ({', '.join(kinds)})", "dim")


def _state_word(screen: Screen, line: Line) -> str:
    if screen.plain:
        return line.state.upper()
    word = {"inconclusive": "INCONCL", "measured": "", "advisory": "ADVISE"}.get(line.state, line.state.upper())
    return f"{STATE_SIGNS[line.state]} {word}".strip()


def shorten(name: str, limit: int) -> str:
    """A name without its middle: the names of benchmarks often begin alike and end alike.

    >>> shorten("blimp_adjunct_island", 16)
    'blimp_a…t_island'
    """
    if len(name) <= limit:
        return name
    head = (limit - 1) // 2
    return f"{name[:head]}…{name[len(name) - (limit - 1 - head) :]}"


def _check_row(screen: Screen, line: Line, *, roomy: bool) -> list[Cell]:
    style = STATE_STYLES.get(line.state, "")
    state = Cell(text=_state_word(screen, line), style=style)
    name = Cell(text=shorten(one_line(line.title), screen.width if screen.plain else max(screen.width - 64, 12)))
    row = [
        *([name, state] if screen.plain else [state, name]),
        Cell(text=figures.score(line.base, line.unit)),
        Cell(text=figures.score(line.tuned, line.unit)),
        Cell(text=figures.change(line.delta, line.unit), style=style),
        Cell(text=figures.interval(line.low, line.high, line.unit)),
        Cell(text=figures.score(line.margin, line.unit)),
        Cell(text=figures.flips(line.lost, line.gained)),
    ]
    return row + [Cell(text=figures.count(line.n)), Cell(text=figures.score(line.mde, line.unit))] * roomy


def _show_funnel(screen: Screen, ledger: Ledger) -> None:
    funnel = funnel_of(ledger)
    largest = max((number for _, number in (*funnel.dropped, *funnel.flagged)), default=1)
    rows = [_funnel_row("dropped", *item, largest) for item in funnel.dropped[:MAX_LINES]]
    rows += [_funnel_row("flagged", *item, largest) for item in funnel.flagged[:MAX_LINES]]
    if rows:
        screen.gap()
        screen.table([("", "left"), ("rule", "left"), ("rows", "right"), ("", "left")], rows)
    balance = [row for row in class_balance(ledger.summary) if row[1] != row[2]]
    if balance:
        screen.heading("Classes that lost most")
        header: list[Column] = [("class", "left"), ("before", "right"), ("after", "right"), ("lost", "right")]
        screen.table(header, [_class_row(*row) for row in balance[:MAX_NOTES]])


def _funnel_row(action: str, rule: str, number: int, largest: int) -> list[Cell]:
    bar = "█" * max(1, round(20 * number / largest)) if action == "dropped" else ""
    style = STATE_STYLES["fail" if action == "dropped" else "inconclusive"]
    return [Cell(text=action), Cell(text=rule[:40]), Cell(text=figures.count(number)), Cell(text=bar, style=style)]


def _class_row(name: str, before: int, after: int) -> list[Cell]:
    short = name if len(name) <= 40 else name[:39] + "…"
    cells = (short, figures.count(before), figures.count(after), figures.share(before - after, before))
    return [Cell(text=text) for text in cells]


def _show_end(screen: Screen, results: RunResults, files: Files) -> None:
    notes = attention(results)
    if notes:
        screen.heading("Needs attention")
        screen.items(notes[:MAX_NOTES], sign="!", style="yellow")
        if len(notes) > MAX_NOTES:
            screen.line(f"… and {len(notes) - MAX_NOTES} more in the report", "dim")
    actions = next_actions(results)
    if actions:
        screen.heading("Next")
        screen.items(actions, sign="1.")
    if files:
        screen.heading("Files")
        screen.facts(files)
