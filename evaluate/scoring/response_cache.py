"""Answers kept on disk, so that a model is asked nothing twice: across runs, and after a kill inside a run.

An answer is filed under everything that could change it: hash of the weights, config and tokenizer; number format and
scorer version (together the file's name); and the whole request, that is the rendered prompt, the continuation and the
generation options (the line's key). A retrained model at the same path, a changed template, definition or data file
therefore never finds an old answer. Lines are appended batch by batch; one torn by a kill is ignored.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from ...core.console import progress
from ...core.store import fingerprint
from .processes import joined, own_part
from .request import Answer, Request, answer_from_json, require_finite

Answers = Callable[[Sequence[Request]], Iterator[list[tuple[int, Answer]]]]
"""Answers requests batch by batch: (position, answer) pairs."""


def cache_folder() -> Path:
    """Where answers are kept across runs: $TUNEGATE_CACHE, else ~/.cache/tunegate."""
    return Path(os.environ.get("TUNEGATE_CACHE", "~/.cache/tunegate")).expanduser()


def cache_file(folder: Path, *, model_hash: str, settings: dict[str, Any]) -> Path:
    """Where the answers of one model under given settings are."""
    return folder / f"{model_hash}-{fingerprint(settings)}.jsonl"


def answer_all(
    requests: Sequence[Request], ask: Answers, *, file: Path | None, description: str
) -> tuple[list[Answer], int]:
    """The answer to every request, and how many of them a model had to be asked.

    What the file knows is taken from it; what it does not is asked and appended. Of several processes each asks a part.
    """
    by_key = {request.key: request for request in requests}
    known = _read(file, requests) if file else {}
    everyone, own = own_part([key for key in by_key if key not in known])
    found: dict[str, Answer] = {}
    if own:
        with progress(description, len(own)) as advance:
            for batch in ask([by_key[key] for key in own]):
                pairs = [(own[position], answer) for position, answer in batch]
                for key, answer in pairs:
                    require_finite(by_key[key], answer)
                found.update(pairs)
                if file:
                    _append(file, pairs)
                advance(len(batch))
    if everyone:
        known.update(joined(found))
    return [known[request.key] for request in requests], len(everyone)


def _read(file: Path, requests: Sequence[Request]) -> dict[str, Answer]:
    if not file.is_file():
        return {}
    kinds = {request.key: request.kind for request in requests}
    known: dict[str, Answer] = {}
    with file.open("rb") as stream:
        for line in stream:
            if line[2:34].decode("ascii", "replace") in kinds:
                entry = _parse(line, kinds)
                if entry is not None:
                    known[entry[0]] = entry[1]
    return known


def _parse(line: bytes, kinds: Mapping[str, str]) -> tuple[str, Answer] | None:
    try:
        key, value = orjson.loads(line)
        return key, answer_from_json(kinds[key], value)
    except (ValueError, TypeError, KeyError):  # torn, or an answer that is none: asked again
        return None


def _append(file: Path, pairs: Sequence[tuple[str, Answer]]) -> None:
    """Write one batch in one go; it begins on a line of its own even where the last writer was killed inside one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = b"".join(orjson.dumps(pair) + b"\n" for pair in pairs)
    with file.open("ab+") as stream:
        end = stream.seek(0, os.SEEK_END)
        if end:
            stream.seek(end - 1)
            lines = lines if stream.read(1) == b"\n" else b"\n" + lines
        stream.write(lines)
        stream.flush()
        os.fsync(stream.fileno())
