"""Data files, or a `datasets` folder, to the splits that a benchmark's definition asks for."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...core.errors import DataError
from ...core.store import hash_files, read_json

READERS = ("json", "csv", "parquet", "arrow")
"""Values of `dataset_path` that stand for local files."""


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
        return {split: _read(list(paths)) for split, paths in files.items()}

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


def _read(paths: list[Path]) -> Any:
    from datasets import Dataset, concatenate_datasets

    parts = []
    for path in paths:
        if not path.is_file():
            raise DataError(f"{path}: no such data file; the mirror's index.json names it")
        if path.suffix == ".parquet":
            parts.append(Dataset.from_parquet(str(path), keep_in_memory=True))
        elif path.suffix == ".csv":
            parts.append(Dataset.from_csv(str(path), keep_in_memory=True))
        else:
            parts.append(Dataset.from_list(_json_rows(path)))
    return concatenate_datasets(parts) if len(parts) > 1 else parts[0]


def _json_rows(path: Path) -> list[dict[str, Any]]:
    import orjson

    raw = path.read_bytes()
    try:
        text = gzip.decompress(raw) if path.suffix == ".gz" else raw
        if text.lstrip()[:1] == b"[":
            rows: list[dict[str, Any]] = orjson.loads(text)
            return rows
        return [orjson.loads(line) for line in text.split(b"\n") if line.strip()]
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"{path}: a damaged archive ({error}); copy it again") from error
    except ValueError as error:
        raise DataError(f"{path}: not JSON lines ({error})") from error
