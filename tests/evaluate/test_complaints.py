"""A wrong definition, name or number is one sentence that says what to do, before a model is asked anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tunegate.core.errors import DataError
from tunegate.evaluate.benchmarks.complaints import cannot_open
from tunegate.evaluate.benchmarks.lmeval import build_requests
from tunegate.evaluate.benchmarks.locate import find_leaves
from tunegate.evaluate.benchmarks.scored import open_benchmarks
from tunegate.evaluate.config import Benchmark, EvaluateConfig

RIGHT: dict[str, Any] = {
    "task": "mine",
    "dataset_path": "json",
    "dataset_kwargs": {"data_files": {"test": "rows.jsonl"}},
    "test_split": "test",
    "output_type": "multiple_choice",
    "doc_to_text": "{{q}}",
    "doc_to_choice": ["a", "b"],
    "doc_to_target": 0,
    "metric_list": [{"metric": "acc"}],
}


def opened(folder: Path, definition: dict[str, Any], **settings: Any) -> Any:
    (folder / "rows.jsonl").write_text('{"q": "x"}\n{"q": "y"}\n')
    (folder / "mine.yaml").write_text(yaml.safe_dump(definition))
    entry = Benchmark(task=str(folder / "mine.yaml"), **settings)
    (one,) = open_benchmarks(EvaluateConfig(benchmarks=(entry,)), seed=0)
    return one.parts[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"test_split": "validation"}, "test_split is 'validation', but its data has no such split"),
        ({"doc_to_txt": "{{q}}"}, "unknown key 'doc_to_txt'; did you mean 'doc_to_text'?"),
        ({"doc_to_text": "{{question}}"}, "'question' is undefined: its template names a field that"),
        ({"metric_list": [{"metric": "accc"}]}, "a metric of its metric_list is none of lm-eval's"),
    ],
)
def test_a_wrong_definition_names_its_key(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    """The message has the key and the value, and sends nobody with local files to a mirror."""
    with pytest.raises(DataError) as found:
        opened(tmp_path, {**RIGHT, **change})

    assert str(found.value).startswith(f"benchmark 'mine' cannot be loaded: {words}")
    assert "mirror" not in str(found.value)


def test_a_metric_that_a_task_lacks_is_refused_before_scoring(tmp_path: Path) -> None:
    """The metrics that it has are named."""
    with pytest.raises(DataError, match="benchmark 'mine' has no metric 'f1'; it has acc"):
        opened(tmp_path, RIGHT, metric="f1")


@pytest.mark.parametrize(
    ("names", "asked", "words"),
    [
        (["mcc"], None, "mcc can only be made of all items .* add acc or exact_match to a copy of its definition"),
        (["acc", "f1"], "f1", "f1 can only be made of all items together, .*; take acc$"),
        (["acc", "perplexity"], "perplexity", "perplexity can only be made .*; take acc$"),
    ],
)
def test_a_metric_of_a_whole_corpus_is_refused_before_scoring(
    tmp_path: Path, names: list[str], asked: str | None, words: str
) -> None:
    """It gave an empty table, or a traceback after the model had been asked."""
    metrics = [{"metric": name} for name in names]
    with pytest.raises(DataError, match=f"benchmark 'mine': {words}"):
        opened(tmp_path, {**RIGHT, "metric_list": metrics}, metric=asked)


def test_a_package_that_a_definition_needs_is_named(tmp_path: Path) -> None:
    """With the command that installs it."""
    error = ModuleNotFoundError("No module named 'langdetect'", name="langdetect")
    found = cannot_open("ifeval", error, {}, keys=(), mirror=tmp_path, is_local=False)

    assert str(found).endswith("needs 'langdetect', which is not installed; run: pip install 'lm-eval[ifeval]'")


def test_more_solved_examples_than_documents_are_refused(tmp_path: Path) -> None:
    """Two documents cannot give five solved examples."""
    part = opened(tmp_path, RIGHT, num_fewshot=5)

    with pytest.raises(DataError, match=r"benchmark 'mine': 5 solved examples are to stand .* lower num_fewshot"):
        build_requests(part.task, part.items)


def test_a_misspelled_benchmark_is_recognised() -> None:
    """The nearest names are offered."""
    with pytest.raises(DataError, match="'helaswag': lm-eval knows no such task or group; did you mean 'hellaswag'"):
        find_leaves("helaswag")
