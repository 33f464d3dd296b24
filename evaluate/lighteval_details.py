"""A folder that `lighteval … --save-details` wrote to Scores, so that runs which tunegate did not make can be gated.

Layout of lighteval 0.13: `results/MODEL/results_DATE.json` and, per task,
`details/MODEL/DATE/details_TASK|SHOTS_DATE.parquet` with the columns doc, model_response and metric, one row an item.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..core.errors import InputError, IntegrityError
from ..core.results import Scores, TaskInfo
from ..core.store import fingerprint
from .benchmarks.items import ItemResult
from .benchmarks.rows import chance_level, result_rows
from .score_files import score_table

PREFERRED = ("acc:logprob_normalization", "acc", "em", "extractive_match")
"""Beginnings of metric names in the order in which one is chosen: lighteval's acc_norm, accuracy, exact matches."""
SETTINGS = ("dtype", "batch_size", "max_length", "system_prompt", "override_chat_template", "generation_parameters")
"""Keys of lighteval's model config that base and tuned should share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """One benchmark's tasks."""

    name: str
    items: tuple[tuple[str, ItemResult], ...]
    """Subject and result of each item."""
    config: Mapping[str, Any]
    """What lighteval says of its first task."""


def lighteval_results(folder: Path) -> Path | None:
    """The newest results file of lighteval in or below a folder; None where there is none."""
    found = [file for file in folder.glob("**/results_*.json") if (_details_folder(folder, file)) is not None]
    return max(found, key=lambda file: file.name, default=None)


def read_details(folder: Path, *, task: str | None = None, metrics: Mapping[str, str] | None = None) -> Scores:
    """Read the newest run in a folder of lighteval's output.

    Tasks of one suite for which lighteval reports an average (`mmlu:_average`) are one benchmark with subjects.

    Args:
        folder: What was given to `--output-dir`.
        task: The task that is the user's own, without its shots; none: all are benchmarks.
        metrics: Metric by benchmark; else the normalized accuracy, accuracy, exact match, or the first.

    Raises:
        InputError: no details there, or an unknown metric or task.
        IntegrityError: a file is truncated or not lighteval's.
    """
    file = lighteval_results(folder)
    if file is None:
        raise InputError(f"{folder}: no results and details of lighteval; run it with --save-details")
    about = _load_results(file)
    stamp = file.stem.removeprefix("results_")
    found = _benchmarks(
        about, sorted((_details_folder(folder, file) or folder).glob(f"details_*_{stamp}.parquet")), stamp
    )
    names = {one.name for one in found}
    unknown = sorted({*([task] if task else []), *(metrics or {})} - names)
    if unknown:
        raise InputError(f"{folder}: no task {unknown[0]!r} in these details; there are {', '.join(sorted(names))}")
    infos = [_info(one, one.name == task, (metrics or {}).get(one.name)) for one in found]
    tables = [
        score_table([{**row, "contaminated": False} for row in result_rows(info, one.items)])
        for info, one in zip(infos, found, strict=True)
    ]
    general = about["config_general"]
    config = general.get("model_config") or {}
    return Scores(
        rows=pa.concat_tables(tables),
        tasks=tuple(infos),
        model=str(general.get("model_name") or folder),
        model_hash="",
        settings={name: config.get(name) for name in SETTINGS} | {"max_samples": general.get("max_samples")},
    )


def _details_folder(folder: Path, results: Path) -> Path | None:
    """Where the details of one results file are: a folder of its date, below the folder that was named."""
    stamp = results.stem.removeprefix("results_")
    return next((found for found in sorted(folder.glob(f"**/{stamp}")) if any(found.glob("details_*.parquet"))), None)


def _load_results(file: Path) -> dict[str, Any]:
    try:
        about = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise IntegrityError(f"{file}: not a whole JSON file ({error})") from error
    if not isinstance(about, dict) or not {"config_general", "results", "config_tasks"} <= about.keys():
        raise IntegrityError(
            f"{file}: not a results file of lighteval (no 'config_general', 'results', 'config_tasks')"
        )
    return about


