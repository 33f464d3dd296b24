"""Files that are whole or absent, and fingerprints that tell whether two things are the same.

A file or folder is written under a temporary name and renamed; a reader never sees half of it, a kill leaves no ruin.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import InputError, IntegrityError


def fingerprint(value: Any) -> str:
    """16 hex digits that change with any JSON-ready value; the order of keys does not matter.

    >>> fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def hash_files(paths: list[Path]) -> str:
    """16 hex digits over the names and bytes of files, in the order given."""
    digest = hashlib.blake2b(digest_size=8)
    for path in paths:
        digest.update(path.name.encode() + b"\0")
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def hash_named(name: str) -> str:
    """Hash of the bytes of a file, a folder's or a glob's; the name itself where nothing is here, as of a hub id."""
    path = Path(name)
    if path.is_dir():
        return hash_files(sorted(entry for entry in path.rglob("*") if entry.is_file()))
    files = [path] if path.is_file() else sorted(Path(path.anchor or ".").glob(name.removeprefix(path.anchor)))
    return hash_files(files) if files else name


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`; on success it is renamed to `path`, on an exception it is removed.

    The block may create a file or a folder under the name; a folder already at `path` is replaced by the new one.

    Raises:
        InputError: the system refuses: no room, no right to write, a file where a folder must be.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        try:
            fresh = scratch / path.name
            yield fresh
            if path.is_dir() and fresh.is_dir():
                path.rename(scratch / "old")
            fresh.replace(path)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        if error.errno is None or not _is_below(error.filename, path.parent):
            raise  # of another file, which the block reads
        reason = os.strerror(error.errno)
        raise InputError(f"{path}: cannot be written ({reason}); make room or choose another place") from error


def _is_below(name: object, folder: Path) -> bool:
    """Whether an error is about a folder, what is in it or holds it; one about a full disk names nothing."""
    if not isinstance(name, str):
        return True
    return folder.is_relative_to(name) or Path(name).is_relative_to(folder)


def require_writable(folder: Path) -> None:
    """Refuse, before any work is done, where nothing could be written into a folder; it need not exist yet.

    Raises:
        InputError: it, or what it would be made in, is a file or may not be written to.
    """
    whole = Path(os.path.abspath(folder))  # noqa: PTH100  a link is looked at through its own name
    place = next(place for place in (whole, *whole.parents) if os.path.lexists(place))
    shown = "it" if place == whole else str(place)
    if not place.is_dir():
        raise InputError(f"{folder}: cannot be written, because {shown} is a file; choose another place")
    if not os.access(place, os.W_OK | os.X_OK):
        raise InputError(f"{folder}: cannot be written, because {shown} may not be written to; choose another place")


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, whole or not at all."""
    with atomic_path(path) as fresh:
        fresh.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON with sorted keys, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def require_result(folder: Path, name: str, remedy: str) -> None:
    """Refuse a folder that a user named but that is not there, or is none of the kind that is asked for.

    Raises:
        InputError: it holds no file of that name.
    """
    if (folder / name).is_file():
        return
    state = f"there is no {name} in it" if folder.is_dir() else "a file" if folder.exists() else "no such folder"
    raise InputError(f"{folder}: {state}; {remedy}")


def read_json(path: Path) -> Any:
    """Read JSON that tunegate wrote.

    Raises:
        IntegrityError: the file is absent, truncated or not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise IntegrityError(f"{path}: no such file; run the stage that writes it first") from error
    except (ValueError, UnicodeDecodeError) as error:
        raise IntegrityError(f"{path}: not a whole JSON file ({error}); delete it and run again") from error
