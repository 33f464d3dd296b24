"""Scores built from plain lists, for tests of what is done with scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import settings
from tunegate.core.results import SCORE_COLUMNS, Scores, TaskInfo

settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")  # the first example pays for importing scipy

MakeScores = Callable[..., Scores]


def _table(info: TaskInfo, values: Sequence[float], columns: dict[str, Sequence[Any]]) -> pa.Table:
    n = len(values)
    defaults: dict[str, Sequence[Any]] = {
        "task": [info.name] * n,
        "metric": [info.metric] * n,
        "filter": ["none"] * n,
        "doc_hash": [f"doc{i:05d}" for i in range(n)],
        "prompt_hash": [f"prompt{i}" for i in range(n)],
        "target_hash": [f"target{i}" for i in range(n)],
        "occurrence": [0] * n,
        "value": [float(value) for value in values],
        "weight": [1.0] * n,
        "prompt": [f"question {i}" for i in range(n)],
        "prediction": [f"answer {value}" for value in values],
        "target": [f"right {i}" for i in range(n)],
        "choices": [[]] * n,
        "logprobs": [[]] * n,
        "contaminated": [False] * n,
    }
    rows = {name: columns.get(name, defaults.get(name, [""] * n)) for name in SCORE_COLUMNS}
    return pa.table({name: pa.array(rows[name], type=kind) for name, kind in SCORE_COLUMNS.items()})


def build_scores(tasks: dict[str, Any], *, model: str = "model", infos: dict[str, Any] | None = None) -> Scores:
    """Scores from {task: values} or {task: {"value": values, "cluster": …}}; a task called `task` is the user's."""
    parts, described = [], []
    for name, content in tasks.items():
        columns = dict(content) if isinstance(content, dict) else {"value": content}
        values = columns.pop("value")
        role = "task" if name == "task" else "benchmark"
        facts = {"role": role, "metric": "acc", "scale": "binary", **(infos or {}).get(name, {})}
        described.append(TaskInfo(name=name, **facts))
        parts.append(_table(described[-1], values, columns))
    return Scores(rows=pa.concat_tables(parts), tasks=tuple(described), model=model, model_hash=model)


@pytest.fixture
def make_scores() -> MakeScores:
    """`build_scores`."""
    return build_scores


def flip_values(lost: int, gained: int, right: int, wrong: int) -> tuple[list[int], list[int]]:
    """Base and tuned values with the given numbers of items that flip, stay right and stay wrong."""
    base = [1] * lost + [0] * gained + [1] * right + [0] * wrong
    tuned = [0] * lost + [1] * gained + [1] * right + [0] * wrong
    return base, tuned


@pytest.fixture
def flips() -> Callable[..., tuple[list[int], list[int]]]:
    """`flip_values`."""
    return flip_values


@pytest.fixture
def compared() -> Callable[..., Any]:
    """A comparison from {task: (lost, gained, right, wrong)}."""
    from tunegate.evaluate import compare_scores

    def compare(tasks: dict[str, tuple[int, int, int, int]], infos: dict[str, Any] | None = None) -> Any:
        values = {name: flip_values(*counts) for name, counts in tasks.items()}
        base, tuned = ({name: pair[side] for name, pair in values.items()} for side in (0, 1))
        return compare_scores(
            build_scores(base, model="base", infos=infos), build_scores(tuned, model="tuned", infos=infos)
        )

    return compare


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory, quickstart_base: Path) -> Path:
    """A small BERT with random weights and the quickstart's tokenizer."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertModel

    tokenizer = AutoTokenizer.from_pretrained(str(quickstart_base))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64
    )
    folder = tmp_path_factory.mktemp("encoder")
    BertModel(config).save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    return folder
