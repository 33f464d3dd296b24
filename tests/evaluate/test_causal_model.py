"""One resident model serves base and tuned; other back ends give the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tunegate.core.errors import RecipeError
from tunegate.core.formats import load_examples
from tunegate.core.models import load_causal
from tunegate.core.prompts import PromptConfig
from tunegate.evaluate import EvaluateConfig, Resident, evaluate_model

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")  # raised by peft
ROWS = [{"text": f"The number {n} is", "label": "even" if n % 2 == 0 else "odd"} for n in range(12)]


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA adapter with weights that change the model."""
    import torch
    from peft import LoraConfig, get_peft_model

    base = Path(__file__).resolve().parents[2] / "examples" / "quickstart" / "base"
    torch.manual_seed(0)
    tuned = get_peft_model(load_causal(base), LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    with torch.no_grad():
        for name, weight in tuned.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, 0.1)
    folder = tmp_path_factory.mktemp("adapter")
    tuned.save_pretrained(str(folder))
    return folder


def measure(model: Path, **options: Any) -> Any:
    config = EvaluateConfig.model_validate(options.pop("config", {}))
    return evaluate_model(str(model), task=load_examples(ROWS), config=config, prompts=PromptConfig(), **options)


def test_one_resident_model_serves_base_and_adapter(quickstart_base: Path, adapter: Path) -> None:
    """The base is loaded once; with the adapter taken off again it gives its first numbers, bit for bit."""
    resident = Resident()
    before = measure(quickstart_base, resident=resident)
    tuned = measure(quickstart_base, adapter=adapter, resident=resident)
    after = measure(quickstart_base, resident=resident)
    alone = measure(quickstart_base, adapter=adapter)

    assert resident.loads == 1
    assert after.rows.equals(before.rows)
    assert tuned.rows.equals(alone.rows)
    assert tuned.rows["logprobs"] != before.rows["logprobs"]
    assert tuned.model_hash != before.model_hash


def test_an_adapter_never_finds_the_answers_of_its_base(quickstart_base: Path, adapter: Path, tmp_path: Path) -> None:
    """Base and adapter share a folder of weights, not a key of the cache."""
    measure(quickstart_base, cache=tmp_path)

    assert measure(quickstart_base, adapter=adapter, cache=tmp_path).extras["requests_asked"] == 24


@pytest.mark.filterwarnings("ignore")
def test_an_adapter_of_lm_eval_gives_the_same_rows(quickstart_base: Path) -> None:
    """`evaluate.backend` changes who computes, not what is asked nor how it is counted."""
    ours = measure(quickstart_base)
    theirs = measure(
        quickstart_base, config={"backend": "hf", "backend_options": {"dtype": "float32", "device": "cpu"}}
    )

    assert theirs.rows.drop_columns(["logprobs"]).equals(ours.rows.drop_columns(["logprobs"]))
    for a, b in zip(ours.rows["logprobs"].to_pylist(), theirs.rows["logprobs"].to_pylist(), strict=True):
        assert a == pytest.approx(b, abs=1e-3)


def test_an_unknown_back_end_is_named(quickstart_base: Path) -> None:
    """A typing mistake is the user's to mend."""
    with pytest.raises(RecipeError, match=r"evaluate.backend: 'vlm' cannot be used"):
        measure(quickstart_base, config={"backend": "vlm"})
