"""What a user may give as data to the files or tables that it stands for, each with its format."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from .blocks import Block, DictRows, json_ready
from .columnar import TABLE_ROWS, read_arrow, read_parquet, table_block
from .delimited import read_delimited
from .errors import DataError
from .folders import data_files
from .hub import skip_unreachable_hub
from .readers import read_json, read_jsonl
from .records import BadRow
from .streams import read_head
from .suffixes import SUFFIXES, format_by_suffix

HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?(:[\w.-]+){0,2}")
"""`owner/name`, then optionally `:config` and `:split`."""

ROWS_PER_BLOCK = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file or table."""

    name: str
    """What messages and the ledger call it: the path as the user gave it."""
    format: str
    """Format of the rows, in which kept ones are written again."""
    read: Callable[[], Iterator[Block]]
    """Its blocks, from the start."""


def find_sources(data: Any, *, allow_partial: bool = False) -> list[Source]:
    """The files or tables behind a path, glob, folder, hub id, several of these, a table, a frame or rows.

    Raises:
        DataError: there is no such thing, or it is of no known format.
    """
    if isinstance(data, str | os.PathLike):
        return _from_path(os.fspath(data), allow_partial)
    if isinstance(data, Mapping):
        raise DataError("data given as a mapping: pass a list of dicts, a table, or the path of one split")
    if isinstance(data, list | tuple) and data and all(isinstance(item, str | os.PathLike) for item in data):
        return [source for item in data for source in _from_path(os.fspath(item), allow_partial)]
    if isinstance(data, pa.Table):
        return [_from_table(data, "<table>", "parquet")]
    kind = f"{type(data).__module__.partition('.')[0]}.{type(data).__name__}"
    if kind == "datasets.Dataset":
        return [_from_table(data.with_format("arrow")[:], "<Dataset>", "parquet")]
    if kind == "pandas.DataFrame":
        return [_from_frame(data)]
    if isinstance(data, Iterable):
        return [Source(name="<rows>", format="jsonl", read=partial(_read_rows, list(data), "<rows>"))]
    raise DataError(f"data of type {type(data).__name__}: pass a path, a Dataset, a DataFrame or a list of dicts")


def _from_path(given: str, allow_partial: bool) -> list[Source]:
    path = Path(given).expanduser()
    if path.is_file():
        return [_from_file(path, given, allow_partial)]
    if path.is_dir():
        return _from_folder(path, given, None, allow_partial)
    if glob.has_magic(given):
        pattern = str(Path(given).expanduser())
        found = sorted(name for name in glob.glob(pattern, recursive=True) if Path(name).is_file())  # noqa: PTH207
        if not found:
            raise DataError(f"{given}: no file matches")
        return [_from_file(Path(name), name, allow_partial) for name in found]
    folder, colon, split = given.rpartition(":")
    if colon and Path(folder).expanduser().is_dir():
        return _from_folder(Path(folder).expanduser(), given, split, allow_partial)
    if HUB_ID.fullmatch(given) and not format_by_suffix(path):
        return [_from_hub(given)]
    raise DataError(f"{given}: no such file, folder or hub id (working directory: {Path.cwd()})")


def _from_file(path: Path, name: str, allow_partial: bool) -> Source:
    if not path.stat().st_size:
        return Source(name=name, format=format_by_suffix(path), read=lambda: iter(()))
    head = read_head(path, name)
    file_format = _format_by_content(head) or format_by_suffix(path)
    if file_format in ("json", "jsonl"):
        file_format = _json_or_lines(head, file_format)
    readers: Mapping[str, Callable[[], Iterator[Block]]] = {
        "jsonl": partial(read_jsonl, path, name),
        "json": partial(read_json, path, name, allow_partial),
        "csv": partial(read_delimited, path, name, "csv"),
        "tsv": partial(read_delimited, path, name, "tsv"),
        "parquet": partial(read_parquet, path, name),
        "arrow": partial(read_arrow, path, name),
    }
    if file_format not in readers:
        known = ", ".join(SUFFIXES)
        raise DataError(f"{name}: its name does not tell the format; end it in one of {known} (also .gz or .zst)")
    return Source(name=name, format=file_format, read=readers[file_format])


def _format_by_content(head: bytes) -> str:
    if head.startswith(b"PAR1"):
        return "parquet"
    return "arrow" if head.startswith((b"ARROW1", b"FEA1")) else ""


