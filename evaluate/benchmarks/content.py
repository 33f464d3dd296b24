"""Benchmarks to a fingerprint of what they read from this machine, so that a finished run notices what has changed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...core.store import fingerprint, hash_files
from ..config import EvaluateConfig
from .local_data import data_hash, local_files, mirror_entry, mirror_index
from .locate import Leaf, read_definition
from .scored import chosen_benchmarks, leaves_of


def local_content(config: EvaluateConfig) -> dict[str, str]:
    """Benchmark → fingerprint of its definition and data, for each whose data lie here.

    What a hub or the installed lm-eval holds does not change between two runs, and is not looked at.

    Raises:
        DataError: a definition, a data file, or the mirror's index is missing or cannot be read.
    """
    mirror = Path(config.mirror).expanduser() if config.mirror else None
    index = mirror_index(mirror) if mirror else {}
    found = {}
    for settings in chosen_benchmarks(config):
        if mirror or settings.definition or settings.task.endswith((".yaml", ".yml")):
            leaves = [leaf for _, members in leaves_of(settings) for leaf in members]
            found[settings.task] = fingerprint([_content(leaf, settings.definition, mirror, index) for leaf in leaves])
    return found


def _content(
    leaf: Leaf, definition: Mapping[str, Any] | None, mirror: Path | None, index: Mapping[str, Any]
) -> list[Any]:
    stated = {**(read_definition(leaf.path) if leaf.path else definition or {}), **leaf.overrides}
    if mirror is not None and (entry := mirror_entry(index, leaf.name, stated)) is not None:
        return [repr(stated), _mirrored(entry, mirror)]
    files = local_files(stated, leaf.path.parent if leaf.path else Path())
    return [repr(stated), data_hash(files) if files else ""]


def _mirrored(entry: Mapping[str, Any], mirror: Path) -> str:
    if "folder" in entry:
        return hash_files(sorted(path for path in (mirror / entry["folder"]).rglob("*") if path.is_file()))
    return data_hash({split: [mirror / file] for split, file in entry["data_files"].items()})
