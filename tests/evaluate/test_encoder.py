"""Label heads and encoders: their task by head or probe, what they forget by the retention suite."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tunegate.core.errors import ModelError
from tunegate.core.formats import load_examples
from tunegate.core.prompts import PromptConfig
from tunegate.core.records import Examples
from tunegate.evaluate import EvaluateConfig, compare_scores, evaluate_model
from tunegate.evaluate.retention import nearest_labels, rank_agreement

FRUIT = ["apple", "pear", "plum"]
METAL = ["iron", "gold", "zinc"]


def rows(count: int, seed: int) -> list[dict[str, str]]:
    random = Random(seed)
    found = []
    for number in range(count):
        kind, words = random.choice([("fruit", FRUIT), ("metal", METAL)])
        found.append({"text": f"{number} {random.choice(words)} and {random.choice(words)}", "label": kind})
    return found


def examples(count: int, seed: int) -> Examples:
    return load_examples(rows(count, seed))


@pytest.fixture(scope="module")
def classifier(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same encoder, damaged, with a head."""
    import torch
    from transformers import AutoTokenizer, BertForSequenceClassification

    torch.manual_seed(1)
    model = BertForSequenceClassification.from_pretrained(
        str(encoder), num_labels=2, id2label={0: "fruit", 1: "metal"}, label2id={"fruit": 0, "metal": 1}
    )
    with torch.no_grad():
        for weight in model.bert.encoder.parameters():
            weight.add_(torch.randn_like(weight))
    folder = tmp_path_factory.mktemp("classifier")
    model.save_pretrained(str(folder))
    AutoTokenizer.from_pretrained(str(encoder)).save_pretrained(str(folder))
    return folder


def measure(model: Path, task: Examples | None, **options: Any) -> Any:
    config = EvaluateConfig.model_validate(options.pop("config", {}))
    return evaluate_model(str(model), task=task, config=config, prompts=PromptConfig(), **options)


def test_a_head_is_measured_by_its_own_logits(classifier: Path) -> None:
    """Batching and padding change no prediction: each row alone gives the same."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    task = examples(20, 0)
    found = measure(classifier, task, config={"batch_tokens": 32})
    model = AutoModelForSequenceClassification.from_pretrained(str(classifier)).eval()
    tokenizer = AutoTokenizer.from_pretrained(str(classifier))
    with torch.inference_mode():
        single = [
            model(**tokenizer(text, return_tensors="pt")).logits[0].log_softmax(0).tolist() for text in task.inputs
        ]

    np.testing.assert_allclose(found.rows["logprobs"].to_pylist(), single, atol=1e-4)
    assert found.rows["doc_hash"].to_pylist() == task.ids
    assert found.extras["task"]["how"] == "trained head"


def test_an_encoder_without_a_head_is_probed(encoder: Path) -> None:
    """The baseline that forgets nothing: a probe on frozen features, of held-out rows or of training rows."""
    task, train = examples(40, 1), examples(60, 2)
    crossed, taught = measure(encoder, task), measure(encoder, task, train=train)

    assert crossed.extras["task"]["how"].endswith("cross-validated on the held-out rows")
    assert taught.extras["task"]["how"].endswith("fitted on training rows")
    assert taught.extras["task"]["accuracy"] > 0.8
    assert measure(encoder, task).rows.equals(crossed.rows)


def test_probe_and_head_are_compared_on_the_same_items(encoder: Path, classifier: Path) -> None:
    """Base encoder and tuned classifier pair row by row."""
    task = examples(30, 3)
    comparison = compare_scores(measure(encoder, task), measure(classifier, task))

    assert [(entry.info.name, entry.n) for entry in comparison.tasks] == [("task", 30)]


@pytest.fixture
def retention(tmp_path: Path) -> dict[str, Any]:
    """One dataset for each measure."""
    labelled = tmp_path / "general.jsonl"
    labelled.write_text("".join(json.dumps(row) + "\n" for row in rows(80, 5)))
    random = Random(6)
    pairs = tmp_path / "pairs.jsonl"
    lines = []
    for number in range(30):
        shared = random.randint(0, 3)
        first = random.sample(FRUIT + METAL, 3)
        second = first[:shared] + random.sample(sorted(set(FRUIT + METAL) - set(first)), 3 - shared)
        lines.append({"a": f"{number} " + " ".join(first), "b": f"{number} " + " ".join(second), "gold": str(shared)})
    pairs.write_text("".join(json.dumps(row) + "\n" for row in lines))
    columns = {"input": "a", "pair": "b", "target": "gold"}
    return {
        "retention": [
            {"name": "topic", "data": str(labelled)},
            {"name": "neighbour", "data": str(labelled), "measure": "neighbours"},
            {"name": "pairs", "data": str(pairs), "measure": "similarity", "columns": columns},
        ]
    }


def test_damage_to_the_encoder_shows_in_its_retention(
    encoder: Path, classifier: Path, retention: dict[str, Any]
) -> None:
    """A damaged encoder loses on general data, paired on the same items, whatever its head says about the task."""
    base, tuned = measure(encoder, None, config=retention), measure(classifier, None, config=retention)
    found = {entry.info.name: entry for entry in compare_scores(base, tuned).tasks}

    assert {name: entry.n for name, entry in found.items()} == {"topic": 40, "neighbour": 80, "pairs": 30}
    assert found["topic"].delta < -0.1
    assert [entry.info.scale for entry in found.values()] == ["binary", "binary", "continuous"]
    assert set(base.extras["retention"]["pairs"]) == {"rank_agreement", "spearman"}


def test_an_undamaged_encoder_retains_everything(encoder: Path, retention: dict[str, Any]) -> None:
    """A model compared with itself loses nothing on any measure."""
    base, again = measure(encoder, None, config=retention), measure(encoder, None, config=retention)

    assert {entry.delta for entry in compare_scores(base, again).tasks} == {0.0}


def test_benchmarks_for_causal_models_are_refused(classifier: Path) -> None:
    """Leaving them out silently would gate on nothing."""
    with pytest.raises(ModelError, match="benchmarks need a causal model"):
        measure(classifier, None, config={"benchmarks": ["hellaswag"]})


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=30))
def test_equal_ranks_agree_wholly(values: list[float]) -> None:
    """A scale of the same order, ties included, is full agreement."""
    scores = np.array(values)

    assert rank_agreement(np.sign(scores) * np.abs(scores) * 2, scores).tolist() == [1.0] * len(values)


def test_unrelated_ranks_agree_as_guessing_does() -> None:
    """Over all orders of five the mean is 1 − 3·(n² − 1)/(3n²) = 1/n²: chance is 0 for all practical sizes."""
    from itertools import permutations

    gold = np.arange(5.0)
    mean = np.mean([rank_agreement(np.array(order, float), gold).mean() for order in permutations(range(5))])

    assert mean == pytest.approx(1 / 25)


def test_the_nearest_row_is_another_row() -> None:
    """A row is not its own neighbour; direction counts, length does not."""
    vectors = np.array([[1.0, 0.0], [9.0, 0.5], [0.0, 1.0], [0.1, 7.0]])

    assert nearest_labels(vectors, ["a", "b", "c", "d"]) == ["b", "a", "d", "c"]