def _benchmarks(about: Mapping[str, Any], files: Sequence[Path], stamp: str) -> list[Details]:
    items: dict[str, list[tuple[str, ItemResult]]] = {}
    configs: dict[str, Mapping[str, Any]] = {}
    seen = {file.stem.removeprefix("details_").removesuffix(f"_{stamp}") for file in files}
    absent = sorted(set(about["config_tasks"]) - seen)
    if absent:
        raise IntegrityError(
            f"{files[0].parent}: no details of {absent[0]!r}, which lighteval measured; copy all files"
        )
    for file in files:
        full = file.stem.removeprefix("details_").removesuffix(f"_{stamp}")
        name, _, shots = full.partition("|")
        suite, _, subject = name.partition(":")
        averaged = subject and f"{suite}:_average|{shots}" in about["results"]
        home = suite if averaged else name
        items.setdefault(home, []).extend((subject if averaged else "", item) for item in _load_items(file))
        configs.setdefault(home, about["config_tasks"].get(full) or {})
    return [Details(name=name, items=tuple(found), config=configs[name]) for name, found in items.items()]


def _load_items(file: Path) -> list[ItemResult]:
    try:
        rows = pq.read_table(file).to_pylist()
    except (pa.ArrowInvalid, OSError) as error:
        raise IntegrityError(f"{file}: not a whole Parquet file ({error})") from error
    if not rows:
        raise IntegrityError(f"{file}: no item in it; run lighteval again")
    try:
        return [_item(row["doc"], row["model_response"], row["metric"]) for row in rows]
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise IntegrityError(f"{file}: not details of lighteval ({type(error).__name__}: {error})") from error


def _item(doc: Mapping[str, Any], response: Mapping[str, Any], metric: Mapping[str, Any]) -> ItemResult:
    choices = tuple(doc["choices"] or ())
    gold = doc["gold_index"]
    right = tuple(gold if isinstance(gold, list) else [gold])
    target = " / ".join(choices[position] for position in right if position < len(choices))
    asked = {name: doc[name] for name in ("query", "choices", "instruction")}
    scored = "LOGPROBS" in (doc.get("sampling_methods") or ()) and len(choices) > 1
    written = next(iter(response["text_post_processed"] or response["text"] or ()), "")
    prompt = response["input"] or response["input_tokens"]
    return ItemResult(
        doc_hash=fingerprint(asked),
        prompt_hash=fingerprint([prompt, doc.get("generation_size"), doc.get("stop_sequences")]),
        target_hash=fingerprint(target),
        filter="none",
        metrics={name: value for name, value in metric.items() if isinstance(value, int | float)},
        doc=asked,
        question=doc["query"],
        choices=choices if scored else (),
        gold=right if scored else (),
        target=target,
        logprobs=tuple(response["logprobs"] or ())[: len(choices)] if scored else (),
        response=written,
        raw=next(iter(response["text"] or ()), ""),
    )


def _info(one: Details, own: bool, metric: str | None) -> TaskInfo:
    items = [item for _, item in one.items]
    known = [name for name in items[0].metrics if all(name in item.metrics for item in items)]
    wanted = (
        name for beginning in PREFERRED for name in known if name == beginning or name.startswith(f"{beginning}=")
    )
    chosen = metric or next(wanted, known[0] if known else "")
    if chosen not in known:
        there = ", ".join(known) or "none"
        raise InputError(f"{one.name}: no metric {chosen!r} with a number for every item; there are {there}")
    stated = {about["metric_name"]: about for about in one.config.get("metrics", ())}
    return TaskInfo(
        name=one.name,
        role="task" if own else "benchmark",
        metric=chosen,
        scale="binary" if all(item.metrics[chosen] in (0, 1) for item in items) else "continuous",
        higher_is_better=bool(stated.get(chosen, {}).get("higher_is_better", True)),
        chance=chance_level(chosen, items),
        version=str(one.config.get("version", "")),
    )
