"""Rows to findings about private data and secrets; what was found is counted by type and never repeated.

Whole columns are searched by linear-time patterns first, so that few rows and few patterns are left for Python.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from ...core.records import Examples, Finding
from ..config import CurateConfig
from ..context import Array, Context
from ..duplicates.blocks import take_rows
from ..scanning import matches, prose_columns, replace_rows, rows_where
from ..screen import OTHER_DIGIT
from .private import PATTERNS, Found, mask_spans, search_patterns
from .suspects import column_bits, possible_patterns, screened

NEEDS = [pattern.needs.replace(r"\d", r"\p{Nd}") for pattern in PATTERNS]
"""Each pattern's `needs` for RE2."""
FORM_TELLS = [at for at, pattern in enumerate(PATTERNS) if pattern.search is None]
"""Patterns that are slow over a whole text, so that RE2 looks for what they need first."""


def find_private_data(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:  # noqa: ARG001
    """E-mail, phone, card and account numbers; keys and tokens."""
    seen: dict[int, dict[str, list[Found]]] = {}
    for name in prose_columns(examples):
        for row, _, spans in private_rows(examples.table[name], column_bits(examples, name, context)):
            seen.setdefault(row, {})[name] = spans
    for row, private in sorted(seen.items()):
        yield from _findings(row, private)


def _findings(row: int, private: Mapping[str, Sequence[Found]]) -> Iterator[Finding]:
    """One finding for the data about people in a row, one for its secrets."""
    counts: dict[bool, dict[str, int]] = {False: {}, True: {}}
    for spans in private.values():
        for span in spans:
            known = counts[span.is_secret]
            known[span.type] = known.get(span.type, 0) + 1
    for is_secret, types in counts.items():
        if not types:
            continue
        listed = ", ".join(f"{count} {name}" for name, count in sorted(types.items()))
        yield Finding(
            row=row,
            rule="secret" if is_secret else "private-data",
            severity="error" if is_secret else "warning",
            reason=f"The row holds {'secrets' if is_secret else 'private data'}: {listed}.",
            evidence={"types": dict(sorted(types.items()))},
            private=private,
        )


def private_rows(column: pa.ChunkedArray, bits: Array | None = None) -> Iterator[tuple[int, str, list[Found]]]:
    """(row, text, what `find_private` finds in it) of every text that holds private data.

    Args:
        column: n texts.
        bits: (n,) uint32 as `suspects.screened` gives them, if they are known.
    """
    bits = screened(column) if bits is None else bits
    possible, other_digits = possible_patterns(bits), (bits & OTHER_DIGIT) > 0
    for at in FORM_TELLS:
        # RE2 is several times as fast without the digits of other scripts, which few texts have.
        for needs, may_be in ((PATTERNS[at].needs, ~other_digits), (NEEDS[at], other_digits)):
            likely = np.flatnonzero(may_be & (possible >> np.uint32(at) & 1 > 0))
            possible[likely[~matches(take_rows(column, likely), needs)]] &= ~np.uint32(1 << at)
    places = {mask: [at for at in range(len(PATTERNS)) if mask >> at & 1] for mask in np.unique(possible).tolist()}
    rows = np.flatnonzero(possible)
    for (row, text), mask in zip(rows_where(column, possible > 0), possible[rows].tolist(), strict=True):
        if spans := search_patterns(text, places[mask]):
            yield row, text, spans


def mask_column(column: pa.ChunkedArray, known: Mapping[int, Sequence[Found]] | None = None) -> pa.ChunkedArray:
    """Every text as `mask` makes it.

    Args:
        column: n texts.
        known: row → all that `find_private` finds in it, for rows that need not be searched again.
    """
    known = known or {}
    bits = screened(column)
    bits[list(known)] = 0
    places = np.array(sorted(known), np.int64)
    texts = zip(places.tolist(), take_rows(column, places).to_pylist(), strict=True)
    masked = {row: mask_spans(text, known[row]) for row, text in texts if known[row]}
    masked |= {row: mask_spans(text, spans) for row, text, spans in private_rows(column, bits)}
    rows = sorted(masked)
    return replace_rows(column, rows, [masked[row] for row in rows])
