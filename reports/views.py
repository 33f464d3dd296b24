"""Nouns to what a notebook and a script ask of them: `_repr_html_`, `to_html()`, `to_markdown()`, `to_pandas()`.

The nouns live in `core`, which knows no report; `attach_views` gives them these methods once, when the public API is
first used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from ..core.records import Curation, Ledger, Tuned
from ..core.results import Comparison, RunResults, Scores, Verdict
from . import figures
from .advice import rows_moved
from .checks import STATE_SIGNS, interval_title, lines_of, outcome_word, unit_of
from .document import PER_ITEM
from .ledgers import funnel_of
from .levels import levels_of
from .markdown import render_markdown
from .markup import Html, join, tag, text
from .page import render_html

Noun = RunResults | Verdict | Comparison | Ledger | Curation | Tuned | Scores
LedgerOf = Callable[[Curation], Ledger]


def attach_views(ledger_of: LedgerOf) -> None:
    """Give the nouns their views; calling it again changes nothing.

    Args:
        ledger_of: how a curation in memory becomes its ledger.
    """
    for noun in (RunResults, Verdict, Comparison, Ledger, Curation, Tuned, Scores):
        views: dict[str, Callable[[Any], Any]] = {
            "to_pandas": lambda self: to_pandas(self, ledger_of),
            "to_html": lambda self: render_html(results_of(self, ledger_of)),
            "to_markdown": lambda self: render_markdown(results_of(self, ledger_of)),
            "_repr_html_": lambda self: notebook_html(results_of(self, ledger_of)),
        }
        for name, view in views.items():
            setattr(noun, name, view)


def results_of(noun: Noun, ledger_of: LedgerOf) -> RunResults:
    """The run that a single noun is a part of, with nothing else in it."""
    if isinstance(noun, RunResults):
        return noun
    if isinstance(noun, Curation):
        return RunResults(name="curation", ledger=ledger_of(noun))
    part = {Ledger: "ledger", Verdict: "verdict", Comparison: "comparison", Tuned: "tuned", Scores: "tuned_scores"}
    return RunResults(name=type(noun).__name__.lower(), **{part[type(noun)]: noun})  # type: ignore[arg-type]


def to_pandas(noun: Noun, ledger_of: LedgerOf) -> Any:
    """A pandas frame: checks of a verdict or run, tasks of a comparison, findings, losses, or one row per item."""
    import pandas as pd

    if isinstance(noun, Curation):
        return ledger_of(noun).findings.to_pandas()
    if isinstance(noun, Ledger):
        return noun.findings.to_pandas()
    if isinstance(noun, Scores):
        return noun.rows.to_pandas()
    if isinstance(noun, Tuned):
        return pd.DataFrame(noun.losses, columns=["step", "loss"])
    if isinstance(noun, Verdict):
        return pd.DataFrame([asdict(check) for check in noun.checks])
    comparison = noun.comparison if isinstance(noun, RunResults) else noun
    if isinstance(noun, RunResults) and noun.verdict:
        return pd.DataFrame([asdict(line) for line in lines_of(noun.verdict, comparison)])
    rows = [asdict(task) for task in comparison.tasks] if comparison else []
    return pd.DataFrame([{**row.pop("info"), **{k: v for k, v in row.items() if k not in PER_ITEM}} for row in rows])


def notebook_html(results: RunResults) -> str:
    """A few lines for a notebook cell, without style or script of its own."""
    parts = [tag("p", tag("b", text(outcome_word(results))), text(f" · {results.name}", 200))]
    if results.verdict:
        parts.append(tag("p", text(results.verdict.reason, 600)))
    if results.ledger:
        parts.append(tag("p", text(rows_moved(results))))
    if results.tuned:
        tuned = results.tuned
        parts.append(tag("p", text(f"{tuned.method} on {tuned.base}, {figures.plural(tuned.steps, 'step')}", 300)))
    return tag("div", *parts, _checks(results), _rules(results), _scores(results.tuned_scores))


def _checks(results: RunResults) -> Html:
    rows = [
        [
            f"{STATE_SIGNS[line.state]} {line.state.upper()}",
            line.title,
            figures.score(line.base, line.unit),
            figures.score(line.tuned, line.unit),
            figures.change(line.delta, line.unit),
            figures.interval(line.low, line.high, line.unit),
            figures.score(line.margin, line.unit),
            figures.flips(line.lost, line.gained),
        ]
        for line in lines_of(results.verdict, results.comparison)
    ]
    return _table(("state", "check", "base", "tuned", "Δ", interval_title(results.verdict), "margin", "flips"), rows)


def _rules(results: RunResults) -> Html:
    if results.ledger is None or results.verdict:
        return Html("")
    funnel = funnel_of(results.ledger)
    rows = [[rule, "dropped", figures.count(number)] for rule, number in funnel.dropped]
    rows += [[rule, "flagged", figures.count(number)] for rule, number in funnel.flagged]
    return _table(("rule", "action", "rows"), rows)


def _scores(scores: Scores | None) -> Html:
    if scores is None or not scores.rows.num_columns:
        return Html("")
    rows = [
        [
            level.info.name,
            level.info.metric,
            figures.score(level.score, unit_of(level.info.scale)),
            figures.score(level.error, unit_of(level.info.scale)),
            figures.count(level.n),
        ]
        for level in levels_of(scores)
    ]
    return join([tag("p", text(scores.model, 200)), _table(("task", "metric", "score", "±", "items"), rows)])


def _table(header: tuple[str, ...], rows: list[list[str]]) -> Html:
    if not rows:
        return Html("")
    head = tag("tr", *(tag("th", text(title)) for title in header))
    body = [tag("tr", *(tag("td", text(cell, 160)) for cell in row)) for row in rows]
    return tag("table", tag("thead", head), tag("tbody", *body))
