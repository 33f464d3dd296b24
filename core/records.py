"""The nouns of data and training: examples, findings, decisions, a curation, a tuned model.

Data is columnar (Arrow). Everything here is frozen; a stage returns new nouns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from .findings import Decisions, Findings

SCHEMA_VERSION = 1
"""Version of every JSON and Parquet layout that tunegate writes; raised when a reader of the old one would err."""

MOST_UNREADABLE = 0.05
"""Share of unreadable rows above which the file or the settings are the likely cause, not single rows."""

Kind = Literal["label", "completion", "chat", "preference"]
Severity = Literal["info", "warning", "error"]
Action = Literal["keep", "drop", "flag"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A row that could not become an example; it is kept aside, never lost."""

    file: str
    """Path as the user gave it."""
    line: int
    """1-based line in a text file, 1-based row in a columnar one."""
    reason: str
    """A sentence: what is wrong and what to do."""
    row: Any
    """The original fields where the row could be parsed, else its text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """Labelled rows in canonical columns, each knowing where it came from.

    `table` has one row per example, in the order of the input:
    `input` (large_string), `target` (large_string), `file` (dictionary of string), `line` (int64), `id` (string:
    the content id, 16 hex digits of BLAKE2b over the canonical content), and by kind also
    `pair` (large_string, second text of a text pair), `messages` (list of struct role, content),
    `rejected` (large_string, of a preference).

    kind         input                         target
    label        text                          label
    completion   prompt                        completion
    chat         turns before the last answer  last assistant turn
    preference   prompt                        chosen
    """

    table: pa.Table
    """Canonical columns, see above."""
    kind: Kind
    """Which of the four shapes the rows have."""
    columns: Mapping[str, str]
    """Canonical name → the input's own column name(s), as used to read them."""
    source: pa.Table
    """The rows as they came, aligned with `table`: column `raw` (large_binary, the line without its line end) for
    line formats, else the original columns."""
    format: str
    """Format of the input, which kept rows are written in again: jsonl, json, csv, tsv, parquet or arrow."""
    header: bytes = b""
    """Header line of a csv or tsv input, repeated as it was."""
    bad_rows: tuple[BadRow, ...] = ()
    """Rows that could not be read; they end in the ledger."""

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def inputs(self) -> list[str]:
        """The `input` column as Python strings; for large data use `table` directly."""
        return self.table["input"].to_pylist()  # type: ignore[no-any-return]

    @property
    def targets(self) -> list[str]:
        """The `target` column as Python strings; for large data use `table` directly."""
        return self.table["target"].to_pylist()  # type: ignore[no-any-return]

    @property
    def ids(self) -> list[str]:
        """The content ids."""
        return self.table["id"].to_pylist()  # type: ignore[no-any-return]

    def take(self, rows: np.ndarray[Any, Any]) -> Examples:
        """The given rows (positions), in the given order, without the bad rows."""
        index = pa.array(rows, type=pa.int64())
        return Examples(
            table=self.table.take(index),
            kind=self.kind,
            columns=self.columns,
            source=self.source.take(index),
            format=self.format,
            header=self.header,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one rule saw in one row."""

    row: int
    """Position in the examples that were curated."""
    rule: str
    """Id of the rule, such as `near-duplicate`."""
    severity: Severity
    """How serious the rule holds this to be."""
    reason: str
    """A sentence for people."""
    score: float | None = None
    """The rule's own number (Jaccard similarity, share, probability), where it has one."""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """JSON-ready facts behind the reason."""
    related: int | None = None
    """Position of the row that this one was compared with (for a duplicate: the survivor)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the policy made of one row's findings."""

    row: int
    """Position in the examples that were curated."""
    action: Action
    """Whether the row stays, goes, or stays with a mark."""
    finding: Finding
    """The finding that decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curation:
    """Everything that curation did: kept + rejected + bad rows == input, always."""

    examples: Examples
    """What was curated, whole."""
    kept: np.ndarray[Any, Any]
    """Positions of the rows that stay, ascending (int64)."""
    decisions: Decisions
    """One per row that was dropped or flagged, by row; a sequence of `Decision`."""
    findings: Findings
    """Every finding, by row, also those that the policy set aside; a sequence of `Finding`."""
    clusters: tuple[tuple[int, ...], ...]
    """Duplicate clusters: the survivor first, then the rows it stands for."""
    summary: Mapping[str, Any]
    """JSON-ready: rows_in, rows_kept, rows_rejected, by_rule, by_class, warnings, config_fingerprint, timings."""
    benchmark_findings: tuple[Mapping[str, Any], ...] = ()
    """Contaminated benchmark items: task, doc_hash, rule, score, row id (for the evaluation to mark)."""
    redacted: Examples | None = None
    """The examples with private data masked in some rows, where the policy asked for it."""

    @property
    def kept_examples(self) -> Examples:
        """The rows that stay, as examples, as they are to be written."""
        return (self.redacted or self.examples).take(self.kept)


FINDING_COLUMNS: Mapping[str, pa.DataType] = {
    "file": pa.string(),
    "line": pa.int64(),
    "id": pa.string(),
    "rule": pa.string(),
    "severity": pa.string(),
    "action": pa.string(),  # what the policy made of the row: keep, drop or flag
    "decided": pa.bool_(),  # whether this finding is the one that decided
    "score": pa.float64(),
    "reason": pa.string(),
    "evidence": pa.string(),  # JSON
    "input": pa.string(),
    "target": pa.string(),
    "related_file": pa.string(),
    "related_line": pa.int64(),
    "related_id": pa.string(),
    "related_input": pa.string(),
    "related_target": pa.string(),
}
"""Columns of findings.parquet, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """A curation as it stands on disk: what the reports and later commands read."""

    summary: Mapping[str, Any]
    """summary.json."""
    findings: pa.Table
    """findings.parquet, columns as FINDING_COLUMNS; secrets are masked."""
    contaminated: tuple[Mapping[str, Any], ...] = ()
    """Benchmark items that occur in the training data: task, doc_hash, rule, score, id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """A tuned model on disk and how it was made."""

    path: Path
    """Folder of the model or adapter."""
    base: str
    """The model that was tuned, as the recipe names it."""
    method: str
    """full, lora or head."""
    is_adapter: bool
    """Whether `path` holds a PEFT adapter to be loaded on top of `base`."""
    steps: int
    """Optimiser steps taken."""
    losses: tuple[tuple[int, float], ...]
    """(step, training loss), as logged."""
    data_fingerprint: str
    """Hash of the examples that were trained on."""
    seed: int
    """Seed of head, order and dropout."""
    notes: Mapping[str, Any] = field(default_factory=dict)
    """JSON-ready: audit counts, evaluation history, retention, timings, warnings."""
