"""A curation to files and back: the kept rows as they came, every other row with its reason, and all findings.

`rejected.jsonl` holds rows untouched, to be put back if need be; `findings.parquet`, which reports show, masks private
data.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pyarrow as pa

from ..core.collector import collector_at_rest
from ..core.errors import IntegrityError
from ..core.formats import write_examples
from ..core.records import FINDING_COLUMNS, Curation, Ledger
from ..core.store import atomic_path, read_json, require_result, write_json
from .findings_table import finding_tables, findings_table
from .rejected import rejected_lines

REPEATED = ["file", "rule", "severity", "action", "reason", "target", "related_file", "related_target"]
"""Columns of findings.parquet whose values repeat themselves."""


@collector_at_rest()
def write_curation(curation: Curation, out: Path) -> Ledger:
    """Write train.<format>, rejected.jsonl, findings.parquet and summary.json into the folder `out`.

    Returns:
        the ledger, as `read_ledger` would read it.
    """
    out = Path(out)
    examples = curation.redacted or curation.examples
    with ThreadPoolExecutor(2) as beside:
        kept = beside.submit(write_examples, examples, out / f"train.{examples.format}", rows=curation.kept)
        rejected = beside.submit(_write_lines, rejected_lines(curation), out / "rejected.jsonl")
        findings = _write_findings(finding_tables(curation), out / "findings.parquet")
        contaminated = (orjson.dumps(item, option=orjson.OPT_APPEND_NEWLINE) for item in curation.benchmark_findings)
        _write_lines(contaminated, out / "contaminated.jsonl")
        for written in (kept, rejected):
            written.result()
    write_json(out / "summary.json", dict(curation.summary))
    return Ledger(summary=curation.summary, findings=findings, contaminated=curation.benchmark_findings)


def _write_lines(lines: Iterable[bytes | memoryview], path: Path) -> None:
    with atomic_path(path) as fresh, fresh.open("wb") as stream:
        stream.writelines(lines)


def _write_findings(parts: Iterable[pa.Table], path: Path) -> pa.Table:
    """Write a table in parts, each while the next is made; the whole table."""
    import pyarrow.parquet as pq

    schema = pa.schema(FINDING_COLUMNS.items())
    with (
        atomic_path(path) as fresh,
        pq.ParquetWriter(fresh, schema, use_dictionary=REPEATED) as writer,
        ThreadPoolExecutor(1) as beside,
    ):
        made = [(part, beside.submit(writer.write_table, part)) for part in parts]
        for _, written in made:
            written.result()
    return pa.concat_tables([part for part, _ in made])


def ledger_of(curation: Curation) -> Ledger:
    """A curation as it would stand on disk."""
    return Ledger(summary=curation.summary, findings=findings_table(curation), contaminated=curation.benchmark_findings)


def read_ledger(out: Path) -> Ledger:
    """A curation as it stands on disk.

    Raises:
        InputError: there is no curation.
        IntegrityError: a file of it is absent or damaged.
    """
    import pyarrow.parquet as pq

    out = Path(out)
    require_result(out, "summary.json", "give the folder of a curation, such as NAME.curated, or of a run")
    summary = read_json(out / "summary.json")
    try:
        findings = pq.read_table(out / "findings.parquet")
        contaminated = [orjson.loads(line) for line in (out / "contaminated.jsonl").read_bytes().splitlines()]
    except (OSError, pa.ArrowInvalid, orjson.JSONDecodeError) as error:
        raise IntegrityError(f"{out}: not a whole curation ({error}); curate again") from error
    return Ledger(summary=summary, findings=findings, contaminated=tuple(contaminated))
