"""A curation to the table of all its findings, one a row, with the texts of the rows; private data is masked."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from ..core.findings import ACTIONS, NOTHING, Spans
from ..core.records import FINDING_COLUMNS, Curation, Examples
from .context import Array
from .duplicates.blocks import take_rows
from .duplicates.compiled import map_threads
from .redaction import masked_value
from .rules.private import LIKELY
from .rules.private_data import mask_spans, private_spans
from .scanning import matches, replace_rows

FINDINGS_AT_ONCE = 1 << 15
"""Findings whose texts are gathered in one go, so that threads share the work."""
KEEP = ACTIONS.index("keep")


def findings_table(curation: Curation) -> pa.Table:
    """Every finding, one a row, columns as FINDING_COLUMNS."""
    found, rows = curation.findings, len(curation.examples)
    action, decisive = np.full(rows, KEEP), np.full(rows, NOTHING)
    action[curation.decisions.rows] = curation.decisions.actions
    decisive[curation.decisions.rows] = curation.decisions.places
    rules, severities = ([name[at] for name in found.names] for at in (0, 1))
    columns: dict[str, Any] = {
        "rule": pa.array(rules, pa.string()).take(pa.array(found.rules)),
        "severity": pa.array(severities, pa.string()).take(pa.array(found.rules)),
        "action": pa.array(ACTIONS).take(pa.array(action[found.rows])),
        "decided": pa.array(decisive[found.rows] == np.arange(len(found))),
        "score": pa.array(found.scores, mask=np.isnan(found.scores)),
        "reason": found.reasons,
        "evidence": _masked_evidence(found.evidence),
    }
    columns |= _texts_of(curation)
    return pa.table({name: columns[name].cast(kind) for name, kind in FINDING_COLUMNS.items()})


def _masked_evidence(evidence: pa.ChunkedArray) -> pa.ChunkedArray:
    """The evidence, private data in its texts masked; JSON hides none from the search for likely texts."""
    likely = np.flatnonzero(matches(evidence, LIKELY))
    texts = take_rows(evidence, likely).to_pylist()
    return replace_rows(evidence, likely, [orjson.dumps(masked_value(orjson.loads(text))).decode() for text in texts])


def _texts_of(curation: Curation) -> dict[str, pa.ChunkedArray]:
    """Place and texts of each finding's row and of its related row."""
    found, examples = curation.findings, curation.examples
    named = np.zeros(len(examples), np.bool_)
    named[found.rows] = True
    named[found.related[found.related >= 0]] = True
    private = {name: _spans(curation, name, named) for name in ("input", "target")}

    def work(start: int) -> list[pa.Array]:
        part = slice(start, start + FINDINGS_AT_ONCE)
        own, other = found.rows[part], found.related[part]
        return [*_texts(examples, private, own), *_texts(examples, private, other)]

    names = ["file", "line", "id", "input", "target"]
    names += [f"related_{name}" for name in names]
    parts = list(map_threads(work, range(0, max(1, len(found)), FINDINGS_AT_ONCE)))
    return {name: pa.chunked_array(list(chunks)) for name, chunks in zip(names, zip(*parts, strict=True), strict=True)}


def _spans(curation: Curation, name: str, wanted: Array) -> Spans:
    """Private data in a column; of the wanted rows (n,) bool those are searched that no rule has looked at."""
    count = len(curation.examples)
    known = curation.findings.private.get(name, Spans.none(count))
    rest = np.flatnonzero(wanted & ~known.searched)
    return known.joined(private_spans(take_rows(curation.examples.table[name], rest)).placed(rest, count))


def _texts(examples: Examples, private: dict[str, Spans], rows: Array) -> list[pa.Array]:
    """File, line, id, input and target of rows, private data masked; null for NOTHING."""
    order = np.argsort(rows, kind="stable")
    order = order[rows[order] != NOTHING]
    some, place = rows[order], np.full(len(rows), NOTHING)
    place[order] = np.arange(len(order))
    columns = [take_rows(examples.table[name], some) for name in ("file", "line", "id")]
    columns += [mask_spans(take_rows(examples.table[name], some), private[name].of(some)) for name in private]
    kinds = (FINDING_COLUMNS[name] for name in ("file", "line", "id", *private))
    chosen = [column.cast(kind).combine_chunks() for column, kind in zip(columns, kinds, strict=True)]
    if np.array_equal(place, np.arange(len(rows))):
        return chosen
    return [values.take(pa.array(place, mask=place == NOTHING)) for values in chosen]