def _json_or_lines(head: bytes, named: str) -> str:
    """`.json` files often hold JSON lines, and the reverse; the first line tells."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    line, _, rest = text.partition(b"\n")
    try:
        first = orjson.loads(line)
    except orjson.JSONDecodeError:
        return "json" if text.startswith(b"[") and line.strip() in (b"[", b"[{") else named
    if isinstance(first, dict):
        # One object alone may be a document that wraps the rows.
        wraps = named == "json" and not rest.strip() and any(isinstance(held, list) for held in first.values())
        return "json" if wraps else "jsonl"
    return "json" if isinstance(first, list) and not rest.strip() and any(isinstance(e, dict) for e in first) else named


def _from_folder(path: Path, given: str, split: str | None, allow_partial: bool) -> list[Source]:
    """A folder that `save_to_disk` wrote, one with a dataset card that says what it holds, or one of data files."""
    if (path / "dataset_dict.json").is_file() or (path / "state.json").is_file():
        return [_from_saved(path, given, split)]
    if _has_configs(path / "README.md"):
        return [_from_hub(given)]
    files = data_files(path, given, split)
    return [_from_file(file, str(file), allow_partial) for file in files]


def _from_saved(path: Path, given: str, split: str | None) -> Source:
    if (path / "dataset_dict.json").is_file():
        splits = _splits(path / "dataset_dict.json", given)
        if split not in splits:
            raise DataError(
                f"{given}: name one of its splits, such as {path}:{splits[0]} (splits: {', '.join(splits)})"
            )
        path = path / str(split)
    from datasets import load_from_disk

    try:
        table = load_from_disk(str(path)).with_format("arrow")[:]
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise DataError(f"{given}: not a whole saved dataset ({_first_line(error)})") from error
    return _from_table(table, given, "arrow")


def _has_configs(card: Path) -> bool:
    """Whether a dataset card names the files of each config and split, as the hub has it."""
    if not card.is_file():
        return False
    header = re.match(r"---\n(.*?)\n---", card.read_text(encoding="utf-8", errors="replace"), re.DOTALL)
    return header is not None and re.search(r"^configs:", header[1], re.MULTILINE) is not None


def _splits(path: Path, given: str) -> list[str]:
    try:
        return [str(split) for split in orjson.loads(path.read_bytes())["splits"]]
    except (OSError, KeyError, TypeError, orjson.JSONDecodeError) as error:
        raise DataError(f"{given}: not a whole saved dataset ({path.name}: {_first_line(error)})") from error


def _from_hub(given: str) -> Source:
    """A hub id or a local folder with the hub's dataset card, through the `datasets` library and its cache."""
    name, *options = given.split(":")
    skip_unreachable_hub(name)
    import datasets

    split = options[-1] if options else None
    try:  # network, cache and files fail in many ways; to the user all mean that this is no data
        with _no_progress_bars():
            loaded = datasets.load_dataset(name, options[0] if len(options) == 2 else None)
    except Exception as error:
        raise DataError(
            f"{given}: neither a data file here nor a dataset that can be fetched ({type(error).__name__}: "
            f"{_first_line(error)}); check the path, or download the data and give its files"
        ) from error
    splits = list(loaded)
    if split is None and len(splits) == 1:
        split = splits[0]
    if split not in splits:
        raise DataError(f"{given}: name one of its splits, such as {name}:{splits[0]} (splits: {', '.join(splits)})")
    return _from_table(loaded[split].with_format("arrow")[:], given, "parquet")


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    import datasets

    shown = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()


def _from_table(table: pa.Table, name: str, table_format: str) -> Source:
    return Source(name=name, format=table_format, read=lambda: _read_table(table, name))


def _read_table(table: pa.Table, name: str) -> Iterator[Block]:
    for start in range(0, table.num_rows, TABLE_ROWS):
        yield table_block(name, table.slice(start, TABLE_ROWS), start)


def _from_frame(frame: Any) -> Source:
    try:
        return _from_table(pa.Table.from_pandas(frame, preserve_index=False), "<DataFrame>", "parquet")
    except (pa.ArrowException, UnicodeEncodeError, TypeError, ValueError):
        # A column of mixed types has no Arrow type; row by row the bad ones can be told.
        rows = [{key: _none_if_missing(held) for key, held in row.items()} for row in frame.to_dict("records")]
        return Source(name="<DataFrame>", format="jsonl", read=partial(_read_rows, rows, "<DataFrame>"))


def _none_if_missing(value: Any) -> Any:
    return None if isinstance(value, float) and value != value else value


def _read_rows(rows: Sequence[Any], name: str) -> Iterator[Block]:
    """Rows that are in memory; what is no JSON (a date) is written as text, what cannot be is a bad row."""
    for start in range(0, len(rows), ROWS_PER_BLOCK):
        read = [_read_row(row) for row in rows[start : start + ROWS_PER_BLOCK]]
        good = [(number, raw) for number, (raw, reason) in enumerate(read, start + 1) if not reason]
        yield Block(
            file=name,
            lines=[number for number, _ in good],
            rows=DictRows([orjson.loads(raw) for _, raw in good]),
            source=pa.table({"raw": pa.array([raw for _, raw in good], pa.large_binary())}),
            bad=[
                BadRow(file=name, line=number, reason=reason, row=json_ready(rows[number - 1]))
                for number, (_, reason) in enumerate(read, start + 1)
                if reason
            ],
        )


def _read_row(row: Any) -> tuple[bytes, str]:
    """A row as JSON, or why it has none."""
    if not isinstance(row, Mapping):
        return b"", f"the row is of type {type(row).__name__}, not a dict"
    try:
        return orjson.dumps(dict(row), default=str, option=orjson.OPT_SERIALIZE_NUMPY), ""
    except (TypeError, ValueError) as error:
        return b"", f"the row has no JSON form ({_first_line(error)})"


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
