"""A folder of data files to the files that are read as one input: all of them, or those of one split."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from .console import note
from .errors import DataError

SPLITS: Mapping[str, str] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}
"""Whole name of a file or of a sub-folder → the split that it holds, as the `datasets` library takes them."""

SHARD = re.compile(r"-\d+-of-\d+(-[0-9a-f]+)?$")
"""End of a name such as `train-00000-of-00002`: one of several files of a split."""

NO_DATA_SUFFIXES = frozenset(
    {".md", ".rst", ".txt", ".log", ".pdf", ".html", ".py", ".ipynb", ".sh", ".yaml", ".yml", ".toml", ".lock"}
    | {".cff", ".bib", ".svg", ".png", ".jpg", ".jpeg", ".gif", ".md5", ".sha256", ".crc"}
)
NO_DATA_NAMES = frozenset(
    {"license", "licence", "notice", "readme", "authors", "changelog", "makefile", "dockerfile", "_success"}
    | {"dataset_info.json", "dataset_infos.json", "thumbs.db", "desktop.ini"}
)
"""Lower-case names of files about the data; whatever else lies in a folder is read, or an error."""

MANY = 10
"""Files that a message names."""


def data_files(folder: Path, given: str, split: str | None) -> list[Path]:
    """The data files of a folder and its sub-folders, sorted; what surely is no data is left unread, and told.

    Where files are named after different splits, or only some of them after one, the split must be named: rows of a
    test split never get into training rows unasked.

    Raises:
        DataError: no file is left, a sub-folder cannot be listed, or it is not clear which split is wanted.
    """
    unread: list[str] = []
    files = sorted(_walk(folder, folder, unread), key=lambda file: file.relative_to(folder).parts)
    if not files:
        raise DataError(f"{given}: there is no data file in it{_named('only', unread)}")
    groups: dict[str, list[Path]] = {}
    for file in files:
        groups.setdefault(split_of(file.relative_to(folder)), []).append(file)
    if split is None and len(groups) > 1:
        raise DataError(f"{given}: {_which_split(folder, groups)}")
    if split is not None and SPLITS.get(split, split) not in groups:
        raise DataError(f"{given}: no file is named after the split {split!r}{_named('found', files)}")
    chosen = files if split is None else groups.pop(SPLITS.get(split, split))
    if split is not None:
        unread += [str(file.relative_to(folder)) for others in groups.values() for file in others]
    if unread:
        note(f"{given}: left unread: {_listed(sorted(unread))}")
    return chosen


def split_of(file: Path) -> str:
    """The split after which a file, or else a folder that holds it, is named; nothing where neither is.

    >>> [split_of(Path(name)) for name in ("data/train-00000-of-00002.parquet", "dev/a.jsonl", "my_test.csv")]
    ['train', 'validation', '']
    """
    stem = SHARD.sub("", file.name.partition(".")[0])
    names = (name.lower() for name in (stem, *reversed(file.parent.parts)))
    return next((SPLITS[name] for name in names if name in SPLITS), "")


def _walk(folder: Path, root: Path, unread: list[str], seen: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """Files that may be data; the names of what is none are added to `unread`. Links are followed, circles are not."""
    seen |= {folder.resolve()}
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise DataError(f"{folder}: cannot be listed ({os.strerror(error.errno or 0)})") from error
    for entry in entries:
        if entry.name.startswith(".") or entry.name == "__pycache__" or (not entry.is_dir() and _is_no_data(entry)):
            unread.append(str(entry.relative_to(root)))
        elif entry.is_file():
            yield entry
        elif not entry.is_dir():
            raise DataError(f"{entry}: neither a file nor a folder (a link to nothing?); take it out of the folder")
        elif entry.resolve() not in seen:
            yield from _walk(entry, root, unread, seen)


def _is_no_data(file: Path) -> bool:
    return file.suffix.lower() in NO_DATA_SUFFIXES or file.name.lower() in NO_DATA_NAMES


def _which_split(folder: Path, groups: Mapping[str, Sequence[Path]]) -> str:
    named = sorted(split for split in groups if split)
    others = [str(file.relative_to(folder)) for file in groups.get("", ())]
    besides = f", and files of no split: {_listed(others)}" if others else ""
    example = "train" if "train" in named else named[0]
    return (
        f"name one of its splits, such as {folder}:{example} (splits: {', '.join(named)}{besides}), "
        "or give the files themselves"
    )


def _named(word: str, names: Sequence[object]) -> str:
    return f" ({word}: {_listed([str(name) for name in names])})" if names else ""


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MANY:,} more" if len(names) > MANY else ""
    return ", ".join(names[:MANY]) + more
