"""Training on a GPU learns what training on a CPU does, in every method and number format it has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tunegate.core.prompts import PromptConfig
from tunegate.train import TrainConfig, train_model
from tunegate.train.opening import open_session
from tunegate.train.plan import make_plan
from tunegate.train.step import Session, train_step

pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("ignore")]
CLOSE = {"fp32": 2e-3, "bf16": 4e-2, "fp16": 1e-2}
"""Relative difference of a loss after six steps, by the format of matrix products."""
Rows = list[dict[str, str]]


def losses(rows: Rows, model: Path, out: Path, **config: Any) -> list[float]:
    """Loss of each step of a short run."""
    settings = {"dropout": 0.0, "batch_size": 8, "max_steps": 6, "monitor": {"validation_share": 0.0}, **config}
    train_model(rows, model=str(model), out=out, config=TrainConfig(**settings), prompts=PromptConfig(), seed=1)
    return [json.loads(line)["loss"] for line in (out / "training_log.jsonl").open() if '"norm"' in line]


def session_on(device: str, rows: Rows, model: Path, folder: Path, **config: Any) -> tuple[Session, list[Any]]:
    settings = {"device": device, "dropout": 0.0, "monitor": {"validation_share": 0.0}, **config}
    plan = make_plan(rows, model=str(model), config=TrainConfig(**settings), prompts=PromptConfig())
    return open_session(plan, folder)[0], list(plan.encoding.rows)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("method", ["full", "lora", "dora"])
def test_text_is_learned_as_on_a_cpu(
    method: str, precision: str, completions: Rows, quickstart_base: Path, tmp_path: Path
) -> None:
    """Every step's loss is that of a CPU in float32, up to the rounding of the format."""
    wanted = {"method": method, "learning_rate": 1e-3}
    expected = losses(completions, quickstart_base, tmp_path / "cpu", device="cpu", precision="fp32", **wanted)
    found = losses(completions, quickstart_base, tmp_path / "gpu", device="cuda", precision=precision, **wanted)

    assert found == pytest.approx(expected, rel=CLOSE[precision])
    assert len(found) == 6


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("freeze", [0, "encoder"])
def test_labels_are_learned_as_on_a_cpu(
    freeze: Any, precision: str, labelled: Rows, small_bert: Path, tmp_path: Path
) -> None:
    """A label head, with its encoder or alone."""
    wanted = {"method": "head", "freeze": freeze}
    expected = losses(labelled, small_bert, tmp_path / "cpu", device="cpu", precision="fp32", **wanted)
    found = losses(labelled, small_bert, tmp_path / "gpu", device="cuda", precision=precision, **wanted)

    assert found == pytest.approx(expected, rel=CLOSE[precision])


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_rows_in_one_line_have_the_gradient_of_padded_rows(
    precision: str, completions: Rows, quickstart_base: Path, tmp_path: Path
) -> None:
    """Attention over a line of rows in one kernel keeps them apart, forwards and backwards."""
    gradients = []
    for layout in ("varlen", "padded"):
        session, rows = session_on("cuda", completions, quickstart_base, tmp_path, layout=layout, precision=precision)
        assert session.layout == layout
        train_step(session, rows, step=0)
        gradients.append(torch.cat([weight.grad.reshape(-1) for weight in session.trained if weight.grad is not None]))

    apart = (gradients[0] - gradients[1]).norm() / gradients[1].norm()
    assert float(apart) < {"fp32": 1e-4, "bf16": 5e-2}[precision]


@pytest.mark.parametrize("config", [{"activation_checkpointing": True}, {"replay": {"source": "self", "kl": 0.5}}])
def test_options_run(config: dict[str, Any], completions: Rows, quickstart_base: Path, tmp_path: Path) -> None:
    """What takes another way through a step takes it on a GPU too."""
    found = losses(completions, quickstart_base, tmp_path / "out", device="cuda", **config)

    assert len(found) == 6
    assert all(0 < loss < 20 for loss in found)


def test_a_stopped_run_goes_on(completions: Rows, quickstart_base: Path, tmp_path: Path) -> None:
    """From a checkpoint on a GPU, random state included, to the losses of a run that was never stopped."""
    wanted = {"device": "cuda", "method": "lora", "lora": {"dropout": 0.1}, "checkpoint_steps": 3}
    whole = losses(completions, quickstart_base, tmp_path / "whole", **wanted)
    from tunegate.train import loop

    step = loop.train_step

    def broken(session: Session, rows: Any, **options: Any) -> Any:
        if options["step"] == 4:
            raise KeyboardInterrupt
        return step(session, rows, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "train_step", broken)
        with pytest.raises(KeyboardInterrupt):
            losses(completions, quickstart_base, tmp_path / "broken", **wanted)
    assert (tmp_path / "broken.partial" / "checkpoint" / "progress.json").is_file()

    assert losses(completions, quickstart_base, tmp_path / "broken", **wanted) == pytest.approx(whole, rel=1e-4)


def test_memory_that_runs_out_repeats_the_step(quickstart_base: Path, tmp_path: Path) -> None:
    """A real error of CUDA halves the forward passes; the weights end where those of a card with room do."""
    model = _wide(quickstart_base, tmp_path / "model")
    rows = [{"prompt": f"count {n} " * 20, "completion": f"{n} numbers " * 20} for n in range(64)]
    ended = []
    for more in (None, 900 << 20):
        torch.cuda.empty_cache()
        session, made = session_on("cuda", rows, model, tmp_path, micro_tokens=1 << 16, precision="fp32", method="full")
        if more:
            whole = torch.cuda.mem_get_info()[1]
            torch.cuda.empty_cache()
            torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + more) / whole)
        try:
            train_step(session, made, step=0)
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0)
        ended.append((session.halvings, torch.cat([weight.detach().reshape(-1).cpu() for weight in session.trained])))
        del session

    assert ended[0][0] == 0
    assert ended[1][0] > 0
    torch.testing.assert_close(ended[1][1], ended[0][1], rtol=1e-3, atol=2e-5)


def test_a_base_in_four_bits_carries_an_adapter(completions: Rows, quickstart_base: Path, tmp_path: Path) -> None:
    """QLoRA trains, its adapter is saved, and the loss is near that of an adapter on the whole base."""
    pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
    model = _wide(quickstart_base, tmp_path / "model")
    wanted = {"method": "lora", "device": "cuda", "learning_rate": 1e-3}
    plain = losses(completions, model, tmp_path / "plain", **wanted)
    small = losses(completions, model, tmp_path / "small", **wanted, lora={"four_bit": True})

    assert (tmp_path / "small" / "adapter_model.safetensors").is_file()
    assert small == pytest.approx(plain, rel=0.1)
    assert small[-1] < small[0]


def _wide(tokenizer: Path, folder: Path) -> Path:
    """A random Llama of 4 layers, 512 wide, with the quickstart's tokenizer."""
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    reader = AutoTokenizer.from_pretrained(str(tokenizer))
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=512,
        intermediate_size=2048,
        num_hidden_layers=4,
        num_attention_heads=8,
        max_position_embeddings=512,
        vocab_size=len(reader),
        bos_token_id=reader.bos_token_id,
        eos_token_id=reader.eos_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(str(folder))
    reader.save_pretrained(str(folder))
    return folder
