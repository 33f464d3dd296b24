"""Rows to findings about private data and secrets; what was found is counted by type and never repeated.

Whole columns are searched by linear-time patterns first, so that few rows and few patterns are left for Python; and
where a text of ASCII can hold nothing but e-mail addresses, which is the usual case, compiled code finds them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ...core.compiled import jit_enabled, map_threads
from ...core.findings import Findings, Spans
from ...core.records import Examples, Severity
from ...core.texts import text_bytes
from ..config import CurateConfig
from ..context import Array, Context
from ..duplicates.blocks import slices, take_rows
from ..scanning import matches, prose_columns, replace_rows, rows_where
from ..screen import NON_ASCII, OTHER_DIGIT, SLICE_ROWS
from .private import PATTERNS, search_patterns
from .suspects import column_bits, possible_patterns, screened

NEEDS = [pattern.needs.replace(r"\d", r"\p{Nd}") for pattern in PATTERNS]
"""Each pattern's `needs` for RE2."""
FORM_TELLS = [at for at, pattern in enumerate(PATTERNS) if pattern.search is None]
"""Patterns that are slow over a whole text, so that RE2 looks for what they need first."""
TYPES = tuple(dict.fromkeys(pattern.type for pattern in PATTERNS))
"""Type of a span by its number."""
SECRETS = frozenset(pattern.type for pattern in PATTERNS if pattern.is_secret)
EMAIL = next(at for at, pattern in enumerate(PATTERNS) if pattern.type == "email")


def find_private_data(examples: Examples, config: CurateConfig, context: Context) -> Findings:  # noqa: ARG001
    """E-mail, phone, card and account numbers, one finding for all in a row; keys and tokens, likewise."""
    private = {
        name: private_spans(examples.table[name], column_bits(examples, name, context))
        for name in prose_columns(examples)
    }
    rows = np.concatenate([spans.rows for spans in private.values()])
    types = np.concatenate([spans.types for spans in private.values()])
    found, which = np.unique(rows, return_inverse=True)
    counts = np.bincount(which * len(TYPES) + types, minlength=len(found) * len(TYPES)).reshape(-1, len(TYPES))
    names = sorted(TYPES)
    secrets, others = [name for name in names if name in SECRETS], [name for name in names if name not in SECRETS]
    both = [
        _findings(found, counts, others, ("private-data", "warning")),
        _findings(found, counts, secrets, ("secret", "error")),
    ]
    whole = Findings.joined(both)
    return replace(whole.take(np.argsort(whole.rows, kind="stable")), private=private)


def _findings(rows: Array, counts: Array, names: list[str], rule: tuple[str, Severity]) -> Findings:
    """A finding of one rule for every row that has data of some types, by counts (n, all types)."""
    counts = counts[:, [TYPES.index(name) for name in names]]
    filled = counts.any(axis=1)
    kinds, kind = np.unique(counts[filled], axis=0, return_inverse=True)
    held = [{name: n for name, n in zip(names, own, strict=True) if n} for own in kinds.tolist()]
    what = "secrets" if rule[0] == "secret" else "private data"
    reasons = [f"The row holds {what}: {', '.join(f'{n} {name}' for name, n in types.items())}." for types in held]
    evidence = [orjson.dumps({"types": types}).decode() for types in held]
    return Findings.repeated(rows[filled], rule, kinds=kind.reshape(-1), reasons=reasons, evidence=evidence)


def private_spans(column: pa.ChunkedArray, bits: Array | None = None) -> Spans:
    """All that `find_private` finds in each text; types are positions in TYPES.

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
    simple = (possible == 1 << EMAIL) & (bits & NON_ASCII == 0) & jit_enabled()
    parts = [_addresses(column, simple), _searched(column, np.where(simple, 0, possible))]
    rows, starts, stops, types = np.concatenate(parts).T
    order = np.argsort(rows, kind="stable")
    return Spans(
        searched=np.ones(len(column), np.bool_),
        rows=rows[order],
        starts=starts[order],
        stops=stops[order],
        types=types[order],
    )


def _addresses(column: pa.ChunkedArray, wanted: Array) -> Array:
    """(m, 4) int64: row, start, stop and type of the e-mail addresses in the wanted texts, which are ASCII."""
    if not wanted.any():
        return np.empty((0, 4), np.int64)
    from .email_kernel import find_addresses

    def work(item: tuple[int, pa.Array]) -> Array:
        first, piece = item
        data, ends = text_bytes(piece)
        own, found = wanted[first : first + len(piece)], np.empty((2 * len(piece), 3), np.int64)
        count = find_addresses(data, ends, own, found)
        if count > len(found):
            found = np.empty((count, 3), np.int64)
            find_addresses(data, ends, own, found)
        found[:count, 0] += first
        return found[:count]

    found = np.concatenate(list(map_threads(work, slices(column, SLICE_ROWS))))
    return np.column_stack([found, np.full(len(found), TYPES.index("email"))])


def _searched(column: pa.ChunkedArray, possible: Array) -> Array:
    """(m, 4) int64: row, start, stop (bytes) and type of what the possible patterns of each text find."""
    places = {mask: [at for at in range(len(PATTERNS)) if mask >> at & 1] for mask in np.unique(possible).tolist()}
    masks = possible[possible > 0].tolist()
    found = []
    for (row, text), mask in zip(rows_where(column, possible > 0), masks, strict=True):
        for span in search_patterns(text, places[mask]):
            start, stop = span.start, span.end
            if not text.isascii():
                start, stop = len(text[:start].encode()), len(text[:stop].encode())
            found.append((row, start, stop, TYPES.index(span.type)))
    return np.array(found, np.int64).reshape(-1, 4)


def mask_spans(column: pa.ChunkedArray, spans: Spans) -> pa.ChunkedArray:
    """The column with a typed placeholder for every span, as `private.mask` writes them."""
    rows = np.unique(spans.rows)
    marks = pa.array([f"[{name.upper().replace('-', '_')}]" for name in TYPES], pa.large_string())
    masked, first = [], 0
    for chunk in take_rows(column, rows).chunks:
        masked.append(_with_marks(chunk, spans.of(rows[first : first + len(chunk)]), marks))
        first += len(chunk)
    return replace_rows(column, rows, pa.chunked_array(masked, pa.large_string()))


def _with_marks(texts: pa.LargeStringArray, spans: Spans, marks: pa.LargeStringArray) -> pa.LargeStringArray:
    """The texts cut at their spans and joined again, with a mark in place of each span."""
    data, ends = text_bytes(texts)
    n, m = len(texts), len(spans.rows)
    cuts = np.empty(n + 2 * m + 1, np.int64)
    of_row = np.arange(n + 1) + 2 * np.searchsorted(spans.rows, np.arange(n + 1))
    of_span = spans.rows + 2 * np.arange(m) + 1
    cuts[of_row] = ends
    cuts[of_span] = ends[spans.rows] + spans.starts
    cuts[of_span + 1] = ends[spans.rows] + spans.stops
    pieces = pa.LargeStringArray.from_buffers(n + 2 * m, pa.py_buffer(cuts), pa.py_buffer(data))
    chosen = np.arange(n + 2 * m)
    chosen[of_span] = n + 2 * m + spans.types
    parts = pa.concat_arrays([pieces, marks]).take(pa.array(chosen))
    return pc.binary_join(pa.LargeListArray.from_arrays(pa.array(of_row), parts), pa.scalar("", pa.large_string()))
