"""The dry run finds what the real run would hit, counts what it will do, and shows one row as the model sees it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from tunegate.core.errors import DataError, InputError, MissingExtraError, ModelError, RecipeError
from tunegate.core.prompts import PromptConfig
from tunegate.train import Preflight, TrainConfig, preflight
from tunegate.train.methods import choose_method

Rows = list[dict[str, Any]]
TWO = [{"text": "a", "label": "x"}, {"text": "b", "label": "y"}]


def check(rows: Rows, model: Path, *, validation: Any = None, **config: Any) -> Preflight:
    return preflight(
        rows, model=str(model), config=TrainConfig(**config), prompts=PromptConfig(), validation=validation
    )


def test_counts_and_the_decoded_row(labelled: Rows, quickstart_base: Path) -> None:
    """Rows, steps, begin and end tokens are counted; the supervised part stands in brackets."""
    found = check(labelled, quickstart_base, epochs=2, batch_size=8)

    assert (found.method, found.rows, found.trained_rows, found.steps) == ("full", 45, 45, 2 * math.ceil(45 / 8))
    assert (found.counts["bos"], found.counts["eos_supervised"]) == (45, 45)
    assert found.example == "<|endoftext|>hi I want my money back\nLabel:⟦ refund<|endoftext|>⟧"
    assert found.memory_bytes > 16 * 0.9e6
    assert found.seconds > 0
    assert found.learned == f"{found.supervised_tokens:,} of {found.tokens:,} tokens are learned"


def test_a_label_row_shows_its_label(labelled: Rows, small_bert: Path) -> None:
    """A label head's row is shown with its label; rows of each label are counted."""
    found = check(labelled, small_bert)

    assert found.example.endswith("→ refund")
    assert found.labels == {"delivery": 15, "login": 15, "refund": 15}
    assert found.learned == f"3 labels are learned from 45 rows with {found.tokens:,} tokens"


def test_it_is_json(labelled: Rows, quickstart_base: Path) -> None:
    """The whole report is plain JSON."""
    found = check(labelled, quickstart_base)

    assert json.loads(json.dumps(found.to_json())) == found.to_json()


def test_truncation_is_counted_and_warned_of(quickstart_base: Path) -> None:
    """Prompts that are cut are counted, and a warning names how many."""
    rows = [{"prompt": "word " * 300, "completion": "yes"}] * 2 + [{"prompt": "short", "completion": "no"}] * 8
    found = check(rows, quickstart_base)

    assert found.counts["truncated"] == 2
    assert found.warnings[0] == "2 of 10 rows are cut to 256 tokens"


@pytest.mark.parametrize(
    ("rows", "config", "error", "message"),
    [
        ([{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}] * 3, {},
         ModelError, "no chat template"),
        ([{"prompt": "a " * 400, "completion": "b"}] * 6 + [{"prompt": "a", "completion": "b"}] * 3,
         {"truncation": "drop"}, DataError, "6 of 9 rows would not be trained on: 6 longer than 256 tokens"),
        ([{"prompt": "a", "completion": "b " * 400}] * 3, {"truncation": "cut_prompt"}, DataError,
         "none of 3 rows has anything to learn: 3 with an answer alone longer than 256 tokens, all that the model can "
         "read; train.truncation: cut_answer would shorten it"),
        ([{"prompt": "a", "completion": "b " * 40}] * 3, {"max_length": 16}, DataError,
         r"longer than 16 tokens \(train.max_length\)"),
        ([{"prompt": "a " * 400, "completion": "b"}] * 3, {"truncation": "cut_answer"}, DataError, "was cut away"),
        ([{"prompt": f"{n} " + "a " * 400, "completion": "b"} for n in range(60)],
         {"truncation": "cut_answer"}, DataError,
         "none of 54 rows has anything to learn: 54 whose answer is empty or was cut away"),
        (TWO, {"freeze": "encoder"}, RecipeError, "needs method head"),
        (TWO, {"method": "lora", "freeze": 2}, RecipeError, "lora trains adapters alone"),
        (TWO, {"class_weights": "balanced"}, RecipeError, "belongs to a label head"),
        (TWO, {"method": "head", "class_weights": {"z": 2}}, RecipeError, "no row has the label 'z'"),
        (TWO, {"precision": "fp16"}, InputError, "fp16 needs"),
        (TWO, {"report_to": ["wandb"]}, MissingExtraError, r"pip install 'tunegate\[wandb\]'"),
        (TWO, {"method": "lora", "lora": {"four_bit": True}}, MissingExtraError, r"tunegate\[quantize\]"),
    ],
)  # fmt: skip
def test_what_would_fail_is_refused(
    rows: Rows, config: dict[str, Any], error: type[Exception], message: str, quickstart_base: Path
) -> None:
    """Missing chat template, answers cut away, settings that do not fit: found before any weight is loaded."""
    with pytest.raises(error, match=message):
        check(rows, quickstart_base, **config)


def test_validation_data_must_fit(labelled: Rows, small_bert: Path) -> None:
    """Validation labels that training lacks, rows of another kind, and no usable row at all are refused."""
    with pytest.raises(DataError, match="labels that training lacks: 'other'"):
        check(labelled, small_bert, validation=[{"text": "hi", "label": "other"}])
    with pytest.raises(DataError, match="completion examples, but training has label"):
        check(labelled, small_bert, validation=[{"prompt": "hi", "completion": "other"}])
    with pytest.raises(DataError, match="there is no row in it"):
        check(labelled, small_bert, validation=[])
    with pytest.raises(DataError, match="none of 2 validation rows can be validated on"):
        check(labelled, small_bert, validation=[{"text": "hi " * 40, "label": "login"}] * 2, truncation="drop")


def test_a_folder_that_is_not_there_is_told(labelled: Rows, tmp_path: Path) -> None:
    """A mistyped path is no hub id: the message says that the folder is missing."""
    with pytest.raises(ModelError, match=r"missing: no such folder"):
        check(labelled, tmp_path / "missing")


def test_an_encoder_cannot_write(small_bert: Path) -> None:
    """Completions need a causal model."""
    with pytest.raises(RecipeError, match="an encoder cannot learn to write"):
        check([{"prompt": "a", "completion": "b"}] * 3, small_bert)


@pytest.mark.parametrize(
    ("weights", "method", "rate"), [(1e6, "full", 1e-3), (300e6, "full", 5e-5), (7e9, "lora", 2e-4)]
)
def test_large_models_get_adapters(weights: float, method: str, rate: float) -> None:
    """Full fine-tuning where 16 bytes a weight fit into 60 % of memory, else lora; rates fall with size."""
    chosen = choose_method(TrainConfig(), family="causal", kind="completion", weights=int(weights), memory=80 * 2**30)

    assert (chosen.method, chosen.rate) == (method, rate)


def test_settings_are_checked() -> None:
    """Unknown keys and values outside their range are refused by the config."""
    for wrong in (
        {"epoch": 3},
        {"learning_rate": 0},
        {"interpolate": 1.5},
        {"interpolate": "best"},
        {"freeze": -1},
        {"replay": {"kl": 1.0}},
        {"method": "dora", "interpolate": 0.5},
        {"lora": {"four_bit": True}},
    ):
        with pytest.raises(ValueError, match="validation error"):
            TrainConfig.model_validate(wrong)
