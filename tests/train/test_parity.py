"""Our losses are the models' own, and neither layout, micro-batches nor adapters' bookkeeping change a gradient."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tunegate.core.models import load_causal
from tunegate.core.prompts import PromptConfig
from tunegate.train import TrainConfig
from tunegate.train.layout import choose_layout
from tunegate.train.opening import open_session
from tunegate.train.plan import Plan, make_plan
from tunegate.train.step import train_step


def plan_for(rows: list[dict[str, str]], model: Path, **config: Any) -> Plan:
    settings = {"dropout": 0.0, "monitor": {"validation_share": 0.0}, **config}
    return make_plan(rows, model=str(model), config=TrainConfig(**settings), prompts=PromptConfig())


def gradient(rows: list[dict[str, str]], model: Path, folder: Path, **config: Any) -> tuple[float, torch.Tensor, int]:
    """Loss and gradient of one step over all rows, and the number of forward passes."""
    plan = plan_for(rows, model, clip=1e9, **config)
    session, *_ = open_session(plan, folder)
    batch = list(plan.encoding.rows)
    result = train_step(session, batch, step=0)
    flat = torch.cat([weight.grad.reshape(-1) for weight in session.trained if weight.grad is not None])
    return result.loss, flat, len(session.micros(batch))


@pytest.mark.parametrize("layout", ["varlen", "padded"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_micro_batches_leave_a_text_loss_alone(
    layout: str, smoothing: float, completions: list[dict[str, str]], quickstart_base: Path, tmp_path: Path
) -> None:
    """One forward pass or many, packed or padded: the same loss and the same gradient."""
    one = gradient(completions, quickstart_base, tmp_path, layout="varlen", label_smoothing=smoothing)
    many = gradient(completions, quickstart_base, tmp_path, layout=layout, label_smoothing=smoothing, micro_tokens=64)

    assert one[2] == 1
    assert many[2] > 5
    assert many[0] == pytest.approx(one[0], rel=1e-5)
    torch.testing.assert_close(many[1], one[1], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("config", [{}, {"class_weights": "balanced"}, {"label_smoothing": 0.1}])
def test_micro_batches_leave_a_label_loss_alone(
    config: dict[str, Any], labelled: list[dict[str, str]], small_bert: Path, tmp_path: Path
) -> None:
    """A label head's loss and gradient do not grow with the number of forward passes."""
    rows = labelled[:20]
    one = gradient(rows, small_bert, tmp_path, **config)
    many = gradient(rows, small_bert, tmp_path, micro_tokens=8, **config)

    assert many[2] == 20
    assert many[0] == pytest.approx(one[0], rel=1e-5)
    torch.testing.assert_close(many[1], one[1], rtol=1e-3, atol=1e-7)


def test_a_text_loss_is_the_models_own(
    completions: list[dict[str, str]], quickstart_base: Path, tmp_path: Path
) -> None:
    """Loss and gradient equal those of transformers on the same padded batch with labels."""
    ours = gradient(completions, quickstart_base, tmp_path)
    plan = plan_for(completions, quickstart_base)
    network = load_causal(quickstart_base)
    length = max(map(len, plan.encoding.rows))
    ids, labels, mask = (torch.full((len(completions), length), filler) for filler in (1, -100, 0))
    for number, row in enumerate(plan.encoding.rows):
        ids[number, : len(row)] = torch.from_numpy(row.ids.astype("int64"))
        labels[number, : len(row)] = torch.from_numpy(row.ids.astype("int64"))
        labels[number, : len(row)][~torch.from_numpy(row.supervised)] = -100
        mask[number, : len(row)] = 1
    loss = network(input_ids=ids, attention_mask=mask, labels=labels, use_cache=False).loss
    loss.backward()
    theirs = torch.cat([weight.grad.reshape(-1) for weight in network.parameters() if weight.grad is not None])

    assert ours[0] == pytest.approx(float(loss.detach()), rel=1e-5)
    torch.testing.assert_close(ours[1], theirs, rtol=1e-3, atol=1e-6)


def test_a_label_loss_is_the_models_own(labelled: list[dict[str, str]], small_bert: Path, tmp_path: Path) -> None:
    """Loss equals that of transformers' own classifier on the same rows with the same fresh head."""
    plan = plan_for(labelled, small_bert)
    session, *_ = open_session(plan, tmp_path)
    micro = session.objective.collate(plan.encoding.rows, plan.place.device)
    session.network.eval()
    ours = float(session.objective.loss_sum(session.network, micro).detach()) / len(micro.rows)
    target = torch.tensor([row.target[0] for row in micro.rows])

    assert ours == pytest.approx(float(session.network(**micro.inputs, labels=target).loss.detach()), rel=1e-6)


