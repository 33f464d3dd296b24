"""A data file to what a person or a starter recipe must know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc

from .formats import load_examples, original_rows
from .records import Kind

SAMPLE = 3
"""Examples that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataShape:
    """Kind, columns and size of some data."""

    kind: Kind
    """What the rows are."""
    format: str
    """jsonl, json, csv, tsv, parquet or arrow."""
    columns: Mapping[str, str]
    """Canonical part → the input's own column(s)."""
    all_columns: tuple[str, ...]
    """Every column of the first rows, also those that play no part."""
    rows: int
    """Usable rows."""
    bad_rows: int
    """Rows that cannot be used."""
    first_bad: str
    """Place and reason of the first of them, empty where there is none."""
    classes: Mapping[str, int]
    """Label → rows, most frequent first; empty for other kinds."""
    mean_characters: float
    """Mean length of the inputs."""
    sample: tuple[tuple[str, str], ...]
    """A few inputs and targets."""


def describe_data(data: Any, *, kind: str | None = None, columns: Mapping[str, str] | None = None) -> DataShape:
    """Look at data as `load_examples` reads it; damaged files are read as far as they go.

    Raises:
        DataError: there is no usable row, or kind and columns cannot be told.
    """
    examples = load_examples(data, kind=kind, columns=columns, allow_partial=True)
    shown = range(min(SAMPLE, len(examples)))
    counts = pc.value_counts(examples.table["target"]).to_pylist() if examples.kind == "label" else []
    counts.sort(key=lambda count: (-count["counts"], count["values"]))
    bad = examples.bad_rows[0] if examples.bad_rows else None
    return DataShape(
        kind=examples.kind,
        format=examples.format,
        columns=examples.columns,
        all_columns=tuple(dict.fromkeys(name for row in original_rows(examples, shown) for name in row)),
        rows=len(examples),
        bad_rows=len(examples.bad_rows),
        first_bad=f"{bad.file}:{bad.line}: {bad.reason}" if bad else "",
        classes={count["values"]: count["counts"] for count in counts},
        mean_characters=float(pc.mean(pc.utf8_length(examples.table["input"])).as_py()),
        sample=tuple((row["input"], row["target"]) for row in examples.table.slice(0, SAMPLE).to_pylist()),
    )
