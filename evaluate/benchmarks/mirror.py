"""Benchmarks' data to a folder that serves them without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...core.console import note
from ...core.store import atomic_path, read_json, write_json
from ..config import Benchmark
from .lmeval import open_task
from .local_data import mirror_index
from .locate import Leaf, find_leaves

SPLIT_KEYS = ("training_split", "validation_split", "test_split", "fewshot_split")
"""Keys of a definition that name a split."""


def make_mirror(tasks: Sequence[str], out: Path, *, source: Path | None = None) -> dict[str, Any]:
    """Write every split that the tasks' definitions use to `out`, with the index.json that `evaluate.mirror` reads.

    Names are lm-eval tasks, groups or tags. A mirror that is already there grows; the same task is replaced. The data
    comes from the hub, or from another mirror `source`.

    Returns:
        The whole index: task name to its entry.

    Raises:
        DataError: a task is unknown or its data cannot be loaded.
    """
    known = mirror_index(source) if source else {}
    index: dict[str, Any] = dict(read_json(out / "index.json")) if (out / "index.json").is_file() else {}
    for name in tasks:
        for _, leaves in find_leaves(name):
            for leaf in leaves:
                note(f"mirroring {leaf.name}")
                index[leaf.name] = _save(leaf, out, source, known)
                write_json(out / "index.json", index)
    return index


def _save(leaf: Leaf, out: Path, source: Path | None, known: Mapping[str, Any]) -> dict[str, Any]:
    solved = Benchmark(task=leaf.name, num_fewshot=1)  # so that the split of solved examples is loaded too
    task = open_task(leaf, solved, mirror=source, index=known)
    named = {key: task.get_config(key) for key in SPLIT_KEYS}
    named["fewshot_split"] = named["fewshot_split"] or task.fewshot_cfg.split
    files = {}
    for split in sorted({split for split in named.values() if split is not None and split in task.dataset}):
        place = f"{leaf.name}/{split}.parquet"
        with atomic_path(out / place) as fresh:
            task.dataset[split].to_parquet(str(fresh))
        files[split] = place
    absent = [key for key, split in named.items() if split is not None and split not in task.dataset]
    earlier = list(known.get(leaf.name, {}).get("null_splits", ()))
    return {"data_files": files, "null_splits": sorted({*absent, *earlier})}