def test_adapters_take_the_fast_layout(
    completions: list[dict[str, str]], quickstart_base: Path, tmp_path: Path
) -> None:
    """LoRA's gradient is the same in one line of rows and in padded passes."""
    rows = [{**row, "completion": row["completion"] + "."} for row in completions]
    one = gradient(rows, quickstart_base, tmp_path, method="lora", layout="varlen")
    many = gradient(rows, quickstart_base, tmp_path, method="lora", layout="padded", micro_tokens=64)

    torch.testing.assert_close(many[1], one[1], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_checkpointed_activations_change_no_gradient(
    method: str, completions: list[dict[str, str]], quickstart_base: Path, tmp_path: Path
) -> None:
    """Loss and gradient are the same, and less than half as much is kept for the backward pass."""
    kept: dict[bool, int] = {}
    found = {}
    for checkpointing in (False, True):
        kept[checkpointing] = 0

        def count(tensor: torch.Tensor, checkpointing: bool = checkpointing) -> torch.Tensor:
            kept[checkpointing] += tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            found[checkpointing] = gradient(
                completions, quickstart_base, tmp_path, method=method, activation_checkpointing=checkpointing
            )

    assert found[True][0] == pytest.approx(found[False][0], rel=1e-6)
    torch.testing.assert_close(found[True][1], found[False][1], rtol=1e-4, atol=1e-7)
    assert kept[True] < kept[False] / 2


def reader(architecture: str, folder: Path, small_bert: Path) -> Path:
    """A randomly initialised encoder of another family, with the small BERT's tokenizer."""
    import transformers
    from tunegate.core.models import load_tokenizer

    tokenizer = load_tokenizer(small_bert)
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    sizes: dict[str, Any] = {"vocab_size": len(tokenizer), "max_position_embeddings": 40, "pad_token_id": 0}
    wide = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    configs = {
        "roberta": lambda: transformers.RobertaConfig(type_vocab_size=1, **sizes, **wide),
        "distilbert": lambda: transformers.DistilBertConfig(dim=32, n_layers=2, n_heads=2, hidden_dim=64, **sizes),
        "albert": lambda: transformers.AlbertConfig(embedding_size=16, **sizes, **wide),
        "deberta-v2": lambda: transformers.DebertaV2Config(type_vocab_size=0, **sizes, **wide),
    }
    torch.manual_seed(0)
    transformers.AutoModel.from_config(configs[architecture]()).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("architecture", "layout"),
    [
        ("bert", "varlen"),
        ("roberta", "varlen"),
        ("distilbert", "varlen"),
        ("albert", "padded"),
        ("deberta-v2", "padded"),
    ],
)
def test_an_encoder_reads_rows_in_one_line_where_that_is_right(
    architecture: str, layout: str, labelled: list[dict[str, str]], small_bert: Path, tmp_path: Path
) -> None:
    """Loss and gradient in the layout that the self-check takes are those of padded rows; the others fall back."""
    model = small_bert if architecture == "bert" else reader(architecture, tmp_path / "model", small_bert)
    session, *_ = open_session(plan_for(labelled, model), tmp_path)
    found = gradient(labelled, model, tmp_path)
    padded = gradient(labelled, model, tmp_path, layout="padded")

    assert session.objective.layout == layout
    assert found[0] == pytest.approx(padded[0], rel=1e-5)
    torch.testing.assert_close(found[1], padded[1], rtol=1e-3, atol=1e-6)


def test_text_pairs_are_read_alike_in_one_line(
    labelled: list[dict[str, str]], small_bert: Path, tmp_path: Path
) -> None:
    """Segments of text pairs travel with the line: its logits are those of padded pairs."""
    rows = [{"premise": row["text"], "hypothesis": "hello login", "label": row["label"]} for row in labelled]
    logits = {}
    for layout in ("auto", "padded"):
        plan = plan_for(rows, small_bert, layout=layout)
        session, *_ = open_session(plan, tmp_path)
        session.network.eval()
        micro = session.objective.collate(plan.encoding.rows, plan.place.device)
        logits[session.objective.layout] = session.network(**micro.inputs).logits
        assert int(micro.inputs["token_type_ids"].sum()) == 3 * len(rows)

    torch.testing.assert_close(logits["varlen"], logits["padded"], rtol=1e-4, atol=1e-5)


