"""The divergence of tuned from base is 0 for the same model, right by hand, and grows with the change."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree

import pytest
from tunegate.core.errors import IntegrityError
from tunegate.core.formats import load_examples
from tunegate.core.models import load_causal, load_tokenizer, quiet_peft
from tunegate.core.prompts import PromptConfig
from tunegate.core.results import Drift
from tunegate.evaluate import EvaluateConfig, Resident, measure_drift, read_drift, write_drift

ROWS = [{"text": f"The number {n} is", "label": "even" if n % 2 == 0 else "odd"} for n in range(6)]


def changed(base: Path, folder: Path, factor: float) -> Path:
    from safetensors.torch import load_file, save_file

    copy = copytree(base, folder)
    weights = {name: value * factor for name, value in load_file(base / "model.safetensors").items()}
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    return copy


def drift(base: Path, tuned: Path, rows: int = 6) -> Drift:
    config = EvaluateConfig(drift_rows=rows)
    return measure_drift(str(base), str(tuned), task=load_examples(ROWS), config=config, prompts=PromptConfig())


def test_a_model_does_not_drift_from_itself(quickstart_base: Path) -> None:
    """Exactly zero."""
    assert drift(quickstart_base, quickstart_base).kl == 0.0


def test_a_larger_change_is_a_larger_drift(quickstart_base: Path, tmp_path: Path) -> None:
    """The further the weights are moved, the larger the divergence."""
    near, far = (drift(quickstart_base, changed(quickstart_base, tmp_path / str(f), f)).kl for f in (1.02, 1.2))

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

    assert found.kl == pytest.approx(expected, rel=1e-4)
    assert (found.rows, found.tokens, found.standard_error) == (1, ids.numel(), None)


def test_an_adapter_drifts_like_the_model_that_it_makes(quickstart_base: Path, tmp_path: Path) -> None:
    """One resident model with its adapter on and off gives what two models give, and is left without the adapter."""
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(0)
    settings = LoraConfig(r=2, init_lora_weights=False, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    with quiet_peft():
        adapted = get_peft_model(load_causal(quickstart_base), settings)
    adapted.save_pretrained(tmp_path / "adapter")
    copytree(quickstart_base, tmp_path / "merged")
    adapted.merge_and_unload().save_pretrained(tmp_path / "merged")
    config, data, resident = EvaluateConfig(drift_rows=6), load_examples(ROWS), Resident()
    found = measure_drift(
        str(quickstart_base),
        str(quickstart_base),
        adapter=tmp_path / "adapter",
        task=data,
        config=config,
        prompts=PromptConfig(),
        resident=resident,
    )

    assert found.kl == pytest.approx(drift(quickstart_base, tmp_path / "merged").kl, rel=1e-3)
    assert not any("lora" in name for name, _ in resident.base(str(quickstart_base), config).named_parameters())
    assert resident.loads == 1


def test_a_drift_survives_its_file_and_nothing_else_passes_for_one(tmp_path: Path) -> None:
    """What was written is read; another file is refused by name."""
    drift = Drift(kl=0.25, standard_error=None, rows=1, tokens=9, largest=0.25)
    write_drift(drift, tmp_path / "drift.json")
    (tmp_path / "other.json").write_text('{"schema_version": 1, "kl": 1}')

    assert read_drift(tmp_path / "drift.json") == drift
    with pytest.raises(IntegrityError, match=r"other\.json: not a drift of"):
        read_drift(tmp_path / "other.json")
