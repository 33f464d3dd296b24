"""A mirror serves the same documents as the source that it was made from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tunegate.core.errors import DataError
from tunegate.evaluate import EvaluateConfig, benchmark_items, local_content, make_mirror

TASKS = ["copa", "mmlu_anatomy", "openbookqa"]


def test_a_mirror_serves_what_its_source_serves(shared_data: Path, tmp_path: Path) -> None:
    """Same documents under the same hashes, splits for solved examples included."""
    source = shared_data / "benchmarks"
    make_mirror(TASKS, tmp_path, source=source)
    ours, theirs = (
        benchmark_items(EvaluateConfig(benchmarks=tuple(TASKS), mirror=str(folder), limit=30))
        for folder in (tmp_path, source)
    )

    assert ours == theirs
    assert sorted(path.name for path in (tmp_path / "mmlu_anatomy").iterdir()) == ["dev.parquet", "test.parquet"]


def test_a_mirror_grows(shared_data: Path, tmp_path: Path) -> None:
    """A second call adds to what the first one wrote."""
    make_mirror(["copa"], tmp_path, source=shared_data / "benchmarks")
    index = make_mirror(["openbookqa"], tmp_path, source=shared_data / "benchmarks")

    assert sorted(index) == ["copa", "openbookqa"]


def test_a_mirror_serves_other_tasks_of_its_datasets(tmp_path: Path) -> None:
    """Another official task, or a definition of one's own; and a run notices when that data changes."""
    row = {"question": "What is 1 + 2?", "answer": "It is 3.\n#### 3"}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    files = {"train": "rows.jsonl", "test": "rows.jsonl"}
    (tmp_path / "index.json").write_text(json.dumps({"own": {"data_files": files}, "gsm8k": {"data_files": files}}))
    own = {"task": "mine", "dataset_path": "openai/gsm8k", "dataset_name": "main", "test_split": "test"}
    asked = {"doc_to_text": "{{question}}", "doc_to_target": "{{answer}}", "output_type": "generate_until"}
    (tmp_path / "mine.yaml").write_text(json.dumps({**own, **asked, "metric_list": [{"metric": "exact_match"}]}))
    names = ("gsm8k", "gsm8k_cot", str(tmp_path / "mine.yaml"))
    config = EvaluateConfig(benchmarks=names, mirror=str(tmp_path))
    items, before = benchmark_items(config), local_content(config)
    (tmp_path / "rows.jsonl").write_text(json.dumps({**row, "question": "What is 2 + 1?"}) + "\n")
    after = local_content(config)

    assert [item.task for item in items] == ["gsm8k", "gsm8k_cot", "mine"]
    assert len({item.doc_hash for item in items}) == 1
    assert [name for name in names if before[name] != after[name]] == list(names)


def test_a_folder_without_an_index_is_no_mirror(tmp_path: Path) -> None:
    """The message names the file that is missing."""
    with pytest.raises(DataError, match=r"index.json: no such file"):
        benchmark_items(EvaluateConfig(benchmarks=("copa",), mirror=str(tmp_path)))


def test_without_data_the_message_says_how_to_get_it() -> None:
    """Off line and without a mirror a benchmark cannot be loaded; the remedy is in the message."""
    with pytest.raises(DataError, match=r"benchmark 'sciq' cannot be loaded .*; make a mirror .* tunegate mirror sciq"):
        benchmark_items(EvaluateConfig(benchmarks=("sciq",)))
