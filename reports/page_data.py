"""A ledger to the data half of the page: funnel, classes, and the rows that a person should look at."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from ..core.records import Ledger
from . import figures
from .escape import clip
from .ledgers import (
    FAMILY_TITLES,
    Family,
    Funnel,
    Sample,
    class_balance,
    decided_counts,
    family_of,
    funnel_of,
    sample_of,
)
from .markup import NOTHING, Html, Row, data, join, stack, table, tag, text, words
from .plots import Scale, bar, before_after
from .worddiff import word_diff

MAX_ROWS = 200
"""Findings of each family that the page holds."""
PLACE_WIDTH = 28
"""Characters of a place that show: the file's name and the line; the whole path is one hover away."""
SUGGESTIONS = ("suggested", "suggested_label", "suggestion")


def funnel(ledger: Ledger) -> Html:
    """Rows in, what each rule took, rows kept; then the rules that only marked."""
    facts = funnel_of(ledger)
    says = ledger.summary.get("rules", {})
    scale = Scale(low=0.0, high=float(max(facts.rows_in, 1)))
    steps = [("rows in", facts.rows_in, "solid")]
    steps += [(rule, number, "gone") for rule, number in facts.dropped]
    steps += [("rows kept", facts.rows_kept, "solid")]
    rows = [
        Row(
            cells=[
                text(name, 120),
                text(says.get(name, "")),
                text(figures.count(number)),
                text(figures.share(number, facts.rows_in)),
                bar(scale, float(number), kind=kind, label=f"{name}: {number:,} rows"),
            ]
        )
        for name, number, kind in steps
    ]
    titles = ("step", "what it drops", "rows", "share", "")
    return tag("div", table(titles, rows, caption="Funnel", numbers=(2, 3), page=100), _marked(facts, says))


def _marked(facts: Funnel, says: Mapping[str, str]) -> Html:
    """Rules whose rows stay."""
    if not facts.flagged:
        return NOTHING
    rows = [
        Row(cells=[text(rule, 120), text(says.get(rule, "")), text(figures.count(number))])
        for rule, number in facts.flagged
    ]
    titles = ("rule", "what it marks", "rows")
    return tag("div", tag("h3", text("Kept with a mark")), table(titles, rows, caption="Marked rows", numbers=(2,)))


def balance(ledger: Ledger) -> Html:
    """Every class before and after, those that lost the largest share first."""
    classes = class_balance(ledger.summary)
    if not classes:
        return NOTHING
    largest = max(before for _, before, _ in classes)
    rows = [
        Row(
            cells=[
                data(name),
                text(figures.count(before)),
                text(figures.count(after)),
                text(figures.share(before - after, before)),
                before_after(before, after, largest, f"{after:,} of {before:,} stay"),
            ]
        )
        for name, before, after in classes
    ]
    titles = ("class", "before", "after", "lost", "")
    return tag("div", tag("h3", text("Classes")), table(titles, rows, caption="Class balance", numbers=(1, 2, 3)))


def clusters(ledger: Ledger) -> Html:
    """Each survivor with the rows it stands for, word by word."""
    sample = sample_of(ledger, {"duplicate"}, limit=MAX_ROWS, order="cluster")
    if not sample.total:
        return NOTHING
    blocks = [_cluster(list(rows)) for _, rows in groupby(sample.rows, key=_survivor)]
    return tag("div", stack(blocks, caption="Duplicate clusters", page=5), _said(sample, "duplicate"))


def conflicts(ledger: Ledger) -> Html:
    """Rows whose input occurs with another label."""
    rows = [
        Row(
            cells=[
                _where(row), data(row["input"]), data(row["target"]),
                _other(row), data(row["related_target"] or ""),
            ],
            facets={"label": str(row["target"])},
            review=row["id"] or "",
        )
        for row in sample_of(ledger, {"conflict"}, limit=MAX_ROWS).rows
    ]  # fmt: skip
    titles = ("where", "input", "label", "against", "its label")
    return _family_table(ledger, "conflict", titles, rows)


def label_errors(ledger: Ledger) -> Html:
    """Rows whose label looks wrong, the surest first."""
    rows = [
        Row(
            cells=[
                _where(row), data(row["input"]), data(row["target"]), data(_suggested(row)),
                text(_expected(row)), text(figures.measure(row["score"])),
            ],
            facets={"label": str(row["target"])},
            review=row["id"] or "",
        )
        for row in sample_of(ledger, {"label"}, limit=MAX_ROWS, order="score").rows
    ]  # fmt: skip
    titles = ("where", "input", "label", "suggested", "precision", "score")
    note = words(
        "Precision: the share of labels like this one that is expected to be wrong. "
        "The flag is surer than the suggestion: read before you decide.",
        class_="muted small",
    )
    return tag("div", _family_table(ledger, "label", titles, rows, numbers=(4, 5)), note) if rows else NOTHING


def leaks(ledger: Ledger) -> Html:
    """Rows that occur in the test split or in a benchmark of the gate."""
    rows = [
        Row(
            cells=[
                _where(row), data(row["rule"]), data(row["input"]), _other(row),
                text(figures.similarity(row["score"])), text(row["action"] or ""),
            ],
            facets={"rule": row["rule"]},
            review=row["id"] or "",
        )
        for row in sample_of(ledger, {"leak"}, limit=MAX_ROWS, order="score").rows
    ]  # fmt: skip
    titles = ("where", "rule", "training row", "found in", "similarity", "action")
    tainted = _tainted(ledger)
    return (
        tag("div", _family_table(ledger, "leak", titles, rows, numbers=(4,)), tainted) if rows or tainted else NOTHING
    )


