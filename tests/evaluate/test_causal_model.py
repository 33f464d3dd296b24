"""One resident model serves base and tuned; other back ends give the same rows."""

from __future__ import annotations

import json
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


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_one_resident_model_serves_base_and_adapter(quickstart_base: Path, adapter: Path, device: str) -> None:
    """The base is loaded once; with the adapter taken off again it gives its first numbers, bit for bit."""
    resident, config = Resident(), {"device": device}
    before = measure(quickstart_base, resident=resident, config=config)
    tuned = measure(quickstart_base, adapter=adapter, resident=resident, config=config)
    after = measure(quickstart_base, resident=resident, config=config)
    alone = measure(quickstart_base, adapter=adapter, config=config)

    assert resident.loads == 1
    assert after.rows.equals(before.rows)
    assert tuned.rows.equals(alone.rows)
    assert tuned.rows["logprobs"] != before.rows["logprobs"]
    assert tuned.model_hash != before.model_hash


def test_looks_of_one_run_measure_a_general_dataset_once(quickstart_base: Path, adapter: Path, tmp_path: Path) -> None:
    """It is measured whole, so a second look finds it done; another model, other rows or another seed do not."""
    general = tmp_path / "general.jsonl"
    lines = [{"text": f"word {n} {n * n} {7 * n % 24}", "label": "abc"[n % 3]} for n in range(24)]
    general.write_text("".join(json.dumps(line) + "\n" for line in lines))
    config = {"retention": [{"name": "letters", "data": str(general), "measure": "neighbours"}]}
    resident, calls = Resident(), [0]
    base = resident.base(str(quickstart_base), EvaluateConfig())
    base.model.register_forward_pre_hook(lambda *_: calls.append(calls.pop() + 1))

    def look(**options: Any) -> tuple[int, Any]:
        before = calls[0]
        rows = measure(quickstart_base, config=config, resident=resident, cache=tmp_path / "c", **options).rows
        return calls[0] - before, [row for row in rows.to_pylist() if row["task"] == "letters"]

    first, again = look(share=0.5), look(share=0.5)
    tuned, other_seed = look(share=0.5, adapter=adapter), look(share=0.5, seed=1)
    general.write_text(general.read_text().replace("word 3 ", "word three "))
    other_rows = look(share=0.5)

    assert (first[0] > 0, again[0]) == (True, 0)
    assert again[1] == first[1]
    assert len(first[1]) == 24
    assert all(found[0] > 0 for found in (tuned, other_seed, other_rows))
    assert [row["prediction"] for row in tuned[1]] != [row["prediction"] for row in first[1]]


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
