"""Lines that compiled code reads are those that orjson reads, and they say the same."""

from __future__ import annotations

import json
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
    """Whether the run is plain; if so, what is read must be what orjson reads."""
    plain = parse_plain(run)
    if plain is None:
        return False
    rows = read_by_orjson(run)
    assert rows is not None
    assert [line.as_py() for line in plain.lines] == run[:-1].split(b"\n")
    for name in rows[0]:
        column = plain.column(name)
        found = column if isinstance(column, list) else column.to_pylist()
        assert found == [row[name] for row in rows]
        if not isinstance(column, list):
            column.validate(full=True)
    return True


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

    def spy(run: bytes) -> Any:
        found = parse(run)
        plain_runs.append(found is not None)
        return found

    monkeypatch.setattr(readers, "parse_plain", spy)
    usual = load_examples(path)
    monkeypatch.setattr(readers, "PLAIN_FROM", 0)
    plain = load_examples(path)

    assert sorted(set(plain_runs)) == [False, True]
    assert plain.table.equals(usual.table)
    assert plain.source.equals(usual.source)
    assert plain.bad_rows == usual.bad_rows
    assert (len(plain), len(plain.bad_rows)) == (901, 3)


def test_results_before_an_error_are_given() -> None:
    """Items that end in an error give all results before it, in order, then the error."""

    def items() -> Any:
        yield from range(20)
        raise ValueError("the end")

    found: list[int] = []
    with pytest.raises(ValueError, match="the end"):
        found.extend(map_threads(lambda n: n * n, items()))

    assert found == [n * n for n in range(20)]
