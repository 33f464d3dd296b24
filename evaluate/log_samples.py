"""A folder that `lm_eval --log_samples` wrote to Scores, so that runs which tunegate did not make can be gated."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from ..core.errors import InputError, IntegrityError
from ..core.results import Scores, TaskInfo
from .benchmarks.items import ItemResult
from .benchmarks.rows import BINARY, PREFERRED, chance_level, number, result_rows
from .log_rows import item_from_log
from .score_files import score_table

SETTINGS = ("model_dtype", "batch_size", "limit", "random_seed", "fewshot_seed", "gen_kwargs")
"""Keys of lm-eval's own config that base and tuned should share."""


def read_log_samples(folder: Path, *, task: str | None = None, metrics: Mapping[str, str] | None = None) -> Scores:
    """Read the newest run in a folder of lm-eval logs.

    A group with a score of its own (mmlu) is one benchmark, its tasks are subjects; every other task is a benchmark.

    Args:
        folder: What was given to `--output_path`, or the model's folder in it.
        task: The task that is the user's own; none: all are benchmarks.
        metrics: Metric by benchmark, `metric` or `metric,filter`; else acc_norm, acc, exact_match, bits_per_byte, or
            the first, under the task's first filter.

    Raises:
        InputError: no logs there, or several models', or an unknown metric or task.
        IntegrityError: a file is truncated, or holds fewer items than lm-eval counted.
    """
    results_file = _newest_results(folder)
    results = _load_json(results_file)
    stamp = results_file.stem.removeprefix("results_")
    homes = _homes(results)
    items: dict[str, list[tuple[str, ItemResult]]] = {}
    for leaf in results.get("configs", {}):
        file = results_file.parent / f"samples_{leaf}_{stamp}.jsonl"
        if file.exists():
            samples = _load_samples(file, results["n-samples"].get(leaf, {}).get("effective"))
            home = homes.get(leaf, leaf)
            items.setdefault(home, []).extend((leaf if home != leaf else "", sample) for sample in samples)
    if not items:
        raise InputError(f"{folder}: no samples_*.jsonl beside {results_file.name}; run lm_eval with --log_samples")
    _require_known(folder, items, [task] if task else [], metrics or {})
    infos = [_info(name, found, results, name == task, (metrics or {}).get(name)) for name, found in items.items()]
    tables = [score_table(result_rows(info, items[info.name])) for info in infos]
    return Scores(
        rows=_unseen(pa.concat_tables(tables)),
        tasks=tuple(infos),
        model=str(results.get("model_name") or folder),
        model_hash="",
        settings=_settings(results),
    )


def _newest_results(folder: Path) -> Path:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give what lm_eval got as --output_path")
    found = sorted(folder.glob("results_*.json")) or sorted(folder.glob("*/results_*.json"))
    if not found:
        raise InputError(f"{folder}: no results_*.json in it; run lm_eval with --log_samples --output_path {folder}")
    models = sorted({file.parent.name for file in found})
    if len(models) > 1:
        raise InputError(f"{folder}: logs of several models ({', '.join(models)}); give one model's folder")
    return max(found, key=lambda file: file.name)


def _load_json(path: Path) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise IntegrityError(f"{path}: not a whole JSON file ({error})") from error
    if not isinstance(loaded, dict) or "n-samples" not in loaded:
        raise IntegrityError(f"{path}: not a results file of lm-eval (no 'n-samples')")
    return loaded


def _load_samples(path: Path, expected: int | None) -> list[ItemResult]:
    items = [_sample(path, line, text) for line, text in enumerate(path.read_bytes().splitlines(), 1)]
    filters = {item.filter for item in items}
    if expected is not None and len(items) != expected * max(len(filters), 1):
        counted = f"{len(items):,} lines where lm-eval measured {expected:,} items under {len(filters)} filter(s)"
        raise IntegrityError(f"{path}: {counted}; the file is not whole")
    return items


def _sample(path: Path, line: int, text: bytes) -> ItemResult:
    try:
        return item_from_log(orjson.loads(text))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise IntegrityError(f"{path}:{line}: not a logged sample ({type(error).__name__}: {error})") from error


def _homes(results: Mapping[str, Any]) -> dict[str, str]:
    """Task to the topmost group around it that has a score of its own."""
    children = {group: members for group, members in results.get("group_subtasks", {}).items() if members}
    scored = [group for group in children if any("," in key for key in results.get("groups", {}).get(group, {}))]
    homes: dict[str, str] = {}
    for group in sorted(scored, key=lambda name: -len(_leaves(name, children))):
        for leaf in _leaves(group, children):
            homes.setdefault(leaf, group)
    return homes


def _leaves(name: str, children: Mapping[str, Sequence[str]]) -> list[str]:
    if name not in children:
        return [name]
    return [leaf for child in children[name] for leaf in _leaves(child, children)]


def _require_known(folder: Path, items: Mapping[str, Any], tasks: list[str], metrics: Mapping[str, str]) -> None:
    unknown = sorted({*tasks, *metrics} - set(items))
    if unknown:
        raise InputError(f"{folder}: no task {unknown[0]!r} in these logs; there are {', '.join(sorted(items))}")


def _info(
    name: str, items: list[tuple[str, ItemResult]], results: Mapping[str, Any], own: bool, metric: str | None
) -> TaskInfo:
    first = items[0][1].filter
    found: dict[str, list[float]] = {}
    for _, item in items:
        for key, value in item.metrics.items():
            pair = number(key, value)
            if pair:
                found.setdefault(key if item.filter == first else f"{key},{item.filter}", []).append(pair[0])
    known = [key for key, values in found.items() if all(map(math.isfinite, values))]
    chosen = metric or next((key for key in PREFERRED if key in known), known[0] if known else "")
    if chosen not in known:
        raise InputError(f"{name}: no metric {chosen!r} with a number for every item; there are {', '.join(known)}")
    plain = chosen.split(",")[0]
    leaves = sorted({leaf for leaf, _ in items} - {""}) or [name]
    higher = all(results.get("higher_is_better", {}).get(leaf, {}).get(plain, True) for leaf in leaves)
    binary = plain in BINARY or all(value in (0.0, 1.0) for value in found[chosen])
    scale: Any = "ratio" if plain == "bits_per_byte" else "binary" if binary else "continuous"
    return TaskInfo(
        name=name,
        role="task" if own else "benchmark",
        metric=chosen,
        scale=scale,
        higher_is_better=higher and plain != "bits_per_byte",
        chance=chance_level(plain, [item for _, item in items if item.filter == first]),
        version=",".join(sorted({str(results.get("versions", {}).get(leaf, "")) for leaf in leaves})),
    )


def _settings(results: Mapping[str, Any]) -> dict[str, Any]:
    config = results.get("config", {})
    settings = {name: config.get(name) for name in SETTINGS}
    return settings | {
        "lm_eval_version": results.get("lm_eval_version"),
        "chat_template_sha": results.get("chat_template_sha"),
    }


def _unseen(rows: pa.Table) -> pa.Table:
    """Logs do not know the training data: no item is marked as contaminated."""
    position = rows.column_names.index("contaminated")
    return rows.set_column(position, "contaminated", pa.array([False] * rows.num_rows))
