"""A csv or tsv file with a header to blocks; a record keeps its bytes, also where a quoted field spans lines."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import pyarrow as pa

from .blocks import Block, RecordRows
from .readers import BOM, read_lines
from .records import BadRow
from .streams import BrokenFileError

DELIMITERS: Mapping[str, str] = {"csv": ",", "tsv": "\t"}

OTHER_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}

MAX_RECORD_LINES = 10_000
"""A quote that is still open after so many lines was never meant to open a field."""

UNCLOSED = "unexpected end of data"
"""What the csv module says where a quoted field has no end."""


@dataclass(slots=True, kw_only=True)
class _Parsed:
    """What a run of lines holds."""

    numbers: list[int] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    records: list[list[str]] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    pending: list[bytes] = field(default_factory=list)
    """Lines of a record that goes on in the next run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dialect:
    """What is the same for every run of one file."""

    name: str
    file_format: str
    names: list[str]

    @property
    def delimiter(self) -> str:
        return DELIMITERS[self.file_format]


def read_delimited(path: Path, name: str, file_format: str) -> Iterator[Block]:
    """Blocks of a file whose first record names the columns.

    Raises:
        BrokenFileError: the header is none, repeats a name or is separated by something else; or the file is no text.
    """
    dialect, header, pending = _Dialect(name=name, file_format=file_format, names=[]), b"", list[bytes]()
    for number, run, is_last in _with_end(read_lines(path)):
        lines, first = pending + run, number - len(pending)
        if not dialect.names:
            names, used = _read_header(lines, DELIMITERS[file_format])
            dialect = _Dialect(name=name, file_format=file_format, names=names)
            header, lines, first = b"\n".join(lines[:used]), lines[used:], first + used
        parsed = _parse(lines, first, dialect, is_last=is_last)
        pending = parsed.pending
        yield Block(
            file=name,
            lines=parsed.numbers,
            rows=RecordRows(dialect.names, parsed.records),
            source=pa.table({"raw": pa.array(parsed.raw, pa.large_binary())}),
            bad=parsed.bad,
            header=header,
        )


def parse_records(lines: Sequence[bytes], file_format: str) -> list[list[str]]:
    """Records to their fields, each from its own bytes."""
    with _long_fields():
        return [next(csv.reader(_text_lines([line]), delimiter=DELIMITERS[file_format]), []) for line in lines]


def header_names(header: bytes, file_format: str) -> list[str]:
    """Column names of a header."""
    return parse_records([header.removeprefix(BOM)], file_format)[0]


def _with_end(runs: Iterator[tuple[int, list[bytes]]]) -> Iterator[tuple[int, list[bytes], bool]]:
    """The same runs, each told whether it is the last; one before a break is a last one too."""
    held = next(runs, None)
    while held is not None:
        try:
            following = next(runs, None)
        except BrokenFileError:
            yield *held, True
            raise
        yield *held, following is None
        held = following


def _read_header(lines: Sequence[bytes], delimiter: str) -> tuple[list[str], int]:
    """Column names, and the number of lines that they take; blank lines before them are passed over."""
    try:
        text = (b"\n".join(lines) + b"\n").decode(errors="surrogateescape").removeprefix(BOM.decode())
        reader = csv.reader(io.StringIO(text, newline="\n"), delimiter=delimiter, strict=True)
        names = next((record for record in reader if record), [])
        "".join(names).encode()
    except (csv.Error, UnicodeEncodeError) as error:
        raise BrokenFileError(f"the header cannot be parsed ({error})") from error
    if repeated := sorted({column for column in names if names.count(column) > 1}):
        raise BrokenFileError(f"the column {repeated[0]!r} occurs {names.count(repeated[0])} times; rename one")
    other = next(
        (other for other in OTHER_DELIMITERS if other != delimiter and [other in n for n in names] == [True]), ""
    )
    if other:
        remedy = {"\t": "name the file .tsv", ",": "name the file .csv"}.get(other, "separate them by commas")
        found = OTHER_DELIMITERS[other]
        raise BrokenFileError(f"the header {names[0]!r} is one column, its fields are separated by {found}; {remedy}")
    return names, reader.line_num


