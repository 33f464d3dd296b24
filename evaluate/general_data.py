"""The config's general datasets to those that are measured: shipped suites spelled out, the task's own data left out.

A suite names each dataset by the file that a folder holds, such as `clinc150/train`; its suffix is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from ..core.errors import DataError
from ..core.formats import load_examples
from ..core.records import Examples
from ..core.suffixes import COMPRESSED, SUFFIXES
from .config import Retention

RETENTION_SUITES = ("general", "intents")
SAME_ROWS = 0.5
"""Share of the held-out rows in a dataset from which on it is the task's own: other data shares a few by chance."""
SAME_LABELS = 0.9
"""Jaccard similarity of label sets from which on two datasets ask the same; a split may lack a rare label."""


def general_datasets(entries: Sequence[Retention]) -> list[Retention]:
    """Every dataset by itself, in order; one that the user names replaces the suites' of that name.

    Raises:
        DataError: a suite's files are not in the folder: all of them, with what to do.
    """
    own = [entry for entry in entries if entry.suite == "none"]
    shipped = {found.name: found for entry in entries if entry.suite != "none" for found in _spelled_out(entry)}
    named = {entry.name for entry in own}
    return [*(found for name, found in shipped.items() if name not in named), *own]


def retained_datasets(entries: Sequence[Retention], task: Examples | None) -> tuple[list[Retention], list[str]]:
    """The datasets to measure, and warnings: a model that is tuned on a dataset cannot show with it what it retained.

    The task's own data is left out of a suite; where the user names it, it is measured all the same.
    """
    kept, warnings = [], []
    from_user = {entry.name for entry in entries if entry.suite == "none"}
    for entry in general_datasets(entries):
        reason = _why_own(entry, task) if task is not None and task.kind == "label" else ""
        if reason and entry.name in from_user:
            warnings.append(f"evaluate.retention: {entry.name!r} {reason}: it says nothing about other abilities")
        elif reason:
            warnings.append(f"evaluate.retention: {entry.name!r} {reason}: left out")
        if not reason or entry.name in from_user:
            kept.append(entry)
    return kept, warnings


def describe_retention_suite(name: str) -> tuple[str, list[Retention]]:
    """A suite's purpose, and its datasets with files as they are called in the folder."""
    content = _content(name)
    return str(content["description"]), [Retention.model_validate(entry) for entry in content["datasets"]]


def _spelled_out(entry: Retention) -> list[Retention]:
    folder = Path(entry.data).expanduser()
    _, datasets = describe_retention_suite(entry.suite)
    wanted = [name for dataset in datasets for name in (dataset.data, dataset.test) if name is not None]
    places = {name: _file_of(folder, name) for name in wanted}
    if absent := [name for name, place in places.items() if place is None]:
        where = folder if folder.is_dir() else f"{folder}, which is no folder"
        raise DataError(
            f"evaluate.retention: suite {entry.suite!r} does not find {', '.join(absent)} in {where}; put each there "
            "as .jsonl, .csv or .parquet (also .gz) with columns such as text and label, or list only what you have: "
            "{name: NAME, data: FILE}"
        )
    return [
        dataset.model_copy(
            update={
                "data": places[dataset.data],
                "test": places[dataset.test] if dataset.test else None,
                "limit": entry.limit or dataset.limit,
            }
        )
        for dataset in datasets
    ]


def _file_of(folder: Path, name: str) -> str | None:
    """The file of that name, with whichever suffix of a known format."""
    candidates = (folder / f"{name}{suffix}{packed}" for suffix in SUFFIXES for packed in ("", *COMPRESSED))
    return next((str(path) for path in candidates if path.is_file()), None)


def _why_own(entry: Retention, task: Examples) -> str:
    """Why a dataset is the task's own, as the end of a sentence; empty if it is another."""
    if entry.measure == "similarity":
        return ""
    parts = [
        load_examples(data, kind="label", columns=dict(entry.columns) or None)
        for data in (entry.data, entry.test)
        if data is not None
    ]
    held = set(task.ids)
    if len(held & {content for part in parts for content in part.ids}) >= SAME_ROWS * len(held):
        return "holds the rows of the task"
    theirs, ours = {label for part in parts for label in part.targets}, set(task.targets)
    in_words = not all(label.strip().isdigit() for label in ours)
    return "has the labels of the task" if in_words and len(theirs & ours) >= SAME_LABELS * len(theirs | ours) else ""


@cache
def _content(name: str) -> dict[str, Any]:
    text = (files(__package__) / "retention_suites" / f"{name}.yaml").read_text(encoding="utf-8")
    content: dict[str, Any] = yaml.safe_load(text)
    return content
