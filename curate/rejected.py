"""Rows that were not kept to lines of JSON: where each stood, why it went, and all its original fields, untouched."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ..core.findings import DROP, Decisions
from ..core.formats import original_rows
from ..core.records import Curation, Examples
from ..core.texts import text_bytes
from .context import Array
from .duplicates.blocks import take_rows
from .duplicates.compiled import map_threads
from .places import take_any
from .policy import DUPLICATES

TEXT = pa.large_string()
ROWS_AT_ONCE = 1 << 14
"""Rows whose lines are made in one go, so that threads share the work."""


def rejected_lines(curation: Curation) -> Iterator[bytes | memoryview]:
    """The file, piece by piece: first the rows that could not be read, then those that were dropped, in their order."""
    for bad in curation.examples.bad_rows:
        place = {"file": bad.file, "line": bad.line, "id": None}
        entry = {**place, "rule": "unreadable", "reason": bad.reason, "evidence": {}, "row": bad.row}
        yield orjson.dumps(entry, default=str, option=orjson.OPT_APPEND_NEWLINE)
    dropped = curation.decisions.with_action(DROP)
    parts = (dropped[start : start + ROWS_AT_ONCE] for start in range(0, len(dropped), ROWS_AT_ONCE))
    yield from map_threads(lambda part: _lines(curation.examples, part), parts)


def _lines(examples: Examples, dropped: Decisions) -> memoryview:
    """One JSON object a line for each of some dropped rows."""
    found = dropped.findings.take(dropped.places)
    file, line, row_id = _place(examples, dropped.rows)
    rule = _json(pa.array([rule for rule, _ in found.names], TEXT).take(pa.array(found.rules)))
    evidence = found.evidence.combine_chunks()
    copies = found.are_of(DUPLICATES) & (found.related >= 0)
    if copies.any():
        evidence = _with_survivors(evidence, copies, _place(examples, found.related[copies]))
    head = _joined('{"file":', file, ',"line":', line, ',"id":', row_id, ',"rule":', rule)
    why = _joined(',"reason":', _json(found.reasons.combine_chunks()), ',"evidence":', evidence)
    data, ends = text_bytes(_joined(head, why, ',"row":', _original(examples, dropped.rows), "}\n"))
    return data[ends[0] : ends[-1]].data


def _joined(*pieces: pa.Array | str) -> pa.Array:
    """One text per row: the pieces in order."""
    columns = [pa.scalar(piece, TEXT) if isinstance(piece, str) else piece for piece in (*pieces, "")]
    return pc.binary_join_element_wise(*columns)


def _place(examples: Examples, rows: Array) -> tuple[pa.Array, pa.Array, pa.Array]:
    """File, line and content id of rows, as JSON."""
    file, line, row_id = (take_any(examples.table[name], rows).cast(TEXT) for name in ("file", "line", "id"))
    return _json(file), line, _joined('"', row_id, '"')


def _json(texts: pa.Array) -> pa.Array:
    """Texts as JSON; each different one is encoded once."""
    encoded = texts.dictionary_encode()
    words = [orjson.dumps(word).decode() for word in encoded.dictionary.to_pylist()]
    return pa.array(words, TEXT).take(encoded.indices)


def _with_survivors(evidence: pa.Array, copies: Array, survivor: tuple[pa.Array, pa.Array, pa.Array]) -> pa.Array:
    """The evidence, of duplicates with the place of the row that stays in front."""
    file, line, row_id = survivor
    own = pc.utf8_slice_codeunits(evidence.filter(pa.array(copies)), 1)
    comma = pc.if_else(pc.equal(own, "}"), "", ",").cast(TEXT)
    fresh = _joined('{"survivor_id":', row_id, ',"survivor_file":', file, ',"survivor_line":', line, comma, own)
    return pc.replace_with_mask(evidence, pa.array(copies), fresh)


def _original(examples: Examples, rows: Array) -> pa.Array:
    """The original fields of rows as JSON; lines of JSON stay as they came."""
    if examples.format in ("jsonl", "json"):
        raw = take_rows(examples.source["raw"], rows).combine_chunks()
        return pc.utf8_rtrim_whitespace(raw.view(TEXT))
    return pa.array([orjson.dumps(row).decode() for row in original_rows(examples, rows.tolist())], TEXT)
