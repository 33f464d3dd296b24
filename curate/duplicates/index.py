"""An index on disk of texts seen before: append new ones, and find the near-duplicates of others among them.

    index.json            format, version, settings, segments with rows and checksums, own checksum
    segment-00000/        one per append; never changed afterwards
      keys.npy            (bands, n) uint64, each band sorted
      rows.npy            (bands, n) uint32, the row of each key
      shingles.npy        uint64, the shingle sets of all rows, for verification
      ends.npy            (n + 1,) int64, where each set ends
      ids.npy             (n,) the caller's ids

An append writes its segment under a temporary name, renames it, and then replaces `index.json`, so that a reader or a
kill sees the index before or after it. Arrays are memory-mapped: a search reads only what it needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...core.errors import DataError, IntegrityError
from ...core.store import atomic_path, fingerprint, hash_files, read_json, write_json
from ..config import DedupConfig
from .near_duplicates import Array
from .rows import Texts, as_rows

FORMAT = "tunegate near-duplicate index"
VERSION = 5
"""Raised when an older reader would misunderstand the files or the numbers in them."""
HEADER = "index.json"
FILES = ("ends.npy", "ids.npy", "keys.npy", "rows.npy", "shingles.npy")


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexMatches:
    """Near-duplicates of texts among indexed ones."""

    pairs: Array
    """(m, 2) int64: row of the texts, row of the index (in the order of appends); sorted."""
    jaccard: Array
    """(m,) float64: true Jaccard similarity."""
    ids: list[str]
    """(m,) the id of each indexed row."""


def create_index(path: Path, *, config: DedupConfig) -> None:
    """An empty index for the shingle, permutations, bands and threshold of `config`.

    Raises:
        DataError: something is there already.
    """
    if path.exists():
        raise DataError(f"{path}: exists already; choose another path, or delete it first")
    header = {"format": FORMAT, "version": VERSION, "settings": _settings(config), "segments": []}
    with atomic_path(path) as fresh:
        fresh.mkdir()
        _write_header(fresh, header)


def append_to_index(path: Path, texts: Texts, ids: Sequence[str], *, config: DedupConfig) -> int:
    """Add texts under ids; the number of rows that the index then has.

    Raises:
        DataError: no index is there, it has other settings, or texts and ids differ in number.
        IntegrityError: the index is damaged.
    """
    from .engine_plan import plan_engine
    from .sketches import shingle_sets, sketch_texts

    column = as_rows(texts)
    if len(column) != len(ids):
        raise DataError(f"{path}: {len(column)} texts but {len(ids)} ids; give one id per text")
    with _locked(path):
        header = _read_header(path, config)
        spec = plan_engine(config, len(column)).spec
        keys, _ = sketch_texts(column, spec)
        order = np.argsort(keys, axis=1, kind="stable")
        values, ends = shingle_sets(column, spec.code)
        arrays = {
            "keys": np.take_along_axis(keys, order, axis=1),
            "rows": order.astype(np.uint32),
            "shingles": values,
            "ends": ends,
            "ids": np.array([str(id_).encode() for id_ in ids], dtype=np.bytes_),
        }
        name = f"segment-{len(header['segments']):05d}"
        with atomic_path(path / name) as fresh:
            fresh.mkdir()
            for part, array in arrays.items():
                np.save(fresh / f"{part}.npy", array)
        segment = {"name": name, "rows": len(column), "checksum": _checksum(path / name)}
        _write_header(path, {**header, "segments": [*header["segments"], segment]})
    return len(column) + sum(int(part["rows"]) for part in header["segments"])


def search_index(path: Path, texts: Texts, *, config: DedupConfig) -> IndexMatches:
    """Indexed rows whose Jaccard similarity to one of the texts reaches `config.threshold`; all are verified.

    Of indexed rows that share a band with a text, the first 64 of each segment are compared.

    Raises:
        DataError: no index is there, or it has other settings.
        IntegrityError: the index is damaged.
    """
    from .engine_plan import plan_engine
    from .index_search import search_segment
    from .sketches import shingle_sets, sketch_texts

    header, column = _read_header(path, config), as_rows(texts)
    spec = plan_engine(config, len(column)).spec
    keys, _ = sketch_texts(column, spec)
    sets = shingle_sets(column, spec.code)
    pairs, jaccard, ids, first = [np.empty((0, 2), np.int64)], [np.empty(0)], [np.empty(0, np.bytes_)], 0
    for segment in header["segments"]:
        parts = {file: np.load(path / segment["name"] / file, mmap_mode="r") for file in FILES if segment["rows"]}
        if parts and len(column):
            indexed = (parts["keys.npy"], parts["rows.npy"], parts["shingles.npy"], parts["ends.npy"])
            found, similarity = search_segment(keys, sets, indexed, config.threshold)
            ids.append(parts["ids.npy"][found[:, 1]])
            pairs.append(found + np.array([0, first]))
            jaccard.append(similarity)
        first += segment["rows"]
    all_pairs = np.concatenate(pairs)
    order = np.lexsort((all_pairs[:, 1], all_pairs[:, 0]))
    names = [id_.decode() for part in ids for id_ in part.tolist()]
    return IndexMatches(
        pairs=all_pairs[order], jaccard=np.concatenate(jaccard)[order], ids=[names[at] for at in order.tolist()]
    )


def _settings(config: DedupConfig) -> dict[str, Any]:
    """What two searches must have in common to share an index."""
    from .engine_plan import plan_engine

    bands = plan_engine(config, 0).bands
    return {
        "shingle": config.shingle,
        "permutations": config.permutations,
        "bands": bands.count,
        "rows_per_band": bands.rows,
    }


def _write_header(folder: Path, header: Mapping[str, Any]) -> None:
    body = {key: value for key, value in header.items() if key != "checksum"}
    write_json(folder / HEADER, {**body, "checksum": fingerprint(body)})


def _read_header(path: Path, config: DedupConfig) -> dict[str, Any]:
    """The header of a whole index with the settings of `config`."""
    if not (path / HEADER).is_file():
        raise DataError(f"{path}: no near-duplicate index is here ({HEADER} is missing); create one first")
    header = read_json(path / HEADER)
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise DataError(f"{path / HEADER}: not a {FORMAT}; give the path of one")
    if header.get("version") != VERSION:
        known = f"version {header.get('version')}, this tunegate reads {VERSION}"
        raise DataError(f"{path}: the index has {known}; build it anew from its texts")
    body = {key: value for key, value in header.items() if key != "checksum"}
    if header.get("checksum") != fingerprint(body):
        raise IntegrityError(f"{path / HEADER}: its checksum does not fit; restore it or build the index anew")
    if header["settings"] != _settings(config):
        raise DataError(
            f"{path}: the index was built with {header['settings']}, the config asks for {_settings(config)}; "
            "use the same curate.dedup settings or build the index anew"
        )
    for segment in header["segments"]:
        folder = path / segment["name"]
        if any(not (folder / file).is_file() for file in FILES) or _checksum(folder) != segment["checksum"]:
            raise IntegrityError(f"{folder}: missing or changed files; restore them or build the index anew")
    return header


def _checksum(folder: Path) -> str:
    return hash_files([folder / file for file in FILES])


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One append at a time; the lock falls with the process."""
    if not path.is_dir():
        raise DataError(f"{path}: no near-duplicate index is here; create one first")
    with (path / "lock").open("w") as stream:
        try:
            import fcntl
        except ImportError:  # no such locks on this system
            yield
            return
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
