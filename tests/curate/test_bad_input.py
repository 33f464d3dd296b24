"""Whatever file a user gives: bad rows are set aside with their place, and unreadable files are one clear error."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from tunegate.curate import read_ledger
from typer.testing import CliRunner

ROWS = [{"text": f"please tell me about topic {at}", "label": "even" if at % 2 else "odd"} for at in range(60)]
LINES = [json.dumps(row) for row in ROWS]
JSONL = "\n".join(LINES).encode() + b"\n"
CSV = ("text,label\n" + "".join(f"{row['text']},{row['label']}\n" for row in ROWS)).encode()
PROMPT = b'{"prompt": "say it", "completion": "it"}\n'


def curated(folder: Path, name: str, content: bytes, *options: str) -> tuple[int, str, list[tuple[int, str]]]:
    """Exit code, message, and (line, reason) of the rows that could not be read."""
    from tunegate.cli import app
    from tunegate.core.errors import InputError

    file, out = folder / name, folder / "out"
    file.write_bytes(content)
    found = CliRunner().invoke(app, ["curate", str(file), "-o", str(out), *options])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        assert isinstance(found.exception, InputError), found.exception  # what the program reports with exit code 2
        return found.exception.exit_code, str(found.exception), []
    rejected = [json.loads(line) for line in (out / "rejected.jsonl").read_text().splitlines()]
    assert read_ledger(out).summary["rows_kept"] + len(rejected) == read_ledger(out).summary["rows_in"]
    return found.exit_code, "", [(row["line"], row["reason"]) for row in rejected if row["rule"] == "unreadable"]


UNREADABLE = [
    ("a.jsonl.gz", gzip.compress(JSONL * 50, mtime=0)[:-900], "the gzip stream ends early"),
    ("a.jsonl", bytes(range(256)) * 20, "a.jsonl:1: this is a binary file"),
    ("a.csv", CSV.replace(b",", b";"), "separated by semicolons; separate them by commas"),
    ("a.csv", CSV.replace(b"text,label", b"text,text"), "the column 'text' occurs 2 times"),
    ("a.jsonl", b"", "there is no row in it"),
    ("a.csv", b"text,label\n", "there is no row in it"),
    ("a.jsonl", JSONL.replace(b'"odd"', b"0.25").replace(b'"even"', b"0.125"), "holds measurements, such as 0."),
    ("a.csv", CSV.decode().encode("utf-16"), "a.csv:1: this is UTF-16 text; save it as UTF-8"),
    ("a.jsonl", b"{broken\n" * 3, "a.jsonl:1: no usable row; the first of 3: not JSON"),
]


@pytest.mark.parametrize(("name", "content", "message"), UNREADABLE)
def test_a_file_without_usable_rows_is_one_error(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    """Exit code 2 and a sentence that says where and what; nothing is written."""
    code, said, _ = curated(tmp_path, name, content)

    assert (code, message in said) == (2, True), said
    assert not (tmp_path / "out").exists()


QUARANTINED = [
    ("a.jsonl", b"x" * 10_000_000 + b"\n", [(61, "not JSON (unexpected character")]),
    ("a.jsonl", PROMPT * 2, [(61, "'text' is missing (columns: 'prompt', 'completion')"), (62, "'text' is missing")]),
    ("a.jsonl", b'{"text": "a\\u0000b", "label": "odd"}\n', [(61, "the input holds a NUL character at 2")]),
    ("a.jsonl", b'{"text": "a\\ud800", "label": "odd"}\n', [(61, "not JSON (no low surrogate")]),
    ("a.jsonl", b'{"text": "a\xed\xa0\x80", "label": "odd"}\n', [(61, "byte 0xed at 12 is not UTF-8")]),
    ("a.jsonl", b'[1]\n{"text": 5, "label": "odd"}\n', [(61, "not an object"), (62, "'text' is a number")]),
    ("a.csv", b"only one\n", [(62, "1 fields, the header has 2")]),
    ("a.csv", b'"never closed,odd\n', [(62, "a quote is opened and never closed")]),
]


@pytest.mark.parametrize(("name", "extra", "expected"), QUARANTINED)
def test_bad_rows_are_set_aside_and_the_run_goes_on(
    tmp_path: Path, name: str, extra: bytes, expected: list[tuple[int, str]]
) -> None:
    """Exit code 0; each bad row is in the ledger with its line and reason, every other row is judged as usual."""
    content = CSV if name.endswith("csv") else JSONL
    code, _, bad = curated(tmp_path, name, content + extra)

    assert code == 0
    assert [line for line, _ in bad] == [line for line, _ in expected]
    assert all(reason in found for (_, found), (_, reason) in zip(bad, expected, strict=True))


def test_a_truncated_file_is_read_as_far_as_it_goes_where_allowed(tmp_path: Path) -> None:
    """With --allow-partial the whole rows before the break are curated, and the break is in the ledger."""
    code, _, bad = curated(tmp_path, "a.jsonl.gz", gzip.compress(JSONL * 50, mtime=0)[:-900], "--allow-partial")

    assert code == 0
    assert [reason for _, reason in bad] == ["the gzip stream ends early, so the file is truncated"]


@pytest.mark.slow
def test_one_line_of_ten_megabytes_is_a_row_like_others(tmp_path: Path) -> None:
    """It is read and kept byte for byte, and at most flagged for its length."""
    line = json.dumps({"text": "word " * 2_000_000, "label": "odd"}).encode() + b"\n"
    code, _, bad = curated(tmp_path, "a.jsonl", JSONL + line, "--set", "rules.label-error=off")

    assert (code, bad) == (0, [])
    assert (tmp_path / "out/train.jsonl").read_bytes().endswith(line)
