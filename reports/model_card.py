"""Results to a section of a model card: what the model was tuned on, what it gained, and what it did not lose.

No text of data or models is in it, since a card travels further than a report.
"""

from __future__ import annotations

from ..core.results import RunResults
from . import figures
from .advice import rows_moved
from .checks import gain_and_loss, interval_title, lines_of, outcome_word, sentence
from .escape import clip, markdown_code, markdown_text
from .markdown import table

BEGIN, END = "<!-- tunegate:begin -->", "<!-- tunegate:end -->"
"""Markers between which a later run may replace the section."""


def render_model_card(results: RunResults) -> str:
    """The section between its markers, to be put into a README.md of a model."""
    parts = [BEGIN, "## Fine-tuning and regression check", _making(results), _gains(results), _checks(results)]
    return "\n\n".join([*(part for part in parts if part), _foot(results), END]) + "\n"


def _making(results: RunResults) -> str:
    facts = []
    if results.tuned:
        tuned = results.tuned
        facts += [
            ("Base model", markdown_code(clip(tuned.base, 200))),
            ("Method", f"{markdown_text(tuned.method)}, {figures.plural(tuned.steps, 'step')}, seed {tuned.seed}"),
            ("Data fingerprint", markdown_code(tuned.data_fingerprint)),
        ]
    if results.ledger:
        facts.append(("Data", rows_moved(results)))
    return "\n".join(f"- **{name}**: {value}" for name, value in facts)


def _gains(results: RunResults) -> str:
    task, mean = gain_and_loss(lines_of(results.verdict, results.comparison))
    parts = [f"Task: {markdown_text(sentence(task))}."] if task else []
    parts += [f"Broad abilities, mean: {sentence(mean)}."] if mean else []
    if results.verdict:
        parts.append(f"Gate: **{outcome_word(results)}**, {markdown_text(clip(results.verdict.reason, 400))}")
    return "\n".join(f"- {part}" for part in parts)


def _checks(results: RunResults) -> str:
    lines = [line for line in lines_of(results.verdict, results.comparison) if line.kind == "benchmark"]
    rows = [
        [
            markdown_code(clip(line.name, 120)),
            markdown_text(line.ability),
            figures.score(line.base, line.unit),
            figures.score(line.tuned, line.unit),
            f"{figures.change(line.delta, line.unit)} {figures.interval(line.low, line.high, line.unit)}",
            figures.count(line.n),
            line.state,
        ]
        for line in sorted(lines, key=lambda line: line.name)
    ]
    header = ("benchmark", "ability", "base", "tuned", f"Δ [{interval_title(results.verdict)}]", "items", "state")
    return table(header, rows, right_from=2) if rows else ""


def _foot(results: RunResults) -> str:
    hashes = [
        f"{title} {markdown_code(scores.model_hash)}"
        for title, scores in (("base", results.base_scores), ("tuned", results.tuned_scores))
        if scores
    ]
    weights = f" Weights: {', '.join(hashes)}." if hashes else ""
    return f"Base and tuned model answered the same items; intervals are paired.{weights}"
