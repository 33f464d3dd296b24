"""How the work is cut and shared out changes nothing that is found, kept or written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tunegate.core import formats, readers
from tunegate.core.formats import load_examples
from tunegate.curate import CurateConfig, curate_dataset, read_ledger, write_curation

WRITTEN = ("train.jsonl", "rejected.jsonl", "findings.parquet")
ODD = [
    "write to jo@example.org or +49 30 901820", "as an AI I cannot help", "N/A", "a <b>bold</b> &amp; ", "cafÃ© naïve",
    "\u200bhidden", "it goes up and down " * 30, "```python\nprint(1)", "and then the", "Answer in one word.\nYes",
]  # fmt: skip
CUTS = [(1, 1 << 24, 1 << 24), (3, 1 << 24, 0), (2, 1, 0), (1, 1, 1 << 24)]


def made_file(path: Path) -> Path:
    """Prompts and answers over several blocks: odd ones, copies, a line that is not plain and one that is no JSON."""
    rows = [
        {
            "prompt": f"Answer in one word.\nquestion {n % 700} {ODD[n % 10]} {'words ' * (n % 90)}",
            "completion": f"{ODD[n * 7 % 10]} {n % 350}. " * (1 + n % 9),
        }
        for n in range(6000)
    ]
    lines = [json.dumps(row, ensure_ascii=n % 2 == 0) for n, row in enumerate(rows)]
    path.write_text("\n".join([*lines[:5000], '{"completion": "turned", "prompt": "round"}', "{no", *lines[5000:]]))
    return path


def written(path: Path, out: Path) -> list[bytes]:
    write_curation(curate_dataset(load_examples(path), config=CurateConfig()), out)
    return [(out / name).read_bytes() for name in WRITTEN]


def test_cuts_and_threads_change_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread or several, large chunks or small, lines read by compiled code or not: the same files."""
    path, found = made_file(tmp_path / "rows.jsonl"), []
    for at, (threads, chunk_bytes, plain_from) in enumerate(CUTS):
        monkeypatch.setenv("NUMBA_NUM_THREADS", str(threads))
        monkeypatch.setattr(formats, "CHUNK_BYTES", chunk_bytes)
        monkeypatch.setattr(readers, "PLAIN_FROM", plain_from)
        found.append(written(path, tmp_path / str(at)))

    assert len(load_examples(path)) == 6001
    assert all(files == found[0] for files in found)


def test_known_spans_hide_what_a_search_would(tmp_path: Path) -> None:
    """The ledger masks by what the rule found where it looked, and searches where it did not: no difference shows."""
    rows: list[dict[str, Any]] = [
        {"prompt": f"{ODD[0]}, row {n}", "completion": f"sk-proj-{'aB3' * 8}{n:04d} is the key"} for n in range(20)
    ]
    tables = []
    for action in ("flag", "off"):
        config = CurateConfig.model_validate({"rules": {"private-data": action, "length-outlier": "flag"}})
        curated = curate_dataset(load_examples([*rows, *rows[:5]], kind="completion"), config=config)
        write_curation(curated, tmp_path / action)
        tables.append(str(read_ledger(tmp_path / action).findings.to_pylist()))

    for shown in tables:
        assert "[EMAIL]" in shown
        assert "[MODEL_API_KEY]" in shown
        assert "jo@example.org" not in shown
        assert "aB3aB3" not in shown
