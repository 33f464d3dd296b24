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
from ..context import Array, Context
from ..duplicates.blocks import take_rows
from ..scanning import matches, prose_columns, replace_rows, rows_where
from .private import PATTERNS, Found, mask_spans, search_patterns
from .suspects import column_bits, possible_patterns, screened

NEEDS = [pattern.needs.replace(r"\d", r"\p{Nd}") for pattern in PATTERNS]
"""Each pattern's `needs` for RE2."""
FORM_TELLS = [at for at, pattern in enumerate(PATTERNS) if pattern.search is None]
"""Patterns that are slow over a whole text, so that RE2 looks for what they need first."""


def find_private_data(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:  # noqa: ARG001
    """E-mail, phone, card and account numbers; keys and tokens."""
    seen: dict[tuple[int, bool], Counter[str]] = {}
    for name in prose_columns(examples):
        for row, _, spans in private_rows(examples.table[name], column_bits(examples, name, context)):
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


def private_rows(column: pa.ChunkedArray, bits: Array | None = None) -> Iterator[tuple[int, str, list[Found]]]:
    """(row, text, what `find_private` finds in it) of every text that holds private data.

    Args:
        column: n texts.
        bits: (n,) uint32 as `suspects.screened` gives them, if they are known.
    """
    possible = possible_patterns(screened(column) if bits is None else bits)
    for at in FORM_TELLS:
        likely = np.flatnonzero(possible >> np.uint32(at) & 1)
        possible[likely[~matches(take_rows(column, likely), NEEDS[at])]] &= ~np.uint32(1 << at)
    places = {mask: [at for at in range(len(PATTERNS)) if mask >> at & 1] for mask in np.unique(possible).tolist()}
    rows = np.flatnonzero(possible)
    for (row, text), mask in zip(rows_where(column, possible > 0), possible[rows].tolist(), strict=True):
        if spans := search_patterns(text, places[mask]):
            yield row, text, spans


def mask_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Every text as `mask` makes it."""
    masked = [(row, mask_spans(text, spans)) for row, text, spans in private_rows(column)]
    return replace_rows(column, [row for row, _ in masked], [text for _, text in masked])
