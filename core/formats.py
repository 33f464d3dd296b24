"""Data in and out, the front: a path or a table to examples; examples to a file, each row's bytes as they came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import pyarrow as pa

from .blocks import Block, DictRows
from .columns import Canonical, canonical_block
from .compiled import map_threads
from .console import progress
from .delimited import DELIMITERS, header_names
from .errors import DataError
from .kinds import Layout, check_labels, recognise
from .records import BadRow, Examples
from .sources import Source, find_sources
from .streams import BrokenFileError
from .writers import original_rows, write_examples

__all__ = ["load_examples", "original_rows", "write_examples"]

SAMPLE_ROWS = 1000
"""Rows that are looked at to recognise kind and columns."""

CHUNK_BYTES = 1 << 24
"""Bytes of lines that are one chunk of a column."""

PARTIAL_REMEDY = "mend the file, or take what can be read with allow_partial (--allow-partial)"


def load_examples(
    data: Any, *, kind: str | None = None, columns: Mapping[str, str] | None = None, allow_partial: bool = False
) -> Examples:
    """Read examples; what cannot be used is kept aside in `bad_rows` with file, line and reason.

    Args:
        data: a path (jsonl, json, csv, tsv, parquet, arrow; text also `.gz` or `.zst`), a glob, a folder of
            data files or of `save_to_disk`, its `folder:split`, a hub id, several paths, a `datasets.Dataset`, a pandas
            frame, an Arrow table, or dicts. Examples pass through.
        kind: label, completion, chat or preference, where it is not to be guessed.
        columns: part (`input`, `target`, `pair`, `rejected`, `messages`, `tools`, or an everyday word such as `text`,
            `label`, `prompt`) → column; several columns of one prompt are joined by ` + `.
        allow_partial: of a damaged or truncated file, take the rows before the damage.

    Raises:
        DataError: there is no such data, a file cannot be read to its end or has no usable row, or kind and columns
            cannot be told.
    """
    if isinstance(data, Examples):
        return data
    sources = find_sources(data, allow_partial=allow_partial)
    _require_one_format(sources)
    gathered = _Gathered.empty()
    layout: Layout | None = None
    with progress("reading", None) as advance:
        for source in sources:
            before = len(gathered)
            blocks = _blocks(source, allow_partial=allow_partial)
            if layout is None:
                layout, blocks = _recognise(blocks, source, kind, columns)
            for made in _canonical(blocks, layout):
                gathered.add(made, source)
                advance(made.table.num_rows)
            gathered.combine()
            if len(gathered) == before and not allow_partial:
                raise _no_row(source, gathered.bad)
    if layout is None or not len(gathered):
        raise _no_row(sources[0], gathered.bad)
    return gathered.examples(layout, sources[0].format)


@dataclass(slots=True, kw_only=True)
class _Gathered:
    """Examples in the making."""

    tables: list[pa.Table]
    sources: list[pa.Table]
    bad: list[BadRow]
    header: bytes = b""
    loose: int = 0
    """Blocks since the last that were combined."""

    @classmethod
    def empty(cls) -> _Gathered:
        return cls(tables=[], sources=[], bad=[])

    def __len__(self) -> int:
        return sum(table.num_rows for table in self.tables)

    def add(self, made: Canonical, source: Source) -> None:
        self._join_header(made.header, source)
        self.bad += made.bad
        if not made.table.num_rows:
            return
        is_chunk = made.source.nbytes >= CHUNK_BYTES // 2
        if is_chunk:
            self.combine()
        self.tables.append(made.table)
        self.sources.append(made.source)
        if not is_chunk:
            self.loose += 1
            if sum(table.nbytes for table in self.sources[-self.loose :]) >= CHUNK_BYTES:
                self.combine()

    def combine(self) -> None:
        """Make the latest blocks of lines one chunk: every pass over a column costs some time per chunk."""
        if self.loose > 1 and self.sources[-1].column_names == ["raw"]:
            for tables in (self.tables, self.sources):
                tables[-self.loose :] = [pa.concat_tables(tables[-self.loose :]).combine_chunks()]
        self.loose = 0

    def _join_header(self, header: bytes, source: Source) -> None:
        if not self.header:
            self.header = header
        elif header and source.format in DELIMITERS and header != self.header:
            names, before = header_names(header, source.format), header_names(self.header, source.format)
            if names != before:
                raise DataError(
                    f"{source.name}: its columns {names} are not those of the files before it, {before}; "
                    "kept rows are written under one header, so give files of one layout"
                )

    def examples(self, layout: Layout, file_format: str) -> Examples:
        try:
            source = pa.concat_tables(self.sources)
        except pa.ArrowInvalid as error:
            raise DataError(self._unlike()) from error
        return Examples(
            table=pa.concat_tables(self.tables).unify_dictionaries(),
            kind=layout.kind,
            columns=layout.names,
            source=source,
            format=file_format,
            header=self.header,
            bad_rows=tuple(self.bad),
        )

    def _unlike(self) -> str:
        """Which file has other columns or types than the first, and which."""
        first, names = self.sources[0].schema, [table["file"][0].as_py() for table in self.tables]
        at, other = next((at, source.schema) for at, source in enumerate(self.sources) if source.schema != first)
        types = [{field.name: str(field.type) for field in schema} for schema in (other, first)]
        column = next((name for name in {**types[0], **types[1]} if types[0].get(name) != types[1].get(name)), None)
        if column is None:
            return (
                f"{names[at]}: its columns {other.names} are in another order than those of {names[0]}, {first.names}"
            )
        own, before = (held.get(column, "not there") for held in types)
        return f"{names[at]}: its column {column!r} is {own}, in {names[0]} it is {before}; give files of one layout"


def _blocks(source: Source, *, allow_partial: bool) -> Iterator[Block]:
    """The blocks of one source; where it breaks, either an error or a block of one bad row."""
    try:
        yield from source.read()
    except BrokenFileError as error:
        if not allow_partial:
            remedy = f"; {PARTIAL_REMEDY}" if error.line > 1 else ""
            raise DataError(f"{source.name}:{error.line}: {error.reason}{remedy}") from error
        bad = [BadRow(file=source.name, line=error.line, reason=error.reason, row=error.rest)]
        yield Block(file=source.name, lines=[], rows=DictRows([]), source=pa.table({}), bad=bad)


def _canonical(blocks: Iterator[Block], layout: Layout | None) -> Iterator[Canonical]:
    """Their canonical columns, in order; without a layout, of a file of which not one row could be parsed, no rows."""
    if layout is None:
        return (Canonical(table=pa.table({}), source=pa.table({}), bad=list(block.bad)) for block in blocks)
    # The turns of chats are Python objects, one thread at a time.
    return (map if layout.kind == "chat" else map_threads)(partial(canonical_block, layout=layout), blocks)


def _recognise(
    blocks: Iterator[Block], source: Source, kind: str | None, columns: Mapping[str, str] | None
) -> tuple[Layout | None, Iterator[Block]]:
    """The layout that the first rows tell, and all blocks again; no layout where there are no rows."""
    seen: list[Block] = []
    sample: list[Mapping[str, Any]] = []
    for block in blocks:
        seen.append(block)
        sample += block.rows.head(SAMPLE_ROWS - len(sample))
        if len(sample) >= SAMPLE_ROWS:
            break
    if not sample:
        return None, iter(seen)
    layout = recognise(_usual_names(sample), sample, place=source.name, kind=kind, columns=columns)
    check_labels(sample, layout, place=source.name)
    return layout, chain(seen, blocks)


def _usual_names(sample: Sequence[Mapping[str, Any]]) -> list[str]:
    """Columns of at least half of the rows: rows of another kind that got in between have no say."""
    counts = Counter(name for row in sample for name in row)
    usual = [name for name, count in counts.items() if 2 * count >= len(sample)]
    return usual or list(counts)


def _require_one_format(sources: Sequence[Source]) -> None:
    for source in sources:
        if source.format != sources[0].format:
            raise DataError(
                f"{source.name} is {source.format} and {sources[0].name} is {sources[0].format}; "
                "kept rows are written as they came, so all files of one input must have one format"
            )


def _no_row(source: Source, bad: Sequence[BadRow]) -> DataError:
    own = [row for row in bad if row.file == source.name]
    if not own:
        return DataError(f"{source.name}: there is no row in it; check the path, or leave the file out")
    return DataError(f"{source.name}:{own[0].line}: no usable row; the first of {len(own):,}: {own[0].reason}")
