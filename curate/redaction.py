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


def masked_value(value: Any, *, but_ids: bool = False) -> Any:
    """Every text inside a value, masked, unless it looks like a content id and those stay; what was JSON stays JSON."""
    if isinstance(value, str):
        return value if but_ids and CONTENT_ID.fullmatch(value) else _masked_text(value)
    if isinstance(value, list):
        return [masked_value(item, but_ids=but_ids) for item in value]
    if isinstance(value, dict):
        return {name: masked_value(item, but_ids=but_ids) for name, item in value.items()}
    return value


def _masked_text(text: str) -> str:
    """A number in JSON, such as that of a card, is no text: its placeholder becomes one."""
    masked = mask(text)
    if masked == text or not text.lstrip().startswith(("{", "[")) or not _is_json(text) or _is_json(masked):
        return masked
    return orjson.dumps(masked_value(_numbers_as_text(orjson.loads(text)))).decode()


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _numbers_as_text(value: Any) -> Any:
    """Whole numbers that are private data as text."""
    if isinstance(value, list):
        return [_numbers_as_text(item) for item in value]
    if isinstance(value, dict):
        return {name: _numbers_as_text(item) for name, item in value.items()}
    is_private = isinstance(value, int) and not isinstance(value, bool) and mask(str(value)) != str(value)
    return str(value) if is_private else value
