"""Rows with any number of labels: whole sets, F1 by hand, and a base that is measured like the tuned head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
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


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(2, 4))
def test_figures_are_those_of_scikit_learn(seed: int, rows: int, labels: int) -> None:
    """Per label and over all of them, also where a label is never given or never there."""
    from sklearn.metrics import precision_recall_fscore_support

    random = np.random.default_rng(seed)
    names = [str(number) for number in range(labels)]
    truth = random.integers(0, 2, (rows, labels))
    chances = random.random((rows, labels))
    targets = ["|".join(name for name, there in zip(names, row, strict=True) if there) for row in truth]
    report = multi_label_report(names, chances, targets, separator="|", how="", bins=10)
    options = {"zero_division": 0.0}
    each = precision_recall_fscore_support(truth, (chances >= 0.5).astype(int), **options)
    micro = precision_recall_fscore_support(truth, (chances >= 0.5).astype(int), average="micro", **options)

    found = [[entry[key] for entry in report["per_class"]] for key in ("precision", "recall", "f1", "n")]
    assert np.array(found) == pytest.approx(np.array(each))
    assert report["micro_f1"] == pytest.approx(micro[2])


def test_f1_by_hand() -> None:
    """Of three labels wanted two are given, and one that was not: precision 2/3, recall 2/3."""
    report = multi_label_report(
        ["a", "b"], np.array([[0.9, 0.1], [0.9, 0.8], [0.2, 0.1]]), ["a", "b", "a"], separator="|", how="", bins=10
    )

    assert report["micro_f1"] == pytest.approx(2 / 3)
    assert report["macro_f1"] == pytest.approx((1 / 2 + 1) / 2)
    assert report["subset_accuracy"] == pytest.approx(1 / 3)


def test_calibration_by_hand() -> None:
    """Each label by itself: of two rows at 0.9 one has `a`, the row at 0.2 has it; `b` is as likely as frequent."""
    chances = np.array([[0.9, 0.25], [0.9, 0.25], [0.2, 0.25], [0.0, 0.25]])
    report = multi_label_report(["a", "b"], chances, ["a", "", "a|b", "c"], separator="|", how="", bins=10)
    by_label = {entry["label"]: entry["ece"] for entry in report["per_class"]}

    assert by_label["a"] == pytest.approx((abs(1.8 - 1) + abs(0.2 - 1) + 0.0) / 4)
    assert by_label["b"] == 0.0
    assert by_label["c"] is None
    assert report["ece"] == pytest.approx(0.4 / 2)


def test_coarser_bins_hide_opposite_errors() -> None:
    """In one bin 0.1 too much and 0.1 too little make up for each other; in ten they do not."""
    chances, targets = np.array([[0.9]] * 5 + [[0.3]] * 5), ["a"] * 4 + [""] + ["a"] * 2 + [""] * 3
    errors = [multi_label_report(["a"], chances, targets, separator="|", how="", bins=bins)["ece"] for bins in (1, 10)]

    assert errors == pytest.approx([0.0, 0.1])


def test_sets_ignore_order_and_space() -> None:
    """Labels are compared as sets."""
    assert label_sets(["b | a", "a|b", " "], "|") == [("a", "b"), ("a", "b"), ()]


def test_a_multi_label_head_needs_the_separator(models: tuple[Path, Path]) -> None:
    """Measuring it as one label a row would be wrong without a word."""
    with pytest.raises(ModelError, match=r"a multi-label head; set evaluate\.multi_label"):
        measure(models[1])
