"""A curation to files and back: the kept rows as they came, every other row with its reason, and all findings.

`rejected.jsonl` holds rows untouched, to be put back if need be; `findings.parquet`, which reports show, masks private
data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from ..core.collector import collector_at_rest
from ..core.errors import IntegrityError
from ..core.formats import original_rows, write_examples
from ..core.records import FINDING_COLUMNS, Curation, Examples, Finding, Ledger
from ..core.store import atomic_path, read_json, write_json
from .context import Array
from .duplicates.blocks import as_column, take_table
from .redaction import masked_value
from .rules.private import LIKELY
from .rules.private_data import mask_column
from .scanning import matches, replace_rows

DUPLICATES = ("exact-duplicate", "near-duplicate")
PLACE = ("file", "line", "id")


@collector_at_rest()
def write_curation(curation: Curation, out: Path) -> None:
    """Write train.<format>, rejected.jsonl, findings.parquet and summary.json into the folder `out`."""
    import pyarrow.parquet as pq

    out = Path(out)
    write_examples(_kept_examples(curation), out / f"train.{curation.examples.format}")
    with atomic_path(out / "rejected.jsonl") as fresh, fresh.open("wb") as stream:
        for entry in rejected_rows(curation):
            stream.write(orjson.dumps(entry, default=str, option=orjson.OPT_APPEND_NEWLINE))
    with atomic_path(out / "findings.parquet") as fresh:
        pq.write_table(findings_table(curation), fresh)
    with atomic_path(out / "contaminated.jsonl") as fresh, fresh.open("wb") as stream:
        for item in curation.benchmark_findings:
            stream.write(orjson.dumps(item, option=orjson.OPT_APPEND_NEWLINE))
    write_json(out / "summary.json", dict(curation.summary))


def _kept_examples(curation: Curation) -> Examples:
    """What is to be written; of rows that are lines only these, not the columns read from them."""
    examples = curation.redacted or curation.examples
    if examples.source.column_names != ["raw"]:
        return curation.kept_examples
    return replace(examples, table=examples.table.slice(0, 0), source=take_table(examples.source, curation.kept))


def ledger_of(curation: Curation) -> Ledger:
    """A curation as it would stand on disk."""
    return Ledger(summary=curation.summary, findings=findings_table(curation), contaminated=curation.benchmark_findings)


def read_ledger(out: Path) -> Ledger:
    """A curation as it stands on disk.

    Raises:
        IntegrityError: a file is absent or damaged.
    """
    import pyarrow.parquet as pq

    out = Path(out)
    summary = read_json(out / "summary.json")
    try:
        findings = pq.read_table(out / "findings.parquet")
        contaminated = [orjson.loads(line) for line in (out / "contaminated.jsonl").read_bytes().splitlines()]
    except (OSError, pa.ArrowInvalid, orjson.JSONDecodeError) as error:
        raise IntegrityError(f"{out}: not a whole curation ({error}); curate again") from error
    return Ledger(summary=summary, findings=findings, contaminated=tuple(contaminated))


def rejected_rows(curation: Curation) -> Iterator[dict[str, Any]]:
    """One object per row that was not kept: where it stood, why it went, and all its original fields."""
    for bad in curation.examples.bad_rows:
        place = {"file": bad.file, "line": bad.line, "id": None}
        yield {**place, "rule": "unreadable", "reason": bad.reason, "evidence": {}, "row": bad.row}
    dropped = [decision for decision in curation.decisions if decision.action == "drop"]
    rows = original_rows(curation.examples, [decision.row for decision in dropped])
    places = _places(curation, [decision.row for decision in dropped])
    others = _places(curation, [_related(decision.finding) for decision in dropped])
    for decision, row, place, other in zip(dropped, rows, places, others, strict=True):
        finding = decision.finding
        evidence = dict(finding.evidence)
        if finding.rule in DUPLICATES:
            evidence = {f"survivor_{name}": other[name] for name in ("id", "file", "line")} | evidence
        yield {**place, "rule": finding.rule, "reason": finding.reason, "evidence": evidence, "row": row}


def findings_table(curation: Curation) -> pa.Table:
    """Every finding, one a row, columns as FINDING_COLUMNS."""
    found = curation.findings
    decided = {decision.row: decision for decision in curation.decisions}
    rows, others = np.array([f.row for f in found], np.int64), np.array([_related(f) for f in found], np.int64)
    named = np.union1d(rows, others)
    texts = _texts(curation, named)
    own, other = np.searchsorted(named, rows), np.searchsorted(named, others)
    other_or_none = pa.array(other, mask=np.array([f.related is None for f in found], bool))
    columns: dict[str, Any] = {
        "rule": [f.rule for f in found],
        "severity": [f.severity for f in found],
        "action": [decided[row].action if row in decided else "keep" for row in rows.tolist()],
        "decided": [f.row in decided and decided[f.row].finding is f for f in found],
        "score": [f.score for f in found],
        "reason": [f.reason for f in found],
        "evidence": _evidence(found),
    }
    for name in ("file", "line", "id", "input", "target"):
        columns[name] = texts[name].take(pa.array(own))
        columns[f"related_{name}"] = texts[name].take(other_or_none)
    return pa.table({name: _column(columns[name], kind) for name, kind in FINDING_COLUMNS.items()})


def _evidence(found: Sequence[Finding]) -> pa.ChunkedArray:
    """The evidence as JSON, private data in its texts masked; JSON hides none from the search for likely texts."""
    known = as_column(pa.array([orjson.dumps(dict(finding.evidence)) for finding in found], pa.large_binary()))
    likely = np.flatnonzero(matches(known, LIKELY)).tolist()
    masked = [orjson.dumps(masked_value(dict(found[at].evidence))).decode() for at in likely]
    return replace_rows(known, likely, masked)


def _column(values: Any, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    return values.cast(kind) if isinstance(values, pa.ChunkedArray) else pa.array(values, kind)


def _related(finding: Finding) -> int:
    """A row to look the related place up in; the row itself where there is none."""
    return finding.row if finding.related is None else finding.related


def _places(curation: Curation, rows: list[int]) -> list[dict[str, Any]]:
    part = curation.examples.table.select(PLACE).take(pa.array(rows, pa.int64()))
    columns = [part["file"].cast(pa.string()).to_pylist(), part["line"].to_pylist(), part["id"].to_pylist()]
    return [dict(zip(PLACE, values, strict=True)) for values in zip(*columns, strict=True)]


def _texts(curation: Curation, rows: Array) -> pa.Table:
    """The places and texts of rows (ascending), private data masked."""
    part = take_table(curation.examples.table.select([*PLACE, "input", "target"]), rows)
    for name in ("input", "target"):
        known = {finding.row: finding.private[name] for finding in curation.findings if name in finding.private}
        at = np.searchsorted(rows, list(known)).tolist()
        masked = mask_column(part[name], dict(zip(at, known.values(), strict=True)))
        part = part.set_column(part.column_names.index(name), name, masked.cast(pa.string()))
    return part.set_column(0, "file", part["file"].cast(pa.string()))
