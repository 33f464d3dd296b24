"""The record of a tuned model to tuned.json and back; light, so that reports can read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..core.records import SCHEMA_VERSION, Tuned
from ..core.store import read_json


def read_tuned(path: Path) -> Tuned:
    """The record of a tuned model.

    Raises:
        IntegrityError: the folder holds none, or it is damaged.
    """
    record = read_json(path / "tuned.json")
    return Tuned(
        path=path,
        base=record["base"],
        method=record["method"],
        is_adapter=record["is_adapter"],
        steps=record["steps"],
        losses=tuple((int(step), float(loss)) for step, loss in record["losses"]),
        data_fingerprint=record["data_fingerprint"],
        seed=record["seed"],
        notes=record["notes"],
    )


def tuned_to_json(tuned: Tuned) -> dict[str, Any]:
    """The content of tuned.json; the path is where it lies."""
    return {
        "schema_version": SCHEMA_VERSION,
        "base": tuned.base,
        "method": tuned.method,
        "is_adapter": tuned.is_adapter,
        "steps": tuned.steps,
        "losses": [list(point) for point in tuned.losses],
        "data_fingerprint": tuned.data_fingerprint,
        "seed": tuned.seed,
        "notes": dict(tuned.notes),
    }