def _parse(lines: list[bytes], first: int, dialect: _Dialect, *, is_last: bool) -> _Parsed:
    """The records of a run of lines that starts at line `first`."""
    with _long_fields():
        plain = _parse_plain(lines, first, dialect)
        return plain or _parse_closely(lines, first, dialect, is_last=is_last)


def _parse_plain(lines: list[bytes], first: int, dialect: _Dialect) -> _Parsed | None:
    """The records where each is one line and whole, which is nearly always; else nothing."""
    try:
        text = io.StringIO((b"\n".join(lines) + b"\n").decode(), newline="\n")
        records = list(csv.reader(text, delimiter=dialect.delimiter, strict=True))
    except (csv.Error, UnicodeDecodeError):
        return None
    if len(records) != len(lines) or not set(map(len, records)) <= {len(dialect.names)}:
        return None
    return _Parsed(numbers=list(range(first, first + len(lines))), raw=lines, records=records)


def _parse_closely(lines: list[bytes], first: int, dialect: _Dialect, *, is_last: bool) -> _Parsed:
    """Record by record; where a quote has no end, reading goes on with the next line."""
    text = list(_text_lines(lines))
    parsed = _Parsed()
    at = 0
    while at < len(lines):
        at, problem = _parse_from(at, text, lines, first, dialect, parsed)
        if problem == UNCLOSED and not is_last and len(lines) - at <= MAX_RECORD_LINES:
            parsed.pending = lines[at:]
            break
        if problem:
            reason = "a quote is opened and never closed" if problem == UNCLOSED else problem
            parsed.bad.append(_bad(dialect, first + at, f"not {dialect.file_format} ({reason})", lines[at]))
            at += 1
    return parsed


def _parse_from(
    at: int, text: list[str], lines: list[bytes], first: int, dialect: _Dialect, parsed: _Parsed
) -> tuple[int, str]:
    """Parse records from line `at` on; how far that went, and the problem that stopped it."""
    reader = csv.reader(islice(text, at, None), delimiter=dialect.delimiter, strict=True)
    start = at
    try:
        for record in reader:
            end = at + reader.line_num
            if end - start > 1 and _swallows_rows(record, dialect):
                return start, "a quote is opened and closed only lines later, after other fields"
            raw = b"\n".join(lines[start:end])
            if reason := _reason(record, raw, dialect):
                parsed.bad.append(_bad(dialect, first + start, reason, raw))
            elif record:
                parsed.numbers.append(first + start)
                parsed.raw.append(raw)
                parsed.records.append(record)
            start = end
    except csv.Error as error:
        return start, str(error)
    return start, ""


def _reason(record: list[str], raw: bytes, dialect: _Dialect) -> str:
    """What is wrong with a record, if anything."""
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return f"byte {raw[error.start]:#04x} at {error.start + 1} is not UTF-8; re-save the file as UTF-8"
    if record and len(record) != len(dialect.names):
        return f"{len(record)} fields, the header has {len(dialect.names)}"
    return ""


def _swallows_rows(record: list[str], dialect: _Dialect) -> bool:
    """Whether a stray quote has joined rows of a tsv file, in which quoting is rare and tabs inside a field rarer."""
    return dialect.file_format == "tsv" and any("\t" in text and "\n" in text for text in record)


def _bad(dialect: _Dialect, line: int, reason: str, raw: bytes) -> BadRow:
    return BadRow(file=dialect.name, line=line, reason=reason, row=raw.decode(errors="backslashreplace").rstrip("\r"))


def _text_lines(lines: Sequence[bytes]) -> Iterator[str]:
    """Lines as text with their newlines; a byte that is no UTF-8 becomes a surrogate."""
    return io.StringIO((b"\n".join(lines) + b"\n").decode(errors="surrogateescape"), newline="\n")


@contextmanager
def _long_fields() -> Iterator[None]:
    """Lift the csv module's limit of 131,072 characters a field, which is the same for the whole process."""
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)
