"""Two ledgers to what changed between them: which rows met another fate, and why.

Rows are matched by content id, so that moved and re-ordered rows are the same rows. A ledger lists what was dropped or
flagged; a row that it does not list was kept unmarked, or was not in that input at all.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc

from ..core.records import Ledger
from . import figures
from .escape import clip, markdown_code, markdown_text, one_line
from .ledgers import funnel_of, private_ids, without_secrets
from .markdown import table
from .screen import Cell, Screen

UNLISTED = "kept or absent"
SHOWN = 20
COLUMNS = ["file", "line", "id", "rule", "action", "reason", "evidence", "input", "target"]
PARTNER = ["related_id", "related_input", "related_target"]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A row whose fate differs."""

    id: str
    place: str
    """Where it stands in the later input, else in the earlier."""
    text: str
    before: str
    """Action and rule, or `kept or absent`."""
    after: str
    why: str
    """The reason of the later decision, else of the earlier that no longer holds."""


def curation_changes(before: Ledger, after: Ledger) -> list[Change]:
    """Every row whose action or rule differs, in the order of their place; equal fates of copies cancel out."""
    old, new = _fates(before), _fates(after)
    changes = [
        change for row_id in {**old, **new} for change in _changes_of(row_id, old.get(row_id, []), new.get(row_id, []))
    ]
    return sorted(changes, key=lambda change: (change.place, change.id))


def render_curation_diff_terminal(
    before: Ledger,
    after: Ledger,
    *,
    names: tuple[str, str] = ("before", "after"),
    width: int = 80,
    colour: bool = False,
    plain: bool = False,
) -> str:
    """How many rows moved from which fate to which, then the first of them with the reason."""
    changes = curation_changes(before, after)
    screen = Screen(width, colour, plain)
    screen.title(
        "tunegate · comparing curations", Cell(text=figures.plural(len(changes), "row changed", "rows changed"))
    )
    screen.facts([(name, _facts(ledger)) for name, ledger in zip(names, (before, after), strict=True)])
    screen.line(_settings(before, after), "dim")
    if changes:
        screen.gap()
        moves = [[Cell(text=old), Cell(text=new), Cell(text=figures.count(n))] for (old, new), n in _moves(changes)]
        screen.table([(names[0], "left"), (names[1], "left"), ("rows", "right")], moves)
        screen.heading("Rows")
        for change in changes[:SHOWN]:
            screen.line(f"{change.place}  {change.before} → {change.after}")
            screen.items([clip(change.text, 120), clip(change.why, 200)], sign=" ")
    if len(changes) > SHOWN:
        screen.line(f"… and {len(changes) - SHOWN:,} more", "dim")
    return screen.text()


def render_curation_diff_markdown(
    before: Ledger, after: Ledger, *, names: tuple[str, str] = ("before", "after"), limit: int = 100
) -> str:
    """The same as Markdown, with at most `limit` rows."""
    changes = curation_changes(before, after)
    facts = [
        f"- **{markdown_text(name)}**: {_facts(ledger)}" for name, ledger in zip(names, (before, after), strict=True)
    ]
    parts = [
        f"## {figures.plural(len(changes), 'row changed', 'rows changed')}",
        "\n".join(facts),
        _settings(before, after),
    ]
    if changes:
        moves = [[markdown_code(old), markdown_code(new), figures.count(n)] for (old, new), n in _moves(changes)]
        parts.append(table((*map(markdown_text, names), "rows"), moves, right_from=2))
        rows = [
            [markdown_code(clip(cell, 160)) for cell in (c.place, c.text, c.before, c.after, c.why)]
            for c in changes[:limit]
        ]
        parts.append(table(("where", "row", *map(markdown_text, names), "why"), rows))
    if len(changes) > limit:
        parts.append(f"*{len(changes) - limit:,} more rows changed.*")
    return "\n\n".join(parts) + "\n"


def _fates(ledger: Ledger) -> dict[str, list[Row]]:
    table_ = ledger.findings
    decided = table_.filter(pc.fill_null(table_["decided"], False)).select([*COLUMNS, *PARTNER])
    hidden = private_ids(ledger)
    fates: dict[str, list[Row]] = defaultdict(list)
    for row in decided.to_pylist():
        fates[str(row["id"] or f"{row['file']}:{row['line']}")].append(without_secrets(row, hidden))
    return fates


def _changes_of(row_id: str, old: Sequence[Row], new: Sequence[Row]) -> list[Change]:
    before, after = Counter(map(_fate, old)), Counter(map(_fate, new))
    gone, come = list((before - after).elements()), list((after - before).elements())
    known = {_fate(row): row for row in (*old, *new)}
    changes = []
    for place in range(max(len(gone), len(come))):
        was = gone[place] if place < len(gone) else UNLISTED
        now = come[place] if place < len(come) else UNLISTED
        row = known[now if now != UNLISTED else was]
        changes.append(
            Change(
                id=row_id,
                place=f"{row['file']}:{row['line']}",
                text=one_line(str(row["input"] or "")),
                before=was,
                after=now,
                why=one_line(str(row["reason"])),
            )
        )
    return changes


def _fate(row: Mapping[str, Any]) -> str:
    return f"{row['action']} by {row['rule']}"


def _moves(changes: Sequence[Change]) -> list[tuple[tuple[str, str], int]]:
    counts = Counter((change.before, change.after) for change in changes)
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _facts(ledger: Ledger) -> str:
    funnel = funnel_of(ledger)
    return f"{figures.plural(funnel.rows_in, 'row')} in, {figures.count(funnel.rows_kept)} kept"


def _settings(before: Ledger, after: Ledger) -> str:
    same = before.summary.get("config_fingerprint") == after.summary.get("config_fingerprint")
    return "Both were curated with the same settings." if same else "The settings of curation differ."
