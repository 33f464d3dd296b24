"""The user's own task: labels by likelihood, written answers by metrics, and what is reported of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.metrics import brier_score_loss, f1_score
from tunegate.core.errors import DataError, RecipeError
from tunegate.core.formats import load_examples
from tunegate.core.models import load_causal, load_tokenizer
from tunegate.core.prompts import Prompt, PromptConfig
from tunegate.evaluate import EvaluateConfig, evaluate_model
from tunegate.evaluate.task.answers import _turn_end
from tunegate.evaluate.task.labels import Classified, calibration, confusion, label_report
from tunegate.evaluate.task.text_metrics import find_metric

LABELS = [{"text": f"The number {n} is", "label": ["even", "odd", "prime"][n % 3]} for n in range(9)]
ANSWERS = [{"prompt": f"The sky number {n} is", "completion": "blue"} for n in range(5)]


def measure(model: Path, rows: list[dict[str, str]], **config: Any) -> Any:
    return evaluate_model(
        str(model), task=load_examples(rows), config=EvaluateConfig.model_validate(config), prompts=PromptConfig()
    )


def test_a_labels_score_is_the_likelihood_of_the_whole_answer(quickstart_base: Path) -> None:
    """Answer and end of text, as training supervises them: a label that begins another is not favoured for it."""
    import torch

    found = measure(quickstart_base, LABELS)
    model, tokenizer = load_causal(quickstart_base), load_tokenizer(quickstart_base)
    expected = []
    for label in ("even", "odd", "prime"):
        context = tokenizer(f"{LABELS[0]['text']}\nLabel:")["input_ids"]
        ids = [*tokenizer(f"{LABELS[0]['text']}\nLabel: {label}")["input_ids"], tokenizer.eos_token_id]
        with torch.inference_mode():
            logs = model(torch.tensor([ids])).logits[0].log_softmax(-1)
        expected.append(sum(logs[n - 1, ids[n]].item() for n in range(len(context), len(ids))))

    assert found.rows["logprobs"][0].as_py() == pytest.approx(expected, abs=1e-4)
    assert found.rows["choices"][0].as_py() == ["even", "odd", "prime"]
    assert found.rows["prediction"][0].as_py() == ["even", "odd", "prime"][int(np.argmax(expected))]


def test_the_label_set_can_be_wider_than_the_held_out_rows(quickstart_base: Path) -> None:
    """A model that may answer more labels is not measured as if it could not."""
    found = measure(quickstart_base, LABELS, labels=["even", "odd", "prime", "none"])

    assert found.rows["choices"][0].as_py() == ["even", "odd", "prime", "none"]


def test_written_answers_are_scored_by_every_metric(quickstart_base: Path) -> None:
    """One row per example and metric; the first metric is the one that is compared; the text itself is kept."""
    found = measure(quickstart_base, ANSWERS, metrics=["exact_match", "token_f1", "regex:^[a-z ]"], max_new_tokens=6)
    (info,) = found.tasks

    assert (info.metric, info.scale) == ("exact_match", "binary")
    assert found.rows.num_rows == 5 * 4
    lengths = [row for row in found.rows.to_pylist() if row["metric"] == "response_length"]
    assert [row["value"] for row in lengths] == [float(len(row["prediction"])) for row in lengths]


def scores(probabilities: list[list[float]]) -> Classified:
    return Classified(labels=("a", "b", "c"), log_scores=np.log(np.array(probabilities)), how="")


def test_calibration_by_hand() -> None:
    """Two rows at .9, one of them wrong, in one bin: .4 away; one right row at .5 in another: .5 away."""
    found = scores([[0.9, 0.05, 0.05], [0.9, 0.05, 0.05], [0.25, 0.5, 0.25]])
    report = calibration(found, ["a", "b", "b"], bins=10)
    brier = (0.01 + 2 * 0.0025 + 0.81 + 0.95**2 + 0.0025 + 0.25 + 2 * 0.0625) / 3

    assert report["ece"] == pytest.approx(2 / 3 * 0.4 + 1 / 3 * 0.5)
    assert report["brier"] == pytest.approx(brier)


def test_macro_f1_and_brier_are_those_of_scikit_learn() -> None:
    """The field's own definitions, over the classes that occur in the held-out rows."""
    generator = np.random.default_rng(0)
    found = scores(generator.dirichlet([1, 1, 1], 50).tolist())
    targets = generator.choice(["a", "b", "c"], 50).tolist()
    report = label_report(found, targets, bins=10)

    assert report["macro_f1"] == pytest.approx(f1_score(targets, found.predictions, average="macro"))
    expected = brier_score_loss(targets, found.probabilities, labels=["a", "b", "c"])
    assert report["brier"] == pytest.approx(expected)


def test_a_target_outside_the_label_set_counts_as_wrong_and_is_named() -> None:
    """A head that never learned a class cannot be right about it."""
    report = label_report(scores([[0.8, 0.1, 0.1]]), ["d"], bins=10)

    assert report["unknown_labels"] == ["d"]
    assert report["accuracy"] == 0.0
    assert report["brier"] == pytest.approx(1 + 0.64 + 0.01 + 0.01)


def test_confusions_of_many_classes_are_the_largest_ones() -> None:
    """Beyond forty classes a matrix is unreadable; the largest confusions are listed, ties by name."""
    labels = [f"c{n:02}" for n in range(50)]
    found = confusion(["c00", "c00", "c01", "c02"], ["c01", "c01", "c00", "c02"], labels)

    assert found == {"largest": [["c00", "c01", 2], ["c01", "c00", 1]]}


