"""The accepted reference as a small reviewed file, tunegate.lock.json: per task the score of every item, packed.

A reviewer reads names, scores and who accepted why; the items' values are base64 of deflated floats, in the order of
the items' identities, whose hash stands beside them.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ...core.errors import IntegrityError
from ...core.records import SCHEMA_VERSION
from ...core.results import Scores, TaskInfo
from ...core.store import fingerprint, read_json, write_json
from ..pairing import IDENTITY, task_rows

LOCK_NAME = "tunegate.lock.json"


def pack_scores(scores: Scores) -> dict[str, Any]:
    """The compared metric of every task, JSON-ready; a thousand 0/1 items take some 300 bytes."""
    tasks = []
    for info in scores.tasks:
        rows = task_rows(scores.rows, info)
        values, weights = _numbers(rows, "value"), _numbers(rows, "weight")
        packed = {"score": round(float(values.sum() / weights.sum()), 6), "n": rows.num_rows}
        packed |= {"items": items_hash(rows), "values": _pack(values)}
        tasks.append({"info": asdict(info), **packed} | ({"weights": _pack(weights)} if (weights != 1).any() else {}))
    return {"model": scores.model, "model_hash": scores.model_hash, "tasks": tasks}


def unpack_scores(packed: Mapping[str, Any], like: Scores, *, path: Path) -> Scores:
    """Packed scores as Scores on the items of another measurement, which must be the same items.

    Raises:
        IntegrityError: the reference was measured on other items, prompts or tasks.
    """
    infos = tuple(TaskInfo(**task["info"]) for task in packed["tasks"])
    measured = {info.name: info for info in like.tasks}
    absent = sorted({info.name for info in infos} ^ set(measured))
    if absent:
        raise IntegrityError(
            f"{path}: task {absent[0]!r} is not in both the reference and the scores; accept a new run"
        )
    tables = [
        _on_items_of(task, task_rows(like.rows, measured[task["info"]["name"]]), path) for task in packed["tasks"]
    ]
    return Scores(
        rows=pa.concat_tables(tables), tasks=infos, model=packed["model"], model_hash=packed["model_hash"], settings={}
    )


def read_lock(path: Path) -> dict[str, Any]:
    """Read the lock file.

    Raises:
        IntegrityError: absent, truncated, foreign or of another version.
    """
    lock = read_json(path)
    if not isinstance(lock, dict) or not {"accepted", "original"} <= lock.keys():
        raise IntegrityError(f"{path}: not a reference that tunegate accepted")
    if lock.get("schema_version") != SCHEMA_VERSION:
        raise IntegrityError(f"{path}: schema_version is {lock.get('schema_version')!r}, not {SCHEMA_VERSION}")
    return lock


def write_lock(path: Path, lock: Mapping[str, Any]) -> None:
    """Write the lock file, whole or not at all."""
    write_json(path, {"schema_version": SCHEMA_VERSION, **lock})


def items_hash(rows: pa.Table) -> str:
    """Fingerprint of the items and the prompts that were read, in order."""
    return fingerprint([rows[name].to_pylist() for name in (*IDENTITY, "prompt_hash")])


def _on_items_of(task: Mapping[str, Any], rows: pa.Table, path: Path) -> pa.Table:
    name = task["info"]["name"]
    if items_hash(rows) != task["items"]:
        there = f"{task['n']:,} items in the reference, {rows.num_rows:,} now"
        raise IntegrityError(
            f"{path}: task {name!r} was measured on other items or prompts ({there}); accept a new run"
        )
    for column, packed in (("value", task["values"]), ("weight", task.get("weights"))):
        if packed is not None:
            rows = rows.set_column(rows.column_names.index(column), column, pa.array(_unpack(packed)))
    blank = pa.array([""] * rows.num_rows, type=pa.string())
    return rows.set_column(rows.column_names.index("prediction"), "prediction", blank)


def _numbers(rows: pa.Table, column: str) -> Any:
    return rows[column].to_numpy(zero_copy_only=False).astype(np.float64)


def _pack(values: Any) -> str:
    small = values.astype(np.uint8)
    raw = b"b" + np.packbits(small).tobytes() if ((values == 0) | (values == 1)).all() else b"f" + values.tobytes()
    return f"{len(values)}:{base64.b64encode(zlib.compress(raw, 9)).decode()}"


def _unpack(text: str) -> Any:
    count, _, body = text.partition(":")
    try:
        raw = zlib.decompress(base64.b64decode(body, validate=True))
        kind, data = raw[:1], raw[1:]
        if kind == b"b":
            return np.unpackbits(np.frombuffer(data, np.uint8), count=int(count)).astype(np.float64)
        return np.frombuffer(data, np.float64, count=int(count))
    except (ValueError, zlib.error) as error:
        raise IntegrityError(f"the packed values of a reference are damaged ({error}); accept a run again") from error
