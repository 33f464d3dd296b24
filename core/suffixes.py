"""Names of data files to their formats."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

SUFFIXES: Mapping[str, str] = {
    **dict.fromkeys((".jsonl", ".ndjson", ".jsonlines"), "jsonl"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".arrow", ".feather", ".ipc"), "arrow"),
    ".json": "json",
    ".csv": "csv",
    **dict.fromkeys((".tsv", ".tab"), "tsv"),
}
"""Suffix of a file → its format; `.gz` and `.zst` after it are looked through."""

COMPRESSED = (".gz", ".zst", ".zstd")


def format_by_suffix(path: Path) -> str:
    """The format that a file's name tells, or nothing.

    >>> format_by_suffix(Path("train.jsonl.gz")), format_by_suffix(Path("README.md"))
    ('jsonl', '')
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    while suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    return SUFFIXES.get(suffixes[-1], "") if suffixes else ""