def private(ledger: Ledger) -> Html:
    """How many rows hold private data, by rule; never the data."""
    rows = []
    for action in ("drop", "flag", "keep"):
        found = decided_counts(ledger, action)
        rows += [
            Row(cells=[text(rule), text(action), text(figures.count(number))])
            for rule, number in found.items()
            if family_of(rule) == "private"
        ]
    if not rows:
        return NOTHING
    note = words("Counts only: the text of these rows appears nowhere in this page.", class_="muted small")
    return tag("div", table(("rule", "action", "rows"), rows, caption="Private data", numbers=(2,)), note)


def quality(ledger: Ledger) -> Html:
    """What the remaining rules found."""
    rows = [
        Row(
            cells=[
                _where(row), data(row["rule"]), text(row["action"] or ""), data(row["input"]),
                data(row["target"]), text(row["reason"], 300),
            ],
            facets={"rule": row["rule"], "action": row["action"] or ""},
            review=row["id"] or "",
        )
        for row in sample_of(ledger, {"quality"}, limit=MAX_ROWS).rows
    ]  # fmt: skip
    titles = ("where", "rule", "action", "input", "target", "why")
    return _family_table(ledger, "quality", titles, rows)


def _family_table(
    ledger: Ledger, family: Family, titles: tuple[str, ...], rows: list[Row], *, numbers: tuple[int, ...] = ()
) -> Html:
    if not rows:
        return NOTHING
    sample = sample_of(ledger, {family}, limit=MAX_ROWS)
    caption = FAMILY_TITLES[family].capitalize()
    return tag("div", table(titles, rows, caption=caption, numbers=numbers), _said(sample, family))


def _said(sample: Sample, family: Family) -> Html:
    if not sample.is_part:
        return NOTHING
    return words(
        f"{figures.count(len(sample.rows))} of the {figures.count(sample.total)} {FAMILY_TITLES[family]}; "
        "findings.parquet in the run folder holds them all.",
        class_="muted small part",
    )


def _cluster(rows: list[dict[str, Any]]) -> Html:
    first = rows[0]
    survivor = str(first["related_input"] or "")
    head = tag(
        "header",
        tag("span", text("stays"), class_="badge pass"),
        _place(first["related_file"], first["related_line"]),
        data(survivor),
        _label(first["related_target"]),
    )
    return tag("article", head, join(_members(rows, survivor)), class_="cluster")


def _members(rows: list[dict[str, Any]], survivor: str) -> Iterator[Html]:
    for row in rows:
        similar = f"{row['rule']} {figures.similarity(row['score'])}" if row["score"] is not None else row["rule"]
        yield tag(
            "div",
            tag("span", text(similar), class_="badge gone"),
            _where(row),
            word_diff(survivor, str(row["input"] or "")),
            _label(row["target"]),
            tag("span", class_="review", data_id=row["id"]) if row["id"] else NOTHING,
            class_="member",
        )


def _survivor(row: dict[str, Any]) -> tuple[str, int, str]:
    return (row["related_file"] or "", row["related_line"] or 0, row["related_id"] or "")


def _label(target: str | None) -> Html:
    return tag("span", data(target), class_="label") if target else NOTHING


def _where(row: dict[str, Any]) -> Html:
    return _place(row["file"], row["line"])


def _place(file: str | None, line: int | None) -> Html:
    whole = f"{file or '?'}:{line}" if line is not None else file or ""
    name = re.split(r"[/\\]", whole)[-1]
    short = name if len(name) <= PLACE_WIDTH else "…" + name[1 - PLACE_WIDTH :]
    return tag("code", text(short), class_="place", title=clip(whole, 400) if short != whole else None)


def _other(row: dict[str, Any]) -> Html:
    """The row or benchmark item on the other side: from the ledger's own columns, else from the evidence."""
    known = _evidence(row)
    items = known.get("items") or [{}]
    file = row["related_file"] or known.get("test_file") or items[0].get("task")
    line = row["related_line"] or known.get("test_line")
    other = row["related_input"] or known.get("test_input") or known.get("question")
    parts = [_place(str(file), line)] if file else []
    parts += [word_diff(str(row["input"] or ""), str(other))] if other else []
    return tag("div", *parts)


def _suggested(row: dict[str, Any]) -> str:
    known = _evidence(row)
    return next((str(known[name]) for name in SUGGESTIONS if name in known), "")


def _expected(row: dict[str, Any]) -> str:
    value = _evidence(row).get("expected_precision")
    return figures.share(value, 1) if isinstance(value, float) else figures.ABSENT


def _evidence(row: dict[str, Any]) -> dict[str, Any]:
    known = json.loads(row["evidence"] or "{}")
    return known if isinstance(known, dict) else {}


def _tainted(ledger: Ledger) -> Html:
    counts: dict[str, int] = {}
    for item in ledger.contaminated:
        counts[str(item.get("task", "?"))] = counts.get(str(item.get("task", "?")), 0) + 1
    if not counts:
        return NOTHING
    listed = ", ".join(f"{task} {number:,}" for task, number in sorted(counts.items()))
    return words(f"Benchmark items that occur in the training data: {listed}.", class_="muted")