@pytest.mark.parametrize(
    ("name", "prediction", "target", "value"),
    [
        ("exact_match", " Paris\n", "Paris", 1.0),
        ("exact_match", "paris", "Paris", 0.0),
        ("normalized_match", "The Eiffel-Tower!", "eiffeltower", 1.0),
        ("token_f1", "the red cat", "a red dog", 0.5),
        ("token_f1", "", "", 1.0),
        ("valid_json", '{"a": 1}', "", 1.0),
        ("valid_json", "{'a': 1}", "", 0.0),
        (r"regex:^\d+$", "12", "", 1.0),
        (r"regex:^\d+$", "12a", "", 0.0),
        ("rouge_l", "the cat sat", "the cat sat down", 6 / 7),
        ("rouge_l", "", " ", 1.0),
        ("rouge_l", "+", "", 0.0),
        ("chrf", "abc", "abc", 1.0),
        ("chrf", "", "", 1.0),
        ("operator:eq", "a", "a", 1.0),
    ],
)
def test_metrics_by_hand(name: str, prediction: str, target: str, value: float) -> None:
    """Each metric on a pair whose value can be worked out."""
    assert find_metric(name)(prediction, target) == pytest.approx(value)


def test_a_metric_of_ones_own_stands_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`module:function` names a file beside the recipe as well as an installed module."""
    (tmp_path / "own_metric.py").write_text("def same_length(a, b):\n    return len(a) == len(b)\n")
    monkeypatch.chdir(tmp_path)
    before = list(sys.path)
    metric = find_metric("own_metric:same_length")

    assert (metric("ab", "cd"), metric("ab", "c")) == (1.0, 0.0)
    assert sys.path == before


def test_a_schema_is_kept_or_broken(tmp_path: Path) -> None:
    """An answer conforms if it is JSON that the schema allows."""
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}
    (tmp_path / "answer.json").write_text(json.dumps(schema))
    metric = find_metric(f"schema:{tmp_path / 'answer.json'}")

    assert [metric(answer, "") for answer in ('{"a": 1}', '{"a": "1"}', "{}", "a: 1")] == [1.0, 0.0, 0.0, 0.0]
    with pytest.raises(DataError, match=r"schema:.*absent\.json: cannot be read"):
        find_metric(f"schema:{tmp_path / 'absent.json'}")
    (tmp_path / "wrong.json").write_text('{"properties": {"a": {"type": "whole"}}}')
    with pytest.raises(DataError, match=r"wrong\.json: no JSON schema \(at properties\.a\.type: 'whole'"):
        find_metric(f"schema:{tmp_path / 'wrong.json'}")


OWN = {
    "raises": ("def f(a, b):\n    return {}['b']\n", "raises KeyError: 'b'"),
    "none": ("def f(a, b):\n    return None\n", "raises TypeError"),
    "nan": ("def f(a, b):\n    return float('nan')\n", "gives nan; it must give a finite number"),
}


@pytest.mark.parametrize("kind", OWN)
def test_a_metric_of_ones_own_that_fails_is_named_with_its_row(
    kind: str, quickstart_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the function did, on which texts; the answers stay on disk for the next attempt."""
    code, told = OWN[kind]
    (tmp_path / f"own_{kind}.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    row = {"prompt": "One and", "completion": " two"}
    (identity,) = load_examples([row]).ids

    with pytest.raises(
        RecipeError, match=rf"'own_{kind}:f' for row {identity} \(prediction .*, target ' two'\) {told}"
    ):
        measure(quickstart_base, [row], metrics=[f"own_{kind}:f"], max_new_tokens=2)


def test_a_metric_that_cannot_be_made_is_told_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module that does not compile, a pattern that is none, and no metric at all."""
    (tmp_path / "own_broken.py").write_text("def f(a, b:\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RecipeError, match=r"'own_broken:f' cannot be imported \(SyntaxError"):
        find_metric("own_broken:f")
    with pytest.raises(RecipeError, match=r"regex:\( is no regular expression of Python"):
        find_metric("regex:(")
    with pytest.raises(RecipeError, match=r"regex:\("):
        measure(tmp_path / "no model", ANSWERS, metrics=["regex:("])
    with pytest.raises(ValidationError, match="metrics"):
        EvaluateConfig.model_validate({"metrics": []})


def test_the_template_ends_an_answer_that_should_be_empty() -> None:
    """Whatever it writes behind the answer, whether there is one or not."""
    ends = [
        _turn_end(Prompt(prompt="p", answer=f"{answer}<|end|>\n", has_specials=True), answer) for answer in ("yes", "")
    ]

    assert ends == [["<|end|>"], ["<|end|>"]]


@pytest.mark.parametrize("name", ["exactmatch", "no_such_module:function"])
def test_an_unknown_metric_is_named(name: str) -> None:
    """A typing mistake is the user's to mend."""
    with pytest.raises(RecipeError, match=f"evaluate.metrics: '{name}'"):
        find_metric(name)


def test_scores_are_json_ready(quickstart_base: Path) -> None:
    """Settings and extras go into a file's metadata as they are."""
    found = measure(quickstart_base, LABELS)

    assert json.loads(json.dumps([found.settings, found.extras], allow_nan=False)) == [found.settings, found.extras]
