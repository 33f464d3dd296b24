"""Lines that compiled code reads are those that orjson reads, and they say the same."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tunegate.core import readers
from tunegate.core.compiled import map_threads
from tunegate.core.formats import load_examples
from tunegate.core.plain_lines import parse_plain
from tunegate.core.runs import Run

TEXT = st.text(max_size=8) | st.sampled_from(['"', "\\", "\n\t\r\b\f/", "\u2028", "\U0001f600", "\x00", "é\x7f"])
ROW = st.fixed_dictionaries(
    {
        "text": TEXT,
        "label": TEXT | st.integers() | st.none(),
        "n": st.integers() | st.floats() | st.booleans() | st.none() | TEXT,
    }
)
DAMAGE = [
    b"", b" ", b"\r", b"\t", b"{", b"}", b'"', b"\\", b",", b":", b"\\u12", b"\\ud800", b"\\udc00", b"\\ud83d\\ude00",
    b"\xff", b"\xc3", b"0", b"1e9", b"-", b"null", b"tru", b"\x00", b"\x01", b"[1]", b'{"a": 1}', b'"n": 1, ', b"\n",
    b"x", b"1.", b"01",
]  # fmt: skip


def read_by_orjson(run: bytes) -> list[dict[str, Any]] | None:
    try:
        rows = [orjson.loads(line) for line in run[:-1].split(b"\n")]
    except orjson.JSONDecodeError:
        return None
    return rows if all(isinstance(row, dict) for row in rows) else None


def check(run: bytes) -> bool:
    """Whether the run is plain; what is read up to a line that is not must be what orjson reads."""
    plain, stop = parse_plain(Run.of(run))
    if plain is None:
        assert stop == 0
        return False
    rows = read_by_orjson(run[:stop])
    assert rows is not None
    assert [line.as_py() for line in plain.lines] == run[: stop - 1].split(b"\n")
    for name in rows[0]:
        column = plain.column(name)
        found = column if isinstance(column, list) else column.to_pylist()
        assert found == [row[name] for row in rows]
        if not isinstance(column, list):
            column.validate(full=True)
    return stop == len(run)


@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(ROW, min_size=1, max_size=4),
    is_ascii=st.booleans(),
    at=st.integers(0, 300),
    damage=st.sampled_from(DAMAGE),
    cut=st.integers(0, 3),
)
def test_what_is_read_plainly_is_what_orjson_reads(
    rows: list[dict[str, Any]], is_ascii: bool, at: int, damage: bytes, cut: int
) -> None:
    """Whatever bytes come into or out of a line: it is left to orjson, or read as orjson reads it."""
    run = b"".join(json.dumps(row, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass") + b"\n" for row in rows)
    place = at % len(run)

    check(run)
    check(run[:place] + damage + run[place + cut :].rstrip(b"\n") + b"\n")


@pytest.mark.parametrize(
    ("run", "is_plain"),
    [
        (b'{"text": "a", "label": "b"}\n{"text":"c","label":"d"}\r\n', True),
        (b'{"text": "\\u00e9\\n\\ud83d\\ude00", "n": -1.50, "ok": true}\n', True),
        (b'{"label": "b", "text": "a"}\n{"text": "c", "label": "d"}\n', False),
        (b'{"text": "a", "n": 1e5}\n', False),
        (b'{"text": "a", "n": 1234567890123456789}\n', False),
        (b'{"text": "a", "turns": []}\n', False),
        (b'{"text": "a", "text": "b"}\n', False),
        (b'{"text": "a"} {"text": "b"}\n', False),
        (b'{"text": "a"}\n\n', False),
        (b'{"text": "\xff"}\n', False),
        (b'{"text": "\\ud800"}\n', False),
        (b"{}\n", False),
    ],
)
def test_only_plain_lines_are_read_plainly(run: bytes, is_plain: bool) -> None:
    """One order of keys, strings where the first line has them, short numbers: all else is looked at closely."""
    assert check(run) == is_plain


@settings(max_examples=1000, deadline=None)
@given(
    text=st.lists(
        st.sampled_from(b"\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xed\xef\xf0\xf1\xf4\xf5\xff"), max_size=9
    ).map(bytes),
    before=st.integers(0, 9),
)
def test_only_well_formed_utf8_is_read_plainly(text: bytes, before: int) -> None:
    """Every sequence that Python's decoder takes is taken, and no other."""
    try:
        text.decode()
        is_whole = True
    except UnicodeDecodeError:
        is_whole = False

    assert check(b'{"text": "' + b"-" * before + text + b'"}\n') == is_whole


def test_reading_goes_on_after_a_line_that_is_not_plain() -> None:
    """Rows before an odd line are read, with its place; from any line on reading can go on."""
    lines = [b'{"a": "one"}\n', b'{"a": "two"}\n', b'{"b": 1, "a": "three"}\n', b'{"a": "four"}\n']
    run = Run.of(b"".join(lines))

    rows, stop = parse_plain(run)
    more, end = parse_plain(run, stop + len(lines[2]), 1)

    assert rows is not None
    assert more is not None
    assert (rows.column("a").to_pylist(), stop) == (["one", "two"], 26)
    assert (more.column("a").to_pylist(), end) == (["four"], run.size)


def test_a_file_reads_the_same_from_any_byte_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain lines, odd ones and bad ones give the same examples whether compiled code reads them or not."""
    path = tmp_path / "rows.jsonl"
    odd = [
        '{"label": "x", "text": "other order"}',
        '{"text": "lone \\ud800", "label": "y"}',
        "not json",
        "",
        '{"text": 5}',
    ]
    rows = [
        json.dumps({"text": f"row {n} é\n" * 200, "label": f"class {n % 3}"}, ensure_ascii=n % 2 == 0)
        for n in range(900)
    ]
    path.write_text("\n".join([*rows[:700], *odd, *rows[700:]]), encoding="utf-8")
    plain_runs: list[bool] = []
    parse = readers.parse_plain

    def spy(*given: Any) -> Any:
        found = parse(*given)
        plain_runs.append(found[1] == given[0].size)
        return found

    monkeypatch.setattr(readers, "parse_plain", spy)
    usual = load_examples(path)
    monkeypatch.setattr(readers, "PLAIN_FROM", 0)
    plain = load_examples(path)
    monkeypatch.setattr(readers, "PLAIN_BYTES", 1 << 16)
    monkeypatch.setattr(readers, "CHUNK", 1 << 10)
    in_pieces = load_examples(path)

    assert sorted(set(plain_runs)) == [False, True]
    assert in_pieces.table.equals(usual.table)
    assert in_pieces.source.equals(usual.source)
    assert in_pieces.bad_rows == usual.bad_rows
    assert plain.table.equals(usual.table)
    assert plain.source.equals(usual.source)
    assert plain.bad_rows == usual.bad_rows
    assert (len(plain), len(plain.bad_rows)) == (901, 3)


@pytest.mark.parametrize("ahead", [None, 0, 3, 100])
def test_results_come_in_the_order_of_their_items(ahead: int | None) -> None:
    """Whatever is taken ahead of its turn, and however long an item takes."""
    found = list(map_threads(lambda n: time.sleep(0.01 * (n % 3 == 0)) or n, range(12), ahead=ahead))

    assert found == list(range(12))


def test_results_before_an_error_are_given() -> None:
    """Items that end in an error give all results before it, in order, then the error."""

    def items() -> Any:
        yield from range(20)
        raise ValueError("the end")

    found: list[int] = []
    with pytest.raises(ValueError, match="the end"):
        found.extend(map_threads(lambda n: n * n, items()))

    assert found == [n * n for n in range(20)]
