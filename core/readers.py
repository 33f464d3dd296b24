"""JSON lines and JSON files to blocks; every line is in a block's rows or among its bad ones."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from .blocks import Block, DictRows
from .compiled import jit_enabled, map_threads
from .plain_lines import PLAIN_FROM, parse_plain
from .records import BadRow
from .runs import Array, Run, read_runs
from .streams import CHUNK, BrokenFileError, check_text, read_chunks

BOM = b"\xef\xbb\xbf"

PLAIN_BYTES = 1 << 24
"""Bytes of plain lines that are read at once, which make one chunk of a column."""


def read_lines(path: Path) -> Iterator[tuple[int, list[bytes]]]:
    """Runs of whole lines without their newline, each run with the number of its first line.

    A carriage return stays with its line. A last line without a newline is a line.

    Raises:
        BrokenFileError: the file is no text, damaged, or cut short; whole lines before that were yielded.
    """
    spare: deque[Array] = deque()
    for run in read_runs(path, spare, lambda _before: CHUNK):
        lines = run.piece(0, run.size - 1).split(b"\n")
        spare.append(run.data)
        yield run.first, lines


def read_jsonl(path: Path, name: str) -> Iterator[Block]:
    """One JSON object a line; blank lines are no rows, and a byte order mark is not kept."""
    is_large = path.stat().st_size >= PLAIN_FROM
    spare: deque[Array] = deque()

    def is_compiled(before: int) -> bool:
        return (is_large or before >= PLAIN_FROM) and jit_enabled()

    def work(run: Run) -> list[Block]:
        blocks = list(_json_blocks(name, run, compiled=is_compiled(run.before)))
        spare.append(run.data)
        return blocks

    runs = read_runs(path, spare, lambda before: PLAIN_BYTES if is_compiled(before) else CHUNK)
    for blocks in map_threads(work, runs):
        yield from blocks


def _json_blocks(name: str, run: Run, *, compiled: bool) -> Iterator[Block]:
    """Blocks of a run's lines: what is plain by compiled code, where that is asked for, and what is not by orjson."""
    at, number = len(BOM) if run.first == 1 and run.piece(0, len(BOM)) == BOM else 0, run.first
    while at < run.size:
        if compiled:
            plain, at = parse_plain(run, at, run.first + run.lines - number)
            if plain is not None:
                lines = range(number, number + len(plain))
                yield Block(file=name, lines=lines, rows=plain, source=pa.table({"raw": plain.lines}))
                number = lines.stop
        if at < run.size:
            stop = run.line_end(at + CHUNK - 1)
            odd = run.piece(at, stop - 1).split(b"\n")
            yield _json_block(name, range(number, number + len(odd)), odd)
            at, number = stop, number + len(odd)


def _json_block(name: str, numbers: Sequence[int], lines: Sequence[bytes]) -> Block:
    """The block of some lines, read one by one."""
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
