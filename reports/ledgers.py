"""A curation's ledger to what reports show of it: the funnel, class balance, and samples of findings by family.

Rules are grouped into families by their id, so that a rule that is added later finds its section. Rows in which a
rule saw private data are counted; their text appears in no report.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..core.records import Ledger

Family = Literal["duplicate", "conflict", "label", "leak", "private", "quality"]
FAMILY_WORDS: tuple[tuple[Family, tuple[str, ...]], ...] = (
    (
        "private",
        ("private", "pii", "secret", "credential", "e-mail", "email", "phone", "iban", "card-number", "api-key"),
    ),
    ("leak", ("leak", "contamin", "benchmark")),
    ("conflict", ("conflict",)),
    ("label", ("label-error", "mislabel", "suspect", "wrong-label", "label-issue")),
    ("duplicate", ("duplicate", "dedup")),
)
"""First match wins; anything else is about quality."""

FAMILY_TITLES: dict[Family, str] = {
    "duplicate": "duplicates",
    "conflict": "label conflicts",
    "label": "suspected label errors",
    "leak": "leaks",
    "private": "rows with private data",
    "quality": "quality findings",
}
HIDDEN = "[not shown: this row holds private data]"
SORT_KEYS: dict[str, list[tuple[str, str]]] = {
    "score": [("score", "descending")],
    "cluster": [("related_file", "ascending"), ("related_line", "ascending"), ("related_id", "ascending")],
}
Order = Literal["ledger", "score", "cluster"]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel:
    """Where the rows went: rows_in − all of `dropped` == rows_kept."""

    rows_in: int
    rows_kept: int
    rows_rejected: int
    dropped: tuple[tuple[str, int], ...]
    """(rule, rows), the largest first."""
    flagged: tuple[tuple[str, int], ...]
    """(rule, rows) of rows that stay with a mark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Rows of one family for people, and how many there are in all."""

    rows: tuple[Row, ...]
    total: int

    @property
    def is_part(self) -> bool:
        """Whether rows were left out."""
        return len(self.rows) < self.total


def family_of(rule: str) -> Family:
    """The section a rule belongs to.

    >>> family_of("near-duplicate"), family_of("benchmark-leak"), family_of("too-long")
    ('duplicate', 'leak', 'quality')
    """
    name = re.sub("[_ ]", "-", rule.lower())
    return next((family for family, words in FAMILY_WORDS if any(word in name for word in words)), "quality")


def funnel_of(ledger: Ledger) -> Funnel:
    """Rows by the rule that decided; what no rule accounts for is one line of its own, never silent."""
    summary = ledger.summary
    rows_in, kept = int(summary.get("rows_in", 0)), int(summary.get("rows_kept", 0))
    rejected = int(summary.get("rows_rejected", rows_in - kept))
    dropped = _known_counts(summary, "by_rule") or decided_counts(ledger, "drop")
    flagged = _known_counts(summary, "flagged") or decided_counts(ledger, "flag")
    rest = rejected - sum(dropped.values())
    if rest > 0:
        dropped["(no rule named)"] = rest
    return Funnel(
        rows_in=rows_in, rows_kept=kept, rows_rejected=rejected, dropped=_ranked(dropped), flagged=_ranked(flagged)
    )


def _known_counts(summary: Mapping[str, Any], name: str) -> dict[str, int]:
    return {str(rule): int(number) for rule, number in (summary.get(name) or {}).items()}


def decided_counts(ledger: Ledger, action: str) -> dict[str, int]:
    """Rows per rule among the decisions of one action."""
    table = ledger.findings
    mask = pc.and_(pc.fill_null(table["decided"], False), pc.equal(table["action"], action))
    return _counts(table.filter(mask)["rule"])


def family_counts(ledger: Ledger) -> dict[Family, int]:
    """Findings per family, those the policy set aside included."""
    totals: dict[Family, int] = dict.fromkeys(FAMILY_TITLES, 0)
    for rule, number in _counts(ledger.findings["rule"]).items():
        totals[family_of(rule)] += number
    return totals


def review_counts(ledger: Ledger) -> dict[Family, int]:
    """Rows per family that stay with a mark, and so wait for a person."""
    totals: dict[Family, int] = dict.fromkeys(FAMILY_TITLES, 0)
    for rule, number in funnel_of(ledger).flagged:
        totals[family_of(rule)] += number
    return totals


def class_balance(summary: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    """(class, rows before, rows after), the classes that lost the largest share first."""
    balance = summary.get("by_class") or {}
    rows = [(str(name), int(sizes.get("before", 0)), int(sizes.get("after", 0))) for name, sizes in balance.items()]
    return sorted(rows, key=lambda row: (row[2] / row[1] if row[1] else 1.0, -row[1], row[0]))


def sample_of(ledger: Ledger, families: set[Family], *, limit: int, order: Order = "ledger") -> Sample:
    """At most `limit` findings of some families: as they stand in the ledger, by score, or by their survivor.

    Text of rows with private data is replaced by a note; the private findings themselves keep rule and place only.
    """
    table, chosen = ledger.findings, _of_families(ledger, families)
    places = np.flatnonzero(chosen.to_numpy())
    if order != "ledger":
        keys = [*SORT_KEYS[order], ("file", "ascending"), ("line", "ascending")]
        narrow = table.select([name for name, _ in keys]).filter(chosen)
        places = places[pc.sort_indices(narrow, sort_keys=keys).to_numpy()]
    # Row by row: to take rows from a column in chunks, Arrow copies all of its texts together.
    shown = [row for place in places[:limit].tolist() for row in table.slice(place, 1).to_pylist()]
    hidden = private_ids(ledger, [row[name] for row in shown for name in ("id", "related_id")])
    return Sample(rows=tuple(without_secrets(row, hidden) for row in shown), total=len(places))


def private_ids(ledger: Ledger, among: Sequence[str | None] | None = None) -> frozenset[str]:
    """Content ids of the rows (none given: of all) in which a rule saw private data."""
    ids = ledger.findings["id"].filter(_of_families(ledger, {"private"}))
    if among is not None:
        ids = ids.filter(pc.is_in(ids, value_set=pa.array(among, pa.string())))
    return frozenset(ids.to_pylist())


def _of_families(ledger: Ledger, families: set[Family]) -> pa.ChunkedArray:
    """Which findings are of some families, as a mask without nulls."""
    column = ledger.findings["rule"]
    rules = [rule for rule in _counts(column) if family_of(rule) in families]
    return pc.is_in(column, value_set=pa.array(rules, pa.string()))


def without_secrets(row: Row, hidden: frozenset[str]) -> Row:
    """A finding whose text, evidence and reason are gone where it or its partner holds private data."""
    if row["id"] in hidden or family_of(row["rule"]) == "private":
        row |= {"input": HIDDEN, "target": HIDDEN, "evidence": "{}", "reason": row["rule"]}
    if row["related_id"] in hidden:
        row |= {"related_input": HIDDEN, "related_target": HIDDEN, "evidence": "{}", "reason": row["rule"]}
    return row


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    return {str(item["values"]): int(item["counts"]) for item in pc.value_counts(column).to_pylist()}


def _ranked(counts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
