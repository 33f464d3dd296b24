"""JSON lines and JSON files to blocks; every line is in a block's rows or among its bad ones."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from .blocks import Block, DictRows
from .compiled import jit_enabled, map_threads
from .plain_lines import PLAIN_FROM, parse_plain
from .records import BadRow
from .streams import CHUNK, BrokenFileError, check_text, read_chunks

BOM = b"\xef\xbb\xbf"


def read_lines(path: Path) -> Iterator[tuple[int, list[bytes]]]:
    """Runs of whole lines without their newline, each run with the number of its first line.

    A carriage return stays with its line. A last line without a newline is a line.

    Raises:
        BrokenFileError: the file is no text, damaged, or cut short; whole lines before that were yielded.
    """
    for number, run in read_runs(path):
        yield number, run[:-1].split(b"\n")


def read_runs(path: Path) -> Iterator[tuple[int, bytes]]:
    """The same lines, each with a newline, as one piece of bytes per run.

    Raises:
        BrokenFileError: the file is no text, damaged, or cut short; whole lines before that were yielded.
    """
    number, pending, crlf = 1, [b""], False
    try:
        for at, chunk in enumerate(read_chunks(path)):
            if at == 0:
                check_text(chunk)
                crlf = chunk.partition(b"\n")[0].endswith(b"\r")
            whole, newline, rest = chunk.rpartition(b"\n")
            if not newline:
                pending.append(chunk)
                continue
            run = b"".join([*pending, whole, newline])
            yield number, run
            number, pending = number + run.count(b"\n"), [rest]
    except BrokenFileError as error:
        left = b"".join(pending).decode(errors="backslashreplace")
        raise BrokenFileError(error.reason, line=number, rest=left) from error
    if last := b"".join(pending):
        yield number, (last + b"\r\n" if crlf and not last.endswith(b"\r") else last + b"\n")


def read_jsonl(path: Path, name: str) -> Iterator[Block]:
    """One JSON object a line; blank lines are no rows, and a byte order mark is not kept."""
    yield from map_threads(lambda run: _json_block(name, *run), _runs_with_place(path))


def _runs_with_place(path: Path) -> Iterator[tuple[int, bytes, int]]:
    """Number of the first line, lines, and bytes before them."""
    before = 0
    for first, run in read_runs(path):
        yield first, run.removeprefix(BOM) if first == 1 else run, before
        before += len(run)


def _json_block(name: str, first: int, run: bytes, before: int) -> Block:
    """A block of the lines of a run; `before` bytes of the file came before it."""
    plain = parse_plain(run) if before >= PLAIN_FROM and jit_enabled() else None
    if plain is not None:
        source = pa.table({"raw": plain.lines})
        return Block(file=name, lines=range(first, first + len(plain)), rows=plain, source=source)
    lines = run[:-1].split(b"\n")
    numbers: Sequence[int] = range(first, first + len(lines))
    bad: list[BadRow] = []
    try:
        rows = list(map(orjson.loads, lines))
        whole = set(map(type, rows)) == {dict}
    except orjson.JSONDecodeError:
        whole = False
    if not whole:
        numbers, lines, rows, bad = _sort_out(name, numbers, lines)
    source = pa.table({"raw": pa.array(lines, pa.large_binary())})
    return Block(file=name, lines=numbers, rows=DictRows(rows), source=source, bad=bad)


def _sort_out(
    name: str, numbers: Sequence[int], lines: Sequence[bytes]
) -> tuple[list[int], list[bytes], list[Any], list[BadRow]]:
    """Line by line: blank ones away, bad ones aside."""
    kept: list[tuple[int, bytes, Any]] = []
    bad = []
    for number, line in zip(numbers, lines, strict=True):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            text = line.decode(errors="backslashreplace").rstrip("\r")
            bad.append(BadRow(file=name, line=number, reason=_json_reason(line, error), row=text))
            continue
        if isinstance(row, dict):
            kept.append((number, line, row))
        else:
            bad.append(BadRow(file=name, line=number, reason="the line is JSON, but not an object", row=row))
    return [k[0] for k in kept], [k[1] for k in kept], [k[2] for k in kept], bad


def _json_reason(line: bytes, error: orjson.JSONDecodeError) -> str:
    try:
        line.decode()
    except UnicodeDecodeError as undecodable:
        return f"byte {line[undecodable.start]:#04x} at {undecodable.start + 1} is not UTF-8; re-save the file as UTF-8"
    return f"not JSON ({error.msg} at character {error.pos + 1})"


def read_json(path: Path, name: str, allow_partial: bool = False) -> Iterator[Block]:
    """An array of objects, or one object that holds exactly one list of them; `line` is the 1-based element.

    Raises:
        BrokenFileError: it is neither.
    """
    data = b"".join(read_chunks(path)).removeprefix(BOM)
    check_text(data[:CHUNK])
    try:
        elements, header = _elements(orjson.loads(data))
        broken = None
    except orjson.JSONDecodeError as error:
        elements, broken = _salvage(data, error)
        header = b""
        if not allow_partial:
            raise broken from error
    yield _element_block(name, elements, header)
    if broken:
        raise broken


def _elements(value: Any) -> tuple[list[Any], bytes]:
    if isinstance(value, list):
        return value, b""
    lists = [key for key, held in value.items() if isinstance(held, list)] if isinstance(value, dict) else []
    if len(lists) == 1:
        return value[lists[0]], orjson.dumps({**value, lists[0]: []})
    found = f"an object with {len(lists)} lists ({', '.join(map(repr, lists))})" if lists else "no list"
    raise BrokenFileError(f"a JSON file must hold one list of objects, this has {found}; write JSON lines instead")


def _element_block(name: str, elements: Sequence[Any], header: bytes) -> Block:
    bad = [
        BadRow(file=name, line=number, reason="the element is not an object", row=element)
        for number, element in enumerate(elements, 1)
        if not isinstance(element, dict)
    ]
    rows = [(number, element) for number, element in enumerate(elements, 1) if isinstance(element, dict)]
    raw = pa.array([orjson.dumps(element) for _, element in rows], pa.large_binary())
    return Block(
        file=name,
        lines=[number for number, _ in rows],
        rows=DictRows([element for _, element in rows]),
        source=pa.table({"raw": raw}),
        bad=bad,
        header=header,
    )


def _salvage(data: bytes, error: orjson.JSONDecodeError) -> tuple[list[Any], BrokenFileError]:
    """The whole elements at the start of a broken array."""
    text = data.decode(errors="backslashreplace")
    decoder, elements = json.JSONDecoder(), []
    at = _skip(text, text.find("[") + 1)
    while text[at : at + 1] == "{":
        try:
            element, at = decoder.raw_decode(text, at)
            elements.append(orjson.loads(orjson.dumps(element)))
        except (ValueError, TypeError):
            break
        at = _skip(text, at)
    reason = f"not JSON ({error.msg} at line {error.lineno}, column {error.colno})"
    return elements, BrokenFileError(reason, line=len(elements) + 1, rest=text[at:])


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n,":
        at += 1
    return at
