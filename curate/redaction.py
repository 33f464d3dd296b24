"""Kept rows with private data to the same rows with typed placeholders; no other row is touched."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from ..core.findings import DROP, Decisions
from ..core.formats import original_rows
from ..core.records import Examples
from .config import CurateConfig
from .rules.private import mask
from .rules.table import rule_action
from .scanning import replace_rows

RULES = ("secret", "private-data")
CONTENT_ID = re.compile(r"[0-9a-f]{16}")


def rows_to_redact(decisions: Decisions, config: CurateConfig) -> list[int]:
    """Rows that stay and in which a rule with action `redact` found something."""
    wanted = [rule for rule in RULES if rule_action(rule, config) == "redact"]
    if not wanted:
        return []
    findings = decisions.findings
    rows = findings.rows[findings.are_of(wanted)]
    return np.setdiff1d(rows, decisions.with_action(DROP).rows).tolist()  # type: ignore[no-any-return]


def redact(examples: Examples, rows: Sequence[int]) -> Examples:
    """The examples with the given rows masked, in the canonical columns and as they came."""
    if not rows:
        return examples
    masked = [masked_value(row) for row in original_rows(examples, rows)]
    table = examples.table
    for name in table.column_names:
        if name not in ("file", "line", "id"):
            new = [masked_value(value) for value in table[name].take(pa.array(rows)).to_pylist()]
            table = table.set_column(table.column_names.index(name), name, replace_rows(table[name], rows, new))
    return replace(examples, table=table, source=_source(examples, rows, masked))


def _source(examples: Examples, rows: Sequence[int], masked: Sequence[Any]) -> pa.Table:
    source = examples.source
    if source.column_names == ["raw"]:
        lines = [_encoded(examples, row) for row in masked]
        return source.set_column(0, "raw", replace_rows(source["raw"], rows, lines))
    for at, name in enumerate(source.column_names):
        source = source.set_column(at, name, replace_rows(source[name], rows, [row[name] for row in masked]))
    return source


def _encoded(examples: Examples, row: Any) -> bytes:
    if examples.format not in ("csv", "tsv"):
        return orjson.dumps(row)
    line = io.StringIO()
    csv.writer(line, delimiter="," if examples.format == "csv" else "\t", lineterminator="").writerow(row.values())
    return line.getvalue().encode()


def masked_value(value: Any) -> Any:
    """Every text inside a value, masked."""
    if isinstance(value, str):
        return value if CONTENT_ID.fullmatch(value) else mask(value)
    if isinstance(value, list):
        return [masked_value(item) for item in value]
    if isinstance(value, dict):
        return {name: masked_value(item) for name, item in value.items()}
    return value
