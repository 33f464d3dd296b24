"""What a run chooses its settings by is never what the gate asks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tunegate.evaluate import Benchmark, EvaluateConfig, benchmark_items, selection_items

SUMS = {
    "dataset_path": "json",
    "test_split": "test",
    "output_type": "multiple_choice",
    "doc_to_text": "query",
    "doc_to_choice": "choices",
    "doc_to_target": "gold",
}


def sums(path: Path, rows: list[dict[str, object]], limit: int | None = None) -> Benchmark:
    """A benchmark of the given rows."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    definition = {"task": path.stem, **SUMS, "dataset_kwargs": {"data_files": {"test": str(path)}}}
    return Benchmark(task=path.stem, definition=definition, limit=limit)


def row(a: int, b: int) -> dict[str, object]:
    return {"query": f"{a} + {b} =", "choices": [str(a + b), str(a + b + 1)], "gold": 0}


@pytest.mark.parametrize("seed", [0, 1])
def test_no_item_of_the_quickstarts_gate_is_chosen_by(root: Path, seed: int) -> None:
    """For a real recipe, whatever the seed: no document and no question with its answer is on both sides."""
    folder = root / "examples" / "quickstart" / "benchmarks"
    names = ("arithmetic", "facts", "order")
    config = EvaluateConfig(benchmarks=tuple(str(folder / f"{name}.yaml") for name in names), limit=200)
    asked, chosen = benchmark_items(config, seed=seed), selection_items(config, limit=100, seed=seed)
    counts = {name: sum(item.task == f"quickstart_{name}" for item in chosen) for name in names}

    assert counts == {"arithmetic": 100, "facts": 100, "order": 0}
    assert len({item.doc_hash for item in chosen}) == 200
    assert not {item.doc_hash for item in asked} & {item.doc_hash for item in chosen}
    assert not {(item.question, item.answer) for item in asked} & {(item.question, item.answer) for item in chosen}


def test_a_second_copy_of_an_asked_item_is_not_chosen(tmp_path: Path) -> None:
    """Ten questions, each there twice, the second time with other wrong choices: both copies go to one side."""
    once = [row(a, 3) for a in range(10)]
    again = [{**item, "choices": [item["choices"][0], "99"]} for item in once]  # type: ignore[index]
    config = EvaluateConfig(benchmarks=(sums(tmp_path / "twice.jsonl", [*once, *again], limit=6),))
    asked = {item.question for item in benchmark_items(config)}
    chosen = [item.question for item in selection_items(config, limit=100)]

    assert len(set(chosen)) == len(chosen) == 10 - len(asked)
    assert not asked & set(chosen)


def test_a_benchmark_that_is_asked_whole_leaves_nothing(tmp_path: Path) -> None:
    """With no limit, or one beyond its size, there is nothing to choose by."""
    rows = [row(a, 4) for a in range(12)]
    for limit in (None, 12, 500):
        config = EvaluateConfig(benchmarks=(sums(tmp_path / "whole.jsonl", rows, limit=limit),), limit=None)
        assert selection_items(config, limit=100) == []


def test_the_choice_is_the_same_every_time(tmp_path: Path) -> None:
    """The seed alone decides, and no more than the limit are taken."""
    config = EvaluateConfig(benchmarks=(sums(tmp_path / "s.jsonl", [row(a, 5) for a in range(40)], limit=10),))
    first, again, other = (selection_items(config, limit=12, seed=seed) for seed in (1, 1, 2))

    assert first == again != other
    assert len(first) == 12


def test_without_benchmarks_there_is_nothing() -> None:
    """A recipe without benchmarks asks for nothing and gets nothing."""
    assert selection_items(EvaluateConfig(), limit=100) == []
