"""Findings and decisions as columns: a million of them cost no Python object; one is made when it is looked at."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast, overload

import numpy as np
import orjson
import pyarrow as pa

from .records import Action, Decision, Finding, Severity

Array = np.ndarray[Any, Any]

ACTIONS: tuple[Action, ...] = ("drop", "flag", "keep")
"""What a decision's number stands for; a lower one is stronger."""
DROP, FLAG = 0, 1
NOTHING = -1
"""No related row; no finding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """Parts of the texts of one column, by row and place; where rows were searched, no span says that there is none."""

    searched: Array
    """(n,) bool: rows that were searched."""
    rows: Array
    """(m,) int64, ascending: the row of each span."""
    starts: Array
    """(m,) int64: its first byte within the text, ascending within a row; spans do not overlap."""
    stops: Array
    """(m,) int64: the byte after its last one."""
    types: Array
    """(m,) int64: what it is, as a number that its maker explains."""

    @classmethod
    def none(cls, count: int) -> Spans:
        """The spans of rows of which none was searched."""
        empty = np.empty(0, np.int64)
        return cls(searched=np.zeros(count, np.bool_), rows=empty, starts=empty, stops=empty, types=empty)

    def placed(self, rows: Array, count: int) -> Spans:
        """The same spans where these rows are those at `rows` (ascending) of `count`."""
        searched = np.zeros(count, np.bool_)
        searched[rows] = self.searched
        return replace(self, searched=searched, rows=rows[self.rows])

    def joined(self, more: Spans) -> Spans:
        """The spans of both, which have none in one row together."""
        rows = np.concatenate([self.rows, more.rows])
        order = np.argsort(rows, kind="stable")
        return Spans(
            searched=self.searched | more.searched,
            rows=rows[order],
            starts=np.concatenate([self.starts, more.starts])[order],
            stops=np.concatenate([self.stops, more.stops])[order],
            types=np.concatenate([self.types, more.types])[order],
        )

    def of(self, rows: Array) -> Spans:
        """The spans of some rows (ascending), which are numbered anew from 0."""
        starts, stops = np.searchsorted(self.rows, rows), np.searchsorted(self.rows, rows, side="right")
        counts = stops - starts
        which = np.repeat(np.arange(len(rows)), counts)
        at = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts) + starts[which]
        return Spans(
            searched=self.searched[rows], rows=which, starts=self.starts[at], stops=self.stops[at], types=self.types[at]
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Findings(Sequence[Finding]):
    """n findings."""

    rows: Array
    """(n,) int64: position of the row of each."""
    rules: Array
    """(n,) int64: its rule, as a position in `names`."""
    names: tuple[tuple[str, Severity], ...]
    """Id and severity of every rule."""
    scores: Array
    """(n,) float64; NaN where a rule has no number."""
    reasons: pa.ChunkedArray
    """(n,) large_string."""
    evidence: pa.ChunkedArray
    """(n,) large_string: JSON objects."""
    related: Array
    """(n,) int64: position of the related row; NOTHING where there is none."""
    private: Mapping[str, Spans] = field(default_factory=dict)
    """Canonical column → spans of private data in it, where a rule has looked: what reports have to mask."""

    @classmethod
    def of(cls, found: Iterable[Finding]) -> Findings:
        """Findings as columns; those that are columns already stay as they are."""
        if isinstance(found, Findings):
            return found
        listed, places = list(found), dict[tuple[str, Severity], int]()
        return cls(
            rows=np.array([f.row for f in listed], np.int64),
            rules=np.array([places.setdefault((f.rule, f.severity), len(places)) for f in listed], np.int64),
            names=tuple(places),
            scores=np.array([np.nan if f.score is None else f.score for f in listed], np.float64),
            reasons=_texts([f.reason for f in listed]),
            evidence=_texts([orjson.dumps(dict(f.evidence)).decode() for f in listed]),
            related=np.array([NOTHING if f.related is None else f.related for f in listed], np.int64),
        )

    @classmethod
    def repeated(
        cls,
        rows: Array,
        rule: tuple[str, Severity],
        *,
        kinds: Array,
        reasons: Sequence[str],
        evidence: Sequence[str],
        scores: Array | None = None,
        related: Array | None = None,
    ) -> Findings:
        """Findings of one rule whose words repeat themselves.

        Args:
            rows: (n,) the row of each.
            rule: id and severity.
            kinds: (n,) which of the `reasons` and of the `evidence` (JSON objects) is its own.
            reasons: the different reasons.
            evidence: as many pieces of evidence.
            scores: (n,) the rule's number, if it has one.
            related: (n,) the related row, if there is one.
        """
        return cls(
            rows=rows,
            rules=np.zeros(len(rows), np.int64),
            names=(rule,),
            scores=np.full(len(rows), np.nan) if scores is None else scores,
            reasons=_texts(reasons).take(pa.array(kinds)),
            evidence=_texts(evidence).take(pa.array(kinds)),
            related=np.full(len(rows), NOTHING) if related is None else related,
        )

    @classmethod
    def joined(cls, parts: Sequence[Findings]) -> Findings:
        """The findings of all parts, one after the other."""
        if not parts:
            return cls.of([])
        names = tuple(dict.fromkeys(name for part in parts for name in part.names))
        places = [np.array([names.index(name) for name in part.names], np.int64) for part in parts]
        return cls(
            rows=np.concatenate([part.rows for part in parts]),
            rules=np.concatenate([own[part.rules] for own, part in zip(places, parts, strict=True)]),
            names=names,
            scores=np.concatenate([part.scores for part in parts]),
            reasons=_chunks([part.reasons for part in parts]),
            evidence=_chunks([part.evidence for part in parts]),
            related=np.concatenate([part.related for part in parts]),
            private={name: spans for part in parts for name, spans in part.private.items()},
        )

    def are_of(self, rules: Collection[str]) -> Array:
        """(n,) bool: whether each is a finding of one of some rules."""
        named = np.array([rule in rules for rule, _ in self.names], np.bool_)
        found: Array = named[self.rules]
        return found

    def take(self, places: Array) -> Findings:
        """The findings at some places."""
        index = pa.array(places)
        return replace(
            self,
            rows=self.rows[places],
            rules=self.rules[places],
            scores=self.scores[places],
            reasons=self.reasons.take(index),
            evidence=self.evidence.take(index),
            related=self.related[places],
        )

    def placed(self, rows: Array, count: int) -> Findings:
        """The same findings where these rows are those at `rows` (ascending) of `count`."""
        related = self.related.copy()
        related[related >= 0] = rows[related[related >= 0]]
        private = {name: spans.placed(rows, count) for name, spans in self.private.items()}
        return replace(self, rows=rows[self.rows], related=related, private=private)

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, at: int) -> Finding: ...
    @overload
    def __getitem__(self, at: slice) -> Findings: ...
    def __getitem__(self, at: int | slice) -> Finding | Findings:
        if isinstance(at, slice):
            return self.take(np.arange(len(self))[at])
        rule, severity = self.names[self.rules[at]]
        return Finding(
            row=int(self.rows[at]),
            rule=rule,
            severity=severity,
            reason=self.reasons[at].as_py(),
            score=None if np.isnan(self.scores[at]) else float(self.scores[at]),
            evidence=orjson.loads(self.evidence[at].as_py()),
            related=None if self.related[at] < 0 else int(self.related[at]),
        )

    def __iter__(self) -> Iterator[Finding]:
        return map(self.__getitem__, range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Findings) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Findings({list(self)!r})"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Decisions(Sequence[Decision]):
    """What became of m rows, one decision each."""

    rows: Array
    """(m,) int64, ascending."""
    actions: Array
    """(m,) int64: positions in ACTIONS."""
    places: Array
    """(m,) int64: the finding that decided, as a position in `findings`."""
    findings: Findings

    def with_action(self, action: int) -> Decisions:
        """Only the decisions for one action."""
        return self.where(self.actions == action)

    def where(self, mask: Array) -> Decisions:
        """Only the decisions under a mask (m,) bool."""
        return replace(self, rows=self.rows[mask], actions=self.actions[mask], places=self.places[mask])

    def by(self, rules: Collection[str]) -> Decisions:
        """Only the decisions by findings of some rules."""
        return self.where(self.findings.are_of(rules)[self.places])

    def count_rules(self) -> dict[str, int]:
        """Id of a rule → how often a finding of it decided, the most frequent first."""
        counts: dict[str, int] = {}
        rules = self.findings.rules[self.places]
        for at in dict.fromkeys(rules.tolist()):
            name = self.findings.names[at][0]
            counts[name] = counts.get(name, 0) + int((rules == at).sum())
        return dict(sorted(counts.items(), key=lambda item: -item[1]))

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, at: int) -> Decision: ...
    @overload
    def __getitem__(self, at: slice) -> Decisions: ...
    def __getitem__(self, at: int | slice) -> Decision | Decisions:
        if isinstance(at, slice):
            return replace(self, rows=self.rows[at], actions=self.actions[at], places=self.places[at])
        return Decision(
            row=int(self.rows[at]), action=ACTIONS[self.actions[at]], finding=self.findings[int(self.places[at])]
        )

    def __iter__(self) -> Iterator[Decision]:
        return map(self.__getitem__, range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Decisions) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Decisions({list(self)!r})"


def _texts(values: Sequence[str]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.large_string())])


def _chunks(columns: Sequence[pa.ChunkedArray]) -> pa.ChunkedArray:
    chunks = [chunk for column in columns for chunk in column.chunks]
    return cast(pa.ChunkedArray, pa.chunked_array(chunks, pa.large_string()))
