"""Results to GitHub Markdown for a pull request: the verdict first, details folded, never above GitHub's limits.

A comment may hold 65,536 characters and a step summary 1 MiB; above that GitHub drops it whole. Sections are left
out whole, the least useful first, and the report says which.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from ..core.results import Flip, RunResults
from . import figures
from .advice import attention, next_actions, rows_moved
from .checks import STATE_SIGNS, Line, gain_and_loss, interval_title, lines_of, outcome_word, sentence, unit_of
from .document import json_ready, public_provenance
from .escape import clip, markdown_code, markdown_text, one_line
from .ledgers import class_balance, funnel_of
from .losses import drift_in_words, kind_table, kinds_in_words

COMMENT_LIMIT = 60_000
"""Characters; GitHub's own limit is 65,536."""
SUMMARY_LIMIT = 1_000_000
"""Bytes of a step summary; GitHub's own limit is 1 MiB per step."""
MARKER = "<!-- tunegate:report -->"
"""Hidden first line, by which a comment is found again and updated."""
MAX_CELL = 160
WORST_FLIPS = 5
FOLDED_FLIPS = 40
FOLDED_SUBJECTS = 80
COLOURS = {"pass": "🟢", "fail": "🔴", "inconclusive": "🟡"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the report; the one with the highest `rank` is dropped first, rank 0 never."""

    title: str
    text: str
    rank: int


def render_markdown(results: RunResults, *, limit: int = COMMENT_LIMIT) -> str:
    """The run as a comment: at most `limit` characters and as many UTF-8 bytes as GitHub allows for them."""
    sections = [section for section in _sections(results) if section.text]
    dropped: list[str] = []
    while True:
        text = _join(sections, dropped)
        last = max((section for section in sections if section.rank), key=lambda part: part.rank, default=None)
        if len(text) <= limit or last is None:
            return text
        sections = [section for section in sections if section is not last]
        dropped.append(last.title)


def github_summary(results: RunResults) -> str:
    """The run for `$GITHUB_STEP_SUMMARY`, below its limit in bytes whatever the script of the text."""
    return render_markdown(results, limit=SUMMARY_LIMIT // 4)


def _sections(results: RunResults) -> list[Section]:
    lines = lines_of(results.verdict, results.comparison)
    return [
        Section(title="verdict", text=_verdict(results), rank=0),
        Section(title="in one line", text=_one_line_each(results, lines), rank=0),
        Section(title="checks", text=_checks_table(lines, interval_title(results.verdict)), rank=1),
        Section(title="kinds of loss", text=_kinds(results), rank=5),
        Section(title="attention", text=_list("Needs attention", attention(results)), rank=2),
        Section(title="worst flips", text=_worst_flips(results), rank=4),
        Section(title="subjects", text=_fold("Subjects", _subjects(results)), rank=7),
        Section(title="all flips", text=_fold("Flips", _all_flips(results)), rank=9),
        Section(title="data", text=_fold("Data", _data(results)), rank=6),
        Section(title="provenance", text=_fold("Provenance and how to reproduce", _provenance(results)), rank=8),
        Section(title="next", text=_list("Next", next_actions(results), "1."), rank=3),
    ]


def _join(sections: Sequence[Section], dropped: Sequence[str]) -> str:
    parts = [MARKER, *(section.text for section in sections)]
    if dropped:
        parts.append(f"*Left out for length: {', '.join(dropped)}. The HTML page of the run has them.*")
    return "\n\n".join(parts) + "\n"


def _verdict(results: RunResults) -> str:
    word = outcome_word(results)
    dot = f"{COLOURS[results.verdict.outcome]} " if results.verdict else ""
    title = f"## {dot}{word} · {markdown_text(clip(results.name, MAX_CELL))}"
    if results.verdict is None:
        return title
    reason = markdown_text(clip(results.verdict.reason, 600))
    return f"{title}\n\n{reason} (exit code {results.verdict.exit_code})"


def _one_line_each(results: RunResults, lines: Sequence[Line]) -> str:
    task, mean = gain_and_loss(lines)
    parts = []
    if task:
        parts.append(f"**Task** {markdown_text(sentence(task))}")
    if mean:
        number = sum(line.kind == "benchmark" for line in lines)
        parts.append(f"**Abilities** {sentence(mean)}, mean of {figures.plural(number, 'benchmark')}")
    if results.ledger:
        parts.append(f"**Data** {rows_moved(results)}")
    return " · ".join(parts)


def _checks_table(lines: Sequence[Line], interval: str) -> str:
    if not lines:
        return ""
    header = ("benchmark", "state", "base → tuned", f"Δ [{interval}]", "margin", "flips", "n", "MDE")
    return table(header, [_check_cells(line) for line in lines], right_from=2)


def _check_cells(line: Line) -> list[str]:
    levels = f"{figures.score(line.base, line.unit)} → {figures.score(line.tuned, line.unit)}"
    change = figures.change(line.delta, line.unit)
    if line.low is not None:
        change += f" {figures.interval(line.low, line.high, line.unit)}"
    return [
        markdown_code(clip(line.title, MAX_CELL)),
        f"{STATE_SIGNS[line.state]} {line.state.upper()}",
        levels,
        change,
        figures.score(line.margin, line.unit),
        figures.flips(line.lost, line.gained),
        figures.count(line.n),
        figures.score(line.mde, line.unit),
    ]


def _kinds(results: RunResults) -> str:
    rows = kind_table(results.comparison)[:20]
    lost = [f"{markdown_code(clip(name, MAX_CELL))} {kinds_in_words(counts)}" for name, counts in rows]
    drift = [f"**Drift** {drift_in_words(results.drift)}"] if results.drift else []
    return " · ".join(([f"**Lost** {'; '.join(lost)}"] if lost else []) + drift)


def _worst_flips(results: RunResults) -> str:
    lost = _flips(results, "lost")
    if not lost:
        return ""
    return f"### Lost answers, for example\n\n{_flip_table(spread(lost, WORST_FLIPS))}"


def _all_flips(results: RunResults) -> str:
    parts = []
    for direction in ("lost", "gained"):
        flips = _flips(results, direction)
        if flips:
            shown = spread(flips, FOLDED_FLIPS)
            parts.append(f"**{direction}**, {len(shown)} of the {len(flips)} sampled\n\n{_flip_table(shown)}")
    return "\n\n".join(parts)


def spread(flips: Sequence[Flip], limit: int) -> list[Flip]:
    """At most `limit` flips, taken in turn from each task, so that no task fills the list."""
    by_task: dict[str, list[Flip]] = {}
    for flip in flips:
        by_task.setdefault(flip.task, []).append(flip)
    turns = [(turn, place, flip) for place, group in enumerate(by_task.values()) for turn, flip in enumerate(group)]
    return [flip for _, _, flip in sorted(turns, key=lambda item: item[:2])[:limit]]


def _flips(results: RunResults, direction: str) -> list[Flip]:
    flips = results.comparison.flips if results.comparison else ()
    return [flip for flip in flips if flip.direction == direction]


def _flip_table(flips: Sequence[Flip]) -> str:
    header = ("benchmark", "prompt", "base", "tuned", "target")
    rows = [[flip.task, _tail(flip.prompt), flip.base, flip.tuned, flip.target] for flip in flips]
    return table(header, [[markdown_code(clip(cell, MAX_CELL)) for cell in row] for row in rows])


def _tail(prompt: str) -> str:
    """The end of a prompt, where the question stands."""
    line = one_line(prompt[-4 * MAX_CELL :])
    return line if len(line) <= MAX_CELL else "…" + line[1 - MAX_CELL :]


def _subjects(results: RunResults) -> str:
    rows = [
        (markdown_code(clip(task.info.name, MAX_CELL)), subject, unit_of(task.info.scale))
        for task in (results.comparison.tasks if results.comparison else ())
        for subject in task.subjects
    ]
    rows.sort(key=lambda row: (not row[1].get("significant"), row[1].get("delta") or 0.0))
    cells = [
        [
            name,
            markdown_code(clip(str(subject.get("subject", "")), MAX_CELL)),
            figures.change(subject.get("delta"), unit),
            figures.flips(subject.get("lost"), subject.get("gained")),
            figures.count(subject.get("n")),
            "yes" if subject.get("significant") else "",
        ]
        for name, subject, unit in rows[:FOLDED_SUBJECTS]
    ]
    header = ("benchmark", "subject", "Δ", "flips", "n", "loss beyond chance (BH, q = 0.10)")
    return table(header, cells, right_from=2) if cells else ""


def _data(results: RunResults) -> str:
    if results.ledger is None:
        return ""
    funnel = funnel_of(results.ledger)
    rules = [[markdown_code(rule), "dropped", figures.count(number)] for rule, number in funnel.dropped]
    rules += [[markdown_code(rule), "flagged", figures.count(number)] for rule, number in funnel.flagged]
    parts = [table(("rule", "action", "rows"), rules, right_from=2)] if rules else []
    balance = [row for row in class_balance(results.ledger.summary) if row[1] != row[2]][:20]
    if balance:
        classes = [
            [markdown_code(clip(name, MAX_CELL)), figures.count(before), figures.count(after)]
            for name, before, after in balance
        ]
        parts.append(table(("class", "rows before", "rows after"), classes, right_from=1))
    return "\n\n".join(parts)


def _provenance(results: RunResults) -> str:
    if not results.provenance:
        return ""
    shown = json.dumps(json_ready(public_provenance(results.provenance)), indent=2, sort_keys=True)
    lines = clip(shown, 6_000).split("\n")  # ASCII, and indented code holds no mark-up of any kind
    return "\n".join("    " + line.replace("`", "'") for line in lines)


def _list(title: str, texts: Sequence[str], sign: str = "-") -> str:
    if not texts:
        return ""
    items = "\n".join(f"{sign} {markdown_text(clip(text, 500))}" for text in texts[:20])
    return f"### {title}\n\n{items}"


def _fold(title: str, text: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{text}\n\n</details>" if text else ""


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, right_from: int | None = None) -> str:
    """A Markdown table of cells that are already inert; columns from `right_from` on are aligned to the right."""
    edge = len(header) if right_from is None else right_from
    rule = ["---" if place < edge else "---:" for place in range(len(header))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *rows))