def tiny(architecture: str, folder: Path, quickstart_base: Path) -> Path:
    """A randomly initialised causal model of another family, with the quickstart's tokenizer."""
    import transformers
    from tunegate.core.models import load_tokenizer

    sizes = {"vocab_size": 1024, "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 1}
    common = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "intermediate_size": 64,
        "head_dim": 16,
        **sizes,
    }
    torch.manual_seed(0)
    configs = {
        "gpt2": lambda: transformers.GPT2Config(n_embd=32, n_layer=2, n_head=2, n_positions=256, **sizes),
        "qwen3": lambda: transformers.Qwen3Config(**common),
        "gemma2": lambda: transformers.Gemma2Config(
            sliding_window=16, final_logit_softcapping=1.0, attn_implementation="eager", **common
        ),
        "mamba": lambda: transformers.MambaConfig(
            hidden_size=32, num_hidden_layers=2, state_size=4, initializer_range=0.5, **sizes
        ),
    }
    model = transformers.AutoModelForCausalLM.from_config(configs[architecture]())
    model.save_pretrained(folder)
    load_tokenizer(quickstart_base).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("architecture", ["quickstart", "gpt2", "qwen3", "gemma2"])
@pytest.mark.parametrize("method", ["full", "lora"])
def test_text_is_trained_in_half_precision(
    architecture: str, method: str, completions: list[dict[str, str]], quickstart_base: Path, tmp_path: Path
) -> None:
    """With bf16 products, loss and direction of the gradient are those of float32, in either layout."""
    model = quickstart_base
    if architecture != "quickstart":
        model = tiny(architecture, tmp_path / architecture, quickstart_base)
    exact, *others = (
        gradient(completions, model, tmp_path, method=method, precision=precision, layout=layout)
        for precision, layout in (("fp32", "auto"), ("bf16", "auto"), ("bf16", "padded"))
    )

    for loss, flat, _ in others:
        assert loss == pytest.approx(exact[0], rel=2e-2)
        assert float(torch.nn.functional.cosine_similarity(flat, exact[1], dim=0)) > 0.98


@pytest.mark.parametrize("architecture", ["bert", "distilbert", "deberta-v2"])
@pytest.mark.parametrize("method", ["head", "lora"])
def test_labels_are_trained_in_half_precision(
    architecture: str, method: str, labelled: list[dict[str, str]], small_bert: Path, tmp_path: Path
) -> None:
    """The same for a label head, also over a base that is held in bf16 under adapters."""
    model = small_bert if architecture == "bert" else reader(architecture, tmp_path / "model", small_bert)
    exact, half = (
        gradient(labelled, model, tmp_path, method=method, precision=precision) for precision in ("fp32", "bf16")
    )

    assert half[0] == pytest.approx(exact[0], rel=2e-2)
    assert float(torch.nn.functional.cosine_similarity(half[1], exact[1], dim=0)) > 0.9


@pytest.mark.parametrize(
    ("architecture", "layout", "is_linear"),
    [("gpt2", "varlen", True), ("qwen3", "varlen", True), ("gemma2", "padded", False), ("mamba", "padded", True)],
)
def test_the_self_check_takes_the_fastest_layout_that_is_right(
    architecture: str,
    layout: str,
    is_linear: bool,
    completions: list[dict[str, str]],
    quickstart_base: Path,
    tmp_path: Path,
) -> None:
    """Families that honour the line of rows get it; soft-capped logits and recurrent states fall back."""
    model = tiny(architecture, tmp_path / architecture, quickstart_base)
    plan = plan_for(completions, model)
    network = load_causal(model)
    objective = choose_layout(plan, network, 1)

    assert (objective.layout, objective.is_linear) == (layout, is_linear)
    micro = objective.collate(plan.encoding.rows, plan.place.device)
    ours = float(objective.loss_sum(network, micro).detach())
    plain = load_causal(model)
    theirs = 0.0
    for row in plan.encoding.rows:
        ids = torch.from_numpy(row.ids.astype("int64"))[None]
        labels = ids.masked_fill(~torch.from_numpy(row.supervised)[None], -100)
        with torch.no_grad():
            theirs += float(plain(input_ids=ids, labels=labels).loss) * int(row.supervised.sum())
    assert ours == pytest.approx(theirs, rel=1e-4)
