"""The divergence of tuned from base is 0 for the same model, right by hand, and grows with the change."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree

import pytest
from tunegate.core.formats import load_examples
from tunegate.core.models import load_causal, load_tokenizer
from tunegate.core.prompts import PromptConfig
from tunegate.evaluate import EvaluateConfig, measure_drift

ROWS = [{"text": f"The number {n} is", "label": "even" if n % 2 == 0 else "odd"} for n in range(6)]


def changed(base: Path, folder: Path, factor: float) -> Path:
    from safetensors.torch import load_file, save_file

    copy = copytree(base, folder)
    weights = {name: value * factor for name, value in load_file(base / "model.safetensors").items()}
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    return copy


def drift(base: Path, tuned: Path, rows: int = 6) -> dict[str, float]:
    config = EvaluateConfig(drift_rows=rows)
    return measure_drift(str(base), str(tuned), task=load_examples(ROWS), config=config, prompts=PromptConfig())


def test_a_model_does_not_drift_from_itself(quickstart_base: Path) -> None:
    """Exactly zero."""
    assert drift(quickstart_base, quickstart_base)["kl"] == 0.0


def test_a_larger_change_is_a_larger_drift(quickstart_base: Path, tmp_path: Path) -> None:
    """The further the weights are moved, the larger the divergence."""
    near, far = (drift(quickstart_base, changed(quickstart_base, tmp_path / str(f), f))["kl"] for f in (1.02, 1.2))

    assert 0 < near < far / 10


def test_the_divergence_of_one_row_by_hand(quickstart_base: Path, tmp_path: Path) -> None:
    """Mean over positions of the sum over the vocabulary of p·log(p/q), p the base."""
    import torch

    tuned = changed(quickstart_base, tmp_path / "tuned", 1.1)
    config, data = EvaluateConfig(drift_rows=1), load_examples(ROWS[:1])
    found = measure_drift(str(quickstart_base), str(tuned), task=data, config=config, prompts=PromptConfig())
    ids = torch.tensor([load_tokenizer(quickstart_base)("The number 0 is\nLabel: even")["input_ids"]])
    with torch.inference_mode():
        p, q = (load_causal(model)(ids).logits[0].softmax(-1) for model in (quickstart_base, tuned))
        expected = (p * (p / q).log()).sum(-1).mean().item()

    assert found["kl"] == pytest.approx(expected, rel=1e-4)
    assert (found["rows"], found["tokens"]) == (1, ids.numel())
