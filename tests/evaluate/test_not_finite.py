"""A model whose numbers are none is refused: of choices that are all NaN, the first would count as the likeliest."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from tunegate.core.errors import ModelError
from tunegate.core.formats import load_examples
from tunegate.core.models import load_causal, load_tokenizer
from tunegate.core.prompts import PromptConfig
from tunegate.evaluate import EvaluateConfig, evaluate_model
from tunegate.evaluate.scoring.request import Request, require_finite
from tunegate.evaluate.scoring.response_cache import answer_all
from tunegate.evaluate.scoring.scorer import CausalScorer

LABELS = [{"text": f"The number {n} is", "label": "even" if n % 2 == 0 else "odd"} for n in range(4)]
WRITTEN = [{"prompt": f"Question: {n} + 1 = ?\nAnswer:", "completion": f" {n + 1}"} for n in range(4)]


@pytest.fixture
def diverged(quickstart_base: Path, tmp_path: Path) -> Path:
    """The shipped model with a weight that is NaN."""
    from safetensors.torch import load_file, save_file

    model = copytree(quickstart_base, tmp_path / "model")
    weights = load_file(model / "model.safetensors")
    name = min(name for name in weights if "layers.0" in name and weights[name].ndim == 2)
    weights[name][0, 0] = float("nan")
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    return model


@pytest.mark.parametrize(("rows", "told"), [(LABELS, "log-likelihood nan"), (WRITTEN, "no likelihood")])
def test_a_diverged_model_is_refused(rows: list[dict[str, str]], told: str, diverged: Path, tmp_path: Path) -> None:
    """With the cause, and again the next time: nothing of it is kept on disk."""
    config = EvaluateConfig.model_validate({"max_new_tokens": 4})
    for _ in range(2):
        with pytest.raises(ModelError, match=rf"{told}.*weights may hold NaN.*evaluate\.dtype: float32"):
            evaluate_model(
                str(diverged), task=load_examples(rows), config=config, prompts=PromptConfig(), cache=tmp_path / "cache"
            )


@pytest.mark.parametrize("sampling", [{"do_sample": True, "temperature": 1.0}, {"do_sample": False}])
def test_the_models_own_way_of_writing_refuses_it_too(diverged: Path, sampling: dict[str, Any]) -> None:
    """Sampled texts, and those of models with generation settings of their own."""
    model, tokenizer = load_causal(diverged), load_tokenizer(diverged)
    model.generation_config.repetition_penalty = 1.3
    options = json.dumps({**sampling, "max_gen_toks": 4})

    with pytest.raises(ModelError, match="NaN"):
        list(CausalScorer(model, tokenizer).answer([Request(kind="generate", prompt="One", options=options)]))


@pytest.mark.parametrize("kind", ["label", "features"])
def test_a_diverged_head_or_encoder_is_refused(kind: str, quickstart_base: Path) -> None:
    """Its rows are counted."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification
    from tunegate.evaluate.task.label_models import classify_by_head, features

    torch.manual_seed(0)
    tokenizer = load_tokenizer(quickstart_base)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    model = BertForSequenceClassification(BertConfig(vocab_size=len(tokenizer), num_labels=2, **sizes)).eval()
    with torch.no_grad():
        model.bert.encoder.layer[0].output.dense.weight[0, 0] = float("nan")
    measure: Any = classify_by_head if kind == "label" else features

    with pytest.raises(ModelError, match="4 of 4 rows scores that are not numbers"):
        measure(load_examples(LABELS), model, tokenizer, batch_tokens=512)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_only_numbers_are_answers(value: float) -> None:
    """Impossible ones too: a file of JSON cannot hold them."""
    for answer in ((value, False), value):
        with pytest.raises(ModelError, match="' cat'"):
            require_finite(Request(kind="loglikelihood", prompt="the", continuation=" cat"), answer)
    require_finite(Request(kind="generate", prompt="the"), "nan")


def test_an_answer_on_disk_that_is_none_is_asked_again(tmp_path: Path) -> None:
    """Older versions kept NaN as null, and could not read it."""
    request, file = Request(kind="loglikelihood", prompt="the", continuation=" cat"), tmp_path / "answers.jsonl"
    file.write_text(json.dumps([request.key, [None, False]]) + "\n")

    found = answer_all([request], lambda _: iter([[(0, (-1.5, True))]]), file=file, description="asking")

    assert found == ([(-1.5, True)], 1)
