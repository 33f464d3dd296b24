"""Files of general text to the texts in them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from ..core.errors import DataError

SELF = "self"
"""What stands for text that the base model writes, in place of a file."""


def read_texts(source: str) -> list[tuple[int, str]] | None:
    """(line, text) of each paragraph of a text file, or each row of a file that has only texts; None for other data.

    Raises:
        DataError: there is no such file, or no text in it.
    """
    path = Path(source)
    if not path.is_file():
        raise DataError(f"{source}: no such file of general text")
    texts = _plain_texts(path)
    if texts is not None and not texts:
        raise DataError(f"{source}: holds no text")
    return texts


def _plain_texts(path: Path) -> list[tuple[int, str]] | None:
    lines = _read_text(path).splitlines()
    if ".txt" in path.suffixes:
        return _paragraphs(lines)
    if ".jsonl" not in path.suffixes:
        return None
    first = next((line for line in lines if line.strip()), "{}")
    if not first.startswith("{") or set(json.loads(first)) - {"id", "source"} != {"text"}:
        return None
    return [(number, json.loads(line)["text"]) for number, line in enumerate(lines, 1) if line.strip()]


def _paragraphs(lines: list[str]) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    block: list[str] = []
    for number, line in enumerate([*lines, ""], 1):
        if line.strip():
            block.append(line)
        elif block:
            found.append((number - len(block), "\n".join(block)))
            block = []
    return found


def _read_text(path: Path) -> str:
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes()).decode("utf-8")
    return path.read_text(encoding="utf-8")
