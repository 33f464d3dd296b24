"""Data files of a benchmark to documents: every column of any row, and faults named with file and line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tunegate.core.errors import DataError
from tunegate.evaluate.benchmarks.local_data import file_loader

ROWS = st.lists(st.dictionaries(st.sampled_from("abc"), st.text(max_size=3)), min_size=1, max_size=6)


def read(path: Path) -> list[dict[str, Any]]:
    """All documents of a file."""
    return file_loader({"test": [path]})()["test"].to_list()  # type: ignore[no-any-return]


@given(rows=ROWS.filter(any))
def test_every_key_of_any_row_is_a_column(rows: list[dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    """A row without it has None; the first row's keys alone made prompts without their context."""
    folder = tmp_path_factory.mktemp("data")
    names = {name for row in rows for name in row}
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "a.jsonl").write_text(text)
    (folder / "a.json").write_text(json.dumps(rows))
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(text.encode()))

    for name in ("a.jsonl", "a.json", "a.jsonl.gz"):
        assert read(folder / name) == [{key: row.get(key) for key in names} for row in rows]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.jsonl", '{"a": 1}\n\n{"a": 2}\n{"a" 3}\n', r"a\.jsonl:4: not JSON"),
        ("a.json", '[\n{"a": 1},\n{"a" 2}\n]', r"a\.json:3: not JSON"),
        ("a.jsonl", '{"a": 1}\n7\n', r"a\.jsonl: row 2 is no JSON object"),
        ("a.jsonl", '{"a": 1}\n{"a": "one"}\n', r"a\.jsonl: column 'a' holds values of several kinds"),
        ("a.jsonl", "\n", r"split 'test' holds no documents: .*a\.jsonl has no row"),
        ("a.csv", "", r"split 'test' holds no documents: .*a\.csv has no row"),
        ("a.csv", "a,b\n", r"split 'test' holds no documents: .*a\.csv has no row"),
        ("a.parquet", "PAR1 or not", r"a\.parquet: cannot be read as parquet \(.*\); mend it or write it anew"),
    ],
)
def test_a_fault_is_named_with_its_place(tmp_path: Path, name: str, text: str, told: str) -> None:
    """File, line, and what to do."""
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=told):
        read(tmp_path / name)
