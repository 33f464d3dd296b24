"""Rows to findings about private data and secrets; what was found is counted by type and never repeated.

Whole columns are searched by linear-time patterns first, so that few rows and few patterns are left for Python.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from ...core.records import Examples, Finding
from ..config import CurateConfig
from ..context import Context
from ..duplicates.blocks import take_rows
from ..scanning import matches, prose_columns, replace_rows
from .private import LIKELY, PATTERNS, Found, mask_spans, search_patterns

NEEDS = [pattern.needs.replace(r"\d", r"\p{Nd}") for pattern in PATTERNS]
"""Each pattern's `needs` for RE2."""


def find_private_data(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:  # noqa: ARG001
    """E-mail, phone, card and account numbers; keys and tokens."""
    seen: dict[tuple[int, bool], Counter[str]] = {}
    for name in prose_columns(examples):
        for row, _, spans in private_rows(examples.table[name]):
            for span in spans:
                seen.setdefault((row, span.is_secret), Counter())[span.type] += 1
    for (row, is_secret), types in sorted(seen.items()):
        listed = ", ".join(f"{count} {name}" for name, count in sorted(types.items()))
        yield Finding(
            row=row,
            rule="secret" if is_secret else "private-data",
            severity="error" if is_secret else "warning",
            reason=f"The row holds {'secrets' if is_secret else 'private data'}: {listed}.",
            evidence={"types": dict(sorted(types.items()))},
        )


def private_rows(column: pa.ChunkedArray) -> Iterator[tuple[int, str, list[Found]]]:
    """(row, text, what `find_private` finds in it) of every text that holds private data."""
    rows = np.flatnonzero(matches(column, LIKELY))
    part = take_rows(column, rows)
    possible = np.stack([matches(part, needs) for needs in NEEDS])
    texts = part.to_pylist()
    at, places = np.nonzero(possible.T)
    starts = np.searchsorted(at, np.arange(len(rows) + 1)).tolist()
    listed = places.tolist()
    for place, (row, text) in enumerate(zip(rows.tolist(), texts, strict=True)):
        if spans := search_patterns(text, listed[starts[place] : starts[place + 1]]):
            yield row, text, spans


def mask_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Every text as `mask` makes it."""
    masked = [(row, mask_spans(text, spans)) for row, text, spans in private_rows(column)]
    return replace_rows(column, [row for row, _ in masked], [text for _, text in masked])
