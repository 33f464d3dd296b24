"""Rows with any number of labels: whole sets, F1 by hand, and a base that is measured like the tuned head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tunegate.core.errors import ModelError
from tunegate.core.formats import load_examples
from tunegate.core.prompts import PromptConfig
from tunegate.evaluate import EvaluateConfig, compare_scores, evaluate_model
from tunegate.evaluate.task.multi_label import label_sets, multi_label_report

ROWS = [
    {"text": f"{n} {' and '.join(words)}", "label": "|".join(words)}
    for n in range(8)
    for words in (["red"], ["round"], ["red", "round"], ["round", "red"], [])
]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small BERT with random weights, and the same with a multi-label head."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification, BertModel

    tokenizer = AutoTokenizer.from_pretrained(
        str(Path(__file__).resolve().parents[2] / "examples" / "quickstart" / "base")
    )
    torch.manual_seed(0)
    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=len(tokenizer), **small)).save_pretrained(base := tmp_path_factory.mktemp("base"))
    head = BertForSequenceClassification.from_pretrained(
        str(base), id2label={0: "red", 1: "round"}, problem_type="multi_label_classification"
    )
    head.save_pretrained(tuned := tmp_path_factory.mktemp("tuned"))
    for folder in (base, tuned):
        tokenizer.save_pretrained(str(folder))
    return base, tuned


def measure(model: Path, **config: Any) -> Any:
    settings = EvaluateConfig.model_validate(config)
    return evaluate_model(str(model), task=load_examples(ROWS), config=settings, prompts=PromptConfig())


def test_base_and_tuned_pair_on_whole_sets_of_labels(models: tuple[Path, Path]) -> None:
    """The order of a row's labels does not matter, no label is a set as well, and probe and head compare."""
    base, tuned = (measure(model, multi_label="|") for model in models)
    task = compare_scores(base, tuned).tasks[0]

    assert (task.info.metric, task.info.chance, task.n) == ("subset_accuracy", 0.4, 40)
    assert set(base.rows["target"].to_pylist()) == {"red", "round", "red|round", ""}
    assert {"subset_accuracy", "micro_f1", "macro_f1", "per_class"} <= set(tuned.extras["task"])


def test_f1_by_hand() -> None:
    """Of three labels wanted two are given, and one that was not: precision 2/3, recall 2/3."""
    report = multi_label_report(
        ["a", "b"], np.array([[0.9, 0.1], [0.9, 0.8], [0.2, 0.1]]), ["a", "b", "a"], separator="|", how=""
    )

    assert report["micro_f1"] == pytest.approx(2 / 3)
    assert report["macro_f1"] == pytest.approx((1 / 2 + 1) / 2)
    assert report["subset_accuracy"] == pytest.approx(1 / 3)


def test_sets_ignore_order_and_space() -> None:
    """Labels are compared as sets."""
    assert label_sets(["b | a", "a|b", " "], "|") == [("a", "b"), ("a", "b"), ()]


def test_a_multi_label_head_needs_the_separator(models: tuple[Path, Path]) -> None:
    """Measuring it as one label a row would be wrong without a word."""
    with pytest.raises(ModelError, match=r"a multi-label head; set evaluate\.multi_label"):
        measure(models[1])
