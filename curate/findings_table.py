"""A curation to the table of all its findings, one a row, with the texts of the rows; private data is masked."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import orjson
import pyarrow as pa

from ..core.findings import ACTIONS, NOTHING, Spans
from ..core.records import FINDING_COLUMNS, Curation, Examples
from .context import Array
from .duplicates.blocks import take_rows
from .duplicates.compiled import map_threads
from .redaction import masked_value
from .rules.private import LIKELY, mask
from .rules.private_data import mask_spans, private_spans
from .scanning import matches, replace_rows

FINDINGS_AT_ONCE = 1 << 15
"""Findings whose texts are gathered in one go, so that threads share the work."""
KEEP = ACTIONS.index("keep")
COUNTING = frozenset({"exact-duplicate", "near-duplicate", "several-answers", "private-data", "secret"})
"""Rules whose evidence is numbers and content ids, by which most findings are made."""


def findings_table(curation: Curation) -> pa.Table:
    """Every finding, one a row, columns as FINDING_COLUMNS."""
    return pa.concat_tables(finding_tables(curation))


def finding_tables(curation: Curation) -> Iterator[pa.Table]:
    """The same in pieces, in order and at least one, made over the threads."""
    known, texts = _facts(curation), _texts_of(curation)
    starts = range(0, max(1, len(curation.findings)), FINDINGS_AT_ONCE)
    for start, part in zip(starts, map_threads(texts, starts), strict=True):
        own = {name: column.slice(start, FINDINGS_AT_ONCE) for name, column in known.items()} | part
        yield pa.table({name: own[name].cast(kind) for name, kind in FINDING_COLUMNS.items()})


def _facts(curation: Curation) -> dict[str, pa.Array | pa.ChunkedArray]:
    """What each finding says, and what became of it."""
    found, rows = curation.findings, len(curation.examples)
    action, decisive = np.full(rows, KEEP), np.full(rows, NOTHING)
    action[curation.decisions.rows] = curation.decisions.actions
    decisive[curation.decisions.rows] = curation.decisions.places
    rules, severities = ([name[at] for name in found.names] for at in (0, 1))
    return {
        "rule": pa.array(rules, pa.string()).take(pa.array(found.rules)),
        "severity": pa.array(severities, pa.string()).take(pa.array(found.rules)),
        "action": pa.array(ACTIONS).take(pa.array(action[found.rows])),
        "decided": pa.array(decisive[found.rows] == np.arange(len(found))),
        "score": pa.array(found.scores, mask=np.isnan(found.scores)),
        "reason": _masked(found.reasons, np.arange(len(found)), mask),
        # JSON hides no private data from the search for likely texts.
        "evidence": _masked(found.evidence, np.flatnonzero(~found.are_of(COUNTING)), _masked_json),
    }


def _masked(column: pa.ChunkedArray, rows: Array, masked: Callable[[str], str]) -> pa.ChunkedArray:
    """The column, private data masked at some rows (ascending)."""
    likely = rows[matches(take_rows(column, rows), LIKELY)]
    return replace_rows(column, likely, list(map(masked, take_rows(column, likely).to_pylist())))


def _masked_json(text: str) -> str:
    return orjson.dumps(masked_value(orjson.loads(text), but_ids=True)).decode()


def _texts_of(curation: Curation) -> Callable[[int], dict[str, pa.Array]]:
    """From a position among the findings to place and texts of the next ones' rows, and of their related rows."""
    found, examples = curation.findings, curation.examples
    named = np.zeros(len(examples), np.bool_)
    named[found.rows] = True
    named[found.related[found.related >= 0]] = True
    private = {name: _spans(curation, name, named) for name in ("input", "target")}

    def texts(start: int) -> dict[str, pa.Array]:
        part = slice(start, start + FINDINGS_AT_ONCE)
        other = _texts(examples, private, found.related[part])
        return _texts(examples, private, found.rows[part]) | {f"related_{name}": other[name] for name in other}

    return texts


def _spans(curation: Curation, name: str, wanted: Array) -> Spans:
    """Private data in a column; of the wanted rows (n,) bool those are searched that no rule has looked at."""
    count = len(curation.examples)
    known = curation.findings.private.get(name, Spans.none(count))
    rest = np.flatnonzero(wanted & ~known.searched)
    return known.joined(private_spans(take_rows(curation.examples.table[name], rest)).placed(rest, count))


def _texts(examples: Examples, private: dict[str, Spans], rows: Array) -> dict[str, pa.Array]:
    """File, line, id, input and target of rows, private data masked; null for NOTHING."""
    order = np.argsort(rows, kind="stable")
    order = order[rows[order] != NOTHING]
    some, place = rows[order], np.full(len(rows), NOTHING)
    place[order] = np.arange(len(order))
    columns = {name: take_rows(examples.table[name], some) for name in ("file", "line", "id")}
    columns |= {name: mask_spans(take_rows(examples.table[name], some), private[name].of(some)) for name in private}
    chosen = {name: column.cast(FINDING_COLUMNS[name]).combine_chunks() for name, column in columns.items()}
    if np.array_equal(place, np.arange(len(rows))):
        return chosen
    index = pa.array(place, mask=place == NOTHING)
    return {name: values.take(index) for name, values in chosen.items()}
