"""Comparison and Verdict to versioned JSON files and back; verdict.json has a published JSON schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..core.errors import IntegrityError
from ..core.records import SCHEMA_VERSION
from ..core.results import Check, Comparison, Flip, TaskComparison, TaskInfo, Verdict
from ..core.store import read_json, write_json


def write_verdict(verdict: Verdict, path: Path) -> None:
    """Write verdict.json; its layout is `verdict_schema()`."""
    write_json(path, verdict_to_json(verdict))


def read_verdict(path: Path) -> Verdict:
    """Read verdict.json.

    Raises:
        IntegrityError: absent, truncated, foreign, of another version, or in contradiction with itself.
    """
    data = _read(path, "verdict")
    with_code = data.pop("exit_code", None)
    checks = tuple(_build(Check, check, path) for check in data.pop("checks", ()))
    verdict: Verdict = _build(Verdict, {**data, "checks": checks, "warnings": tuple(data.get("warnings", ()))}, path)
    if with_code != verdict.exit_code:
        raise IntegrityError(f"{path}: exit_code {with_code!r} contradicts outcome {verdict.outcome!r}; judge again")
    return verdict


def verdict_to_json(verdict: Verdict) -> dict[str, Any]:
    """The verdict as it stands in verdict.json."""
    return {"schema_version": SCHEMA_VERSION, **asdict(verdict), "exit_code": verdict.exit_code}


def verdict_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of verdict.json."""
    schema: dict[str, Any] = json.loads((files(__package__) / "schemas" / "verdict.schema.json").read_text("utf-8"))
    return schema


def write_comparison(comparison: Comparison, path: Path) -> None:
    """Write comparison.json: everything that `judge` needs, so that a policy can be tried again in no time."""
    write_json(path, {"schema_version": SCHEMA_VERSION, **asdict(comparison)})


def read_comparison(path: Path) -> Comparison:
    """Read comparison.json.

    Raises:
        IntegrityError: absent, truncated, foreign or of another version.
    """
    data = _read(path, "comparison")
    if "tasks" not in data:
        raise IntegrityError(f"{path}: not a comparison of tunegate (no tasks)")
    tasks = tuple(_task(task, path) for task in data.pop("tasks"))
    flips = tuple(_build(Flip, flip, path) for flip in data.pop("flips", ()))
    rest = {**data, "warnings": tuple(data.get("warnings", ()))}
    comparison: Comparison = _build(Comparison, {**rest, "tasks": tasks, "flips": flips}, path)
    return comparison


def _task(data: Mapping[str, Any], path: Path) -> TaskComparison:
    info = _build(TaskInfo, data.get("info", {}), path)
    lists = {name: tuple(data.get(name, ())) for name in ("differences", "clusters", "weights", "subjects")}
    task: TaskComparison = _build(TaskComparison, {**data, **lists, "info": info}, path)
    return task


def _read(path: Path, what: str) -> dict[str, Any]:
    data = read_json(path)
    if not isinstance(data, dict) or "schema_version" not in data:
        raise IntegrityError(f"{path}: not a {what} of tunegate")
    version = data.pop("schema_version")
    if version != SCHEMA_VERSION:
        raise IntegrityError(f"{path}: schema_version is {version!r}, not {SCHEMA_VERSION}; judge again")
    return data


def _build(noun: Any, data: Mapping[str, Any], path: Path) -> Any:
    known = {field.name for field in fields(noun)}
    unknown = sorted(set(data) - known)
    if unknown:
        raise IntegrityError(f"{path}: unknown field {unknown[0]!r} in a {noun.__name__}")
    try:
        return noun(**data)
    except TypeError as error:
        raise IntegrityError(f"{path}: a {noun.__name__} is incomplete ({error})") from error
