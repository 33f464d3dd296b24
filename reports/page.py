"""Results to one HTML page that needs no network: everything inside it, a policy that forbids anything else.

This file says what the page holds and in which order; the parts build themselves, `page_shell` puts them together.
"""

from __future__ import annotations

from ..core.records import Ledger
from ..core.results import RunResults
from . import figures, page_data, page_making, page_measures, page_task
from .advice import attention, next_actions
from .checks import STATE_SIGNS, Line, gain_and_loss, lines_of, outcome_word, sentence
from .ledgers import funnel_of
from .markup import NOTHING, Html, join, tag, text, words
from .page_shell import Section, page
from .plots import Scale, bar, scale_over

MAX_NOTES = 40
"""Notes of attention that the page lists; the rest is counted."""


def render_html(results: RunResults) -> str:
    """The whole run as one page, below 10 MB whatever the run: large parts are sampled, and say so."""
    title = f"{outcome_word(results)} · {results.name}"
    libraries = results.provenance.get("libraries")
    version = str(libraries.get("tunegate", "")) if isinstance(libraries, dict) else ""
    return page(title, _banner(results), _sections(results), review_key=_review_key(results), version=version)


def render_curation_html(ledger: Ledger, *, name: str = "curation") -> str:
    """The page of a curation alone."""
    return render_html(RunResults(name=name, ledger=ledger))


def _sections(results: RunResults) -> list[Section]:
    lines = lines_of(results.verdict, results.comparison)
    sections: list[Section] = [
        ("attention", "Next steps", "What to look at, what to do next", _advice(results)),
        ("benchmarks", "Abilities", "Broad abilities", page_measures.forest(lines, results.verdict)),
        ("task", "Task", "The task", _task(results, lines)),
        ("flips", "Flips", "Answers that changed", page_measures.flips(results)),
        ("losses", "Kinds of loss", "What kind of loss", page_measures.kinds_of_loss(results)),
        ("subjects", "Subjects", "Subjects", page_measures.subjects(results)),
    ]
    if results.ledger:
        ledger = results.ledger
        sections += [
            ("data", "Data", "Data", join([page_data.funnel(ledger), page_data.balance(ledger)])),
            ("labels", "Label errors", "Suspected label errors", page_data.label_errors(ledger)),
            ("conflicts", "Conflicts", "Label conflicts", page_data.conflicts(ledger)),
            ("duplicates", "Duplicates", "Duplicates", page_data.clusters(ledger)),
            ("leaks", "Leakage", "Leakage", page_data.leaks(ledger)),
            ("quality", "Quality", "Quality", page_data.quality(ledger)),
            ("private", "Private data", "Private data", page_data.private(ledger)),
        ]
    if results.tuned:
        sections.append(("training", "Training", "Training", page_making.training(results.tuned)))
    return [*sections, ("provenance", "Provenance", "Provenance", page_making.provenance(results))]


def _task(results: RunResults, lines: list[Line]) -> Html:
    return join(
        [
            page_measures.task_table(lines, results.verdict),
            page_measures.drift(results),
            page_task.task_details(results),
        ]
    )


def _banner(results: RunResults) -> Html:
    state = results.verdict.outcome if results.verdict else "measured"
    sign = f"{STATE_SIGNS[state]} " if results.verdict else ""
    parts = [
        tag("p", text(results.name, 200), class_="run"),
        tag("h1", text(f"{sign}{outcome_word(results)}")),
    ]
    if results.verdict:
        code = f" Exit code {results.verdict.exit_code}."
        parts.append(
            tag("p", text(results.verdict.reason, 800), tag("span", text(code), class_="muted"), class_="reason")
        )
    return tag("header", tag("div", *parts), _tiles(results), class_=f"banner {state}")


def _tiles(results: RunResults) -> Html:
    lines = lines_of(results.verdict, results.comparison)
    task, mean = gain_and_loss(lines)
    scale = scale_over([line.delta for line in (task, mean) if line])
    tiles = [_change_tile("Task", task, scale)] if task else []
    tiles += [_change_tile("Broad abilities, mean", mean, scale)] if mean else []
    if results.ledger:
        funnel = funnel_of(results.ledger)
        kept, rejected = figures.count(funnel.rows_kept), figures.count(funnel.rows_rejected)
        tiles.append(_count_tile("Rows kept", kept, f"of {figures.count(funnel.rows_in)}; {rejected} rejected"))
        if not lines:
            share = figures.share(funnel.rows_rejected, funnel.rows_in)
            tiles.append(
                _count_tile("Rejected", rejected, f"{share}, by {figures.plural(len(funnel.dropped), 'rule')}")
            )
            flagged = figures.count(sum(number for _, number in funnel.flagged))
            tiles.append(_count_tile("Flagged", flagged, f"by {figures.plural(len(funnel.flagged), 'rule')}; kept"))
    return tag("div", *tiles, class_="tiles")


def _count_tile(title: str, number: str, about: str) -> Html:
    return tag("div", tag("h2", text(title)), tag("p", text(number), class_="big"), words(about), class_="tile")


def _change_tile(title: str, line: Line, scale: Scale) -> Html:
    change = f"{figures.change(line.delta, line.unit)}{figures.unit_name(line.unit)}"
    kind = "gain" if (line.delta or 0) >= 0 else "loss"
    parts = [tag("h2", text(title)), tag("p", text(change), class_=f"big {kind}")]
    if line.delta is not None and line.unit != "number":
        parts.append(bar(scale, line.delta, kind=kind, label=f"{title}: {change}"))
    return tag("div", *parts, words(sentence(line)), class_="tile")


def _advice(results: RunResults) -> Html:
    notes, actions = attention(results), next_actions(results)
    parts = []
    if notes:
        items = [tag("li", text(note, 500)) for note in notes[:MAX_NOTES]]
        items += [tag("li", text(f"and {len(notes) - MAX_NOTES} more"))] if len(notes) > MAX_NOTES else []
        parts.append(tag("div", tag("h3", text("Needs attention")), tag("ul", *items), class_="notes"))
    if actions:
        items = [tag("li", text(action, 500)) for action in actions]
        parts.append(tag("div", tag("h3", text("Next")), tag("ol", *items), class_="actions"))
    return tag("div", *parts, class_="columns") if parts else NOTHING


def _review_key(results: RunResults) -> str:
    """What the browser keeps unfinished reviews under: the same page, opened again, finds them."""
    summary = results.ledger.summary if results.ledger else {}
    return f"{results.name}:{summary.get('config_fingerprint', '')}"
