"""Data files, or a `datasets` folder, to the splits that a benchmark's definition asks for."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

from ...core.errors import DataError
from ...core.store import hash_files, read_json
from .locate import official_file, read_definition

READERS = ("json", "csv", "parquet", "arrow")
"""Values of `dataset_path` that stand for local files."""
NO_ROWS = "corresponds to no data"
"""What `datasets` says of a file without rows."""


def mirror_index(mirror: Path) -> Mapping[str, Any]:
    """Task name to its entry in a mirror's index.json.

    An entry has `data_files` (split to file, relative to the mirror) or `folder` (saved by `datasets`), and
    `null_splits` (the definition's splits that the mirror leaves out).

    Raises:
        DataError: there is no such folder or index.
    """
    path = mirror / "index.json"
    if not path.is_file():
        raise DataError(f"{path}: no such file; evaluate.mirror is a folder made by `tunegate mirror`")
    index: Mapping[str, Any] = read_json(path)
    return index


def mirror_entry(index: Mapping[str, Any], name: str, definition: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What a mirror serves a task by: the task's own entry, else that of an official task with the same dataset.

    So `gsm8k` serves `gsm8k_cot`, and a definition of the user's own that reads its dataset.
    """
    if name in index or not index:
        return index.get(name)
    wanted = _dataset(definition)
    known = _datasets(tuple(index)) if wanted else {}
    return index[known[wanted]] if wanted in known else None


@lru_cache(maxsize=1)
def _datasets(names: tuple[str, ...]) -> dict[Any, str]:
    """Dataset to the first of some official tasks that reads it."""
    found: dict[Any, str] = {}
    for name in names:
        if (path := official_file(name)) and (dataset := _dataset(read_definition(path))):
            found.setdefault(dataset, name)
    return found


def _dataset(definition: Mapping[str, Any]) -> tuple[str, str | None] | None:
    """Name and configuration of a dataset of the hub."""
    path = definition.get("dataset_path")
    return None if path is None or path in READERS else (path, definition.get("dataset_name"))


def mirrored(entry: Mapping[str, Any], mirror: Path) -> dict[str, Any]:
    """A mirror's entry as overrides of an lm-eval definition; everything but the data's place stays official."""
    if "folder" in entry:
        loader = folder_loader(mirror / entry["folder"])
    else:
        loader = file_loader({split: [mirror / file] for split, file in entry["data_files"].items()})
    return {**dict.fromkeys(entry.get("null_splits", ())), **served_by(loader)}


def served_by(loader: Callable[..., Any]) -> dict[str, Any]:
    """Overrides that make an lm-eval definition take its splits from a function."""
    return {"custom_dataset": loader, "dataset_path": "local files", "dataset_name": None, "dataset_kwargs": None}


def local_files(definition: Mapping[str, Any], folder: Path) -> dict[str, list[Path]] | None:
    """Split to files of a definition that reads local files, looked for beside the definition, then here; else None.

    Raises:
        DataError: a file is named but not there.
    """
    files = (definition.get("dataset_kwargs") or {}).get("data_files")
    if definition.get("dataset_path") not in READERS or not files:
        return None
    by_split = files if isinstance(files, dict) else {"train": files}
    return {
        split: [_find(name, folder) for name in ([names] if isinstance(names, str) else names)]
        for split, names in by_split.items()
    }


def _find(name: str, folder: Path) -> Path:
    for candidate in (folder / name, Path(name)):
        if candidate.is_file():
            return candidate
    raise DataError(f"{name}: no such data file, neither in {folder} nor here")


def file_loader(files: Mapping[str, Sequence[Path]]) -> Callable[..., Any]:
    """A function that reads split to files into split to `datasets.Dataset`, in memory: no cache can go stale."""

    def load(**_: Any) -> dict[str, Any]:
        return {split: _read(split, paths) for split, paths in files.items()}

    return load


def folder_loader(folder: Path) -> Callable[..., Any]:
    """A function that opens a folder saved by `datasets`."""

    def load(**_: Any) -> Any:
        from datasets import load_from_disk

        return load_from_disk(str(folder))

    return load


def data_hash(files: Mapping[str, Sequence[Path]]) -> str:
    """Hash of the bytes of all files of a definition."""
    return hash_files([path for split in sorted(files) for path in files[split]])


def _read(split: str, paths: Sequence[Path]) -> Any:
    from datasets import concatenate_datasets

    parts = [_read_file(path) for path in paths]
    if not any(len(part) for part in parts):
        named = " and ".join(map(str, paths))
        raise DataError(f"split {split!r} holds no documents: {named} has no row; fill it, or name another file")
    return concatenate_datasets(parts) if len(parts) > 1 else parts[0]


def _read_file(path: Path) -> Any:
    from datasets import Dataset

    if not path.is_file():
        raise DataError(f"{path}: no such data file; the mirror's index.json names it")
    if path.suffix == ".arrow":
        return Dataset.from_file(str(path), in_memory=True)
    readers = {".parquet": Dataset.from_parquet, ".csv": Dataset.from_csv}
    if path.suffix not in readers:
        return _from_rows(path, _json_rows(path))
    try:
        return readers[path.suffix](str(path), keep_in_memory=True) if path.stat().st_size else Dataset.from_dict({})
    except Exception as error:  # each reader fails in ways of its own
        if NO_ROWS in str(error):
            return Dataset.from_dict({})
        cause = str(error.__cause__ or error).strip().splitlines()
        told = f" ({cause[0]})" if cause else ""
        raise DataError(f"{path}: cannot be read as {path.suffix[1:]}{told}; mend it or write it anew") from error


def _from_rows(path: Path, rows: list[dict[str, Any]]) -> Any:
    """Every key of any row is a column, in the order in which the keys first occur; a row without it has None."""
    import pyarrow as pa
    from datasets import Dataset

    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise DataError(f"{path}: row {number} is no JSON object; write every row as {{column: value}}")
    columns = {name: [row.get(name) for row in rows] for name in dict.fromkeys(chain.from_iterable(rows))}
    try:
        return Dataset.from_dict(columns)
    except (pa.ArrowException, OverflowError) as error:
        raise DataError(f"{path}: {_mixed(columns)} ({error}); write a column's values all alike") from error


def _mixed(columns: Mapping[str, list[Any]]) -> str:
    """The first column that Arrow cannot hold, in words."""
    name = next((name for name, values in columns.items() if not _is_of_one_kind(values)), None)
    return f"column {name!r} holds values of several kinds" if name else "a column holds values of several kinds"


def _is_of_one_kind(values: list[Any]) -> bool:
    import pyarrow as pa

    try:
        pa.array(values)
    except (pa.ArrowException, OverflowError):
        return False
    return True


def _json_rows(path: Path) -> list[dict[str, Any]]:
    raw = path.read_bytes()
    try:
        text = gzip.decompress(raw) if path.suffix == ".gz" else raw
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"{path}: a damaged archive ({error}); copy it again") from error
    if text.lstrip()[:1] == b"[":
        rows: list[dict[str, Any]] = _parsed(path, 1, text)
        return rows
    lines = enumerate(text.split(b"\n"), start=1)
    return [_parsed(path, number, line) for number, line in lines if line.strip()]


def _parsed(path: Path, first: int, text: bytes) -> Any:
    """JSON that begins in line `first` of a file."""
    import orjson

    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        place = f"{path}:{first + error.lineno - 1}"
        raise DataError(f"{place}: not JSON ({error.msg}, column {error.colno}); mend the line") from error
