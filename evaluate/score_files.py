"""Scores to a Parquet file and back: rows as columns, everything else as JSON in the schema's metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..core.errors import IntegrityError
from ..core.records import SCHEMA_VERSION
from ..core.results import SCORE_COLUMNS, Scores, TaskInfo
from ..core.store import atomic_path

METADATA_KEY = b"tunegate.scores"
SCHEMA = pa.schema(list(SCORE_COLUMNS.items()))


def score_table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows with the keys of SCORE_COLUMNS (but `occurrence`, which is counted here) to a table."""
    seen: dict[tuple[Any, ...], int] = {}
    counted = []
    for row in rows:
        key = (row["task"], row["metric"], row["filter"], row["doc_hash"], row["target_hash"])
        counted.append({**row, "occurrence": seen.get(key, 0)})
        seen[key] = seen.get(key, 0) + 1
    return pa.Table.from_pylist(counted, schema=SCHEMA)


def write_scores(scores: Scores, path: Path) -> None:
    """Write scores, whole or not at all."""
    about = {
        "schema_version": SCHEMA_VERSION,
        "model": scores.model,
        "model_hash": scores.model_hash,
        "settings": dict(scores.settings),
        "extras": dict(scores.extras),
        "tasks": [asdict(task) for task in scores.tasks],
        "rows": scores.rows.num_rows,
    }
    table = scores.rows.replace_schema_metadata({METADATA_KEY: json.dumps(about, allow_nan=False).encode()})
    with atomic_path(path) as fresh:
        pq.write_table(table, fresh, compression="zstd")


def read_scores(path: Path) -> Scores:
    """Read scores that `write_scores` wrote.

    Raises:
        IntegrityError: the file is absent, truncated, empty, of another program, or of another version.
    """
    try:
        table = pq.read_table(path)
    except FileNotFoundError as error:
        raise IntegrityError(f"{path}: no such file; run tunegate evaluate first") from error
    except (pa.ArrowInvalid, OSError) as error:
        raise IntegrityError(f"{path}: not a whole scores file ({error}); delete it and evaluate again") from error
    about = _about(table, path)
    return Scores(
        rows=table.select(list(SCORE_COLUMNS)).replace_schema_metadata(None),
        tasks=tuple(TaskInfo(**task) for task in about["tasks"]),
        model=about["model"],
        model_hash=about["model_hash"],
        settings=about["settings"],
        extras=about["extras"],
    )


def _about(table: pa.Table, path: Path) -> dict[str, Any]:
    metadata = (table.schema.metadata or {}).get(METADATA_KEY)
    if metadata is None:
        raise IntegrityError(f"{path}: a Parquet file, but not scores that tunegate wrote")
    about: dict[str, Any] = json.loads(metadata)
    if about["schema_version"] != SCHEMA_VERSION:
        found = about["schema_version"]
        raise IntegrityError(f"{path}: written with schema version {found}, this is {SCHEMA_VERSION}; evaluate again")
    types = {field.name: field.type for field in table.schema}
    if types != dict(SCORE_COLUMNS):
        raise IntegrityError(f"{path}: its columns are not those of scores; evaluate again")
    if table.num_rows == 0 or about["rows"] != table.num_rows:
        raise IntegrityError(f"{path}: {table.num_rows} rows where {about['rows']} were measured; evaluate again")
    return about
