"""Learning rates rise, fall and differ by layer as the config says."""

from __future__ import annotations

from pathlib import Path

import pytest
from tunegate.core.models import load_causal, load_new_classifier
from tunegate.train import TrainConfig
from tunegate.train.optimiser import layer_of, make_optimiser, rate_factor


def test_the_rate_warms_up_and_decays_to_nothing() -> None:
    """Linear: up over the warm-up's steps, then down in equal steps towards 0."""
    config = TrainConfig(warmup=0.2)
    factors = [rate_factor(step, 10, config) for step in range(10)]

    assert factors == pytest.approx([0.5, 1.0, 1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125])


def test_cosine_and_constant() -> None:
    """Cosine is half way down in the middle; constant stays."""
    assert rate_factor(5, 10, TrainConfig(warmup=0.0, schedule="cosine")) == pytest.approx(0.5)
    assert rate_factor(9, 10, TrainConfig(warmup=0.0, schedule="constant")) == 1.0


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("model.layers.3.mlp.up_proj.weight", 3),
        ("bert.encoder.layer.11.output.dense.weight", 11),
        ("transformer.h.0.ln_1.bias", 0),
        ("gpt_neox.layers.5.attention.dense.weight", 5),
        ("model.embed_tokens.weight", -1),
        ("transformer.wpe.weight", -1),
        ("model.norm.weight", 99),
        ("classifier.weight", 99),
    ],
)
def test_layers_are_found_over_families(name: str, layer: int) -> None:
    """Weights are told apart by layer, embeddings below, norms and heads above."""
    assert layer_of(name, above=99) == layer


def test_rates_fall_with_depth(quickstart_base: Path) -> None:
    """With decay 0.5, each layer below the top has half the rate; embeddings the least."""
    network = load_causal(quickstart_base)
    optimiser = make_optimiser(network, TrainConfig(layer_decay=0.5), rate=1.0, head_rate=1.0, head_names=())
    names = {id(weight): name for name, weight in network.named_parameters()}
    peaks = {names[id(weight)]: group["peak"] for group in optimiser.param_groups for weight in group["params"]}

    assert peaks["model.layers.3.mlp.up_proj.weight"] == 1.0
    assert peaks["model.layers.0.mlp.up_proj.weight"] == 0.125
    assert peaks["model.embed_tokens.weight"] == 0.0625
    assert peaks["model.norm.weight"] == 1.0
    assert len(peaks) == len(names)


def test_a_new_head_has_its_own_rate_and_norms_no_decay(small_bert: Path) -> None:
    """The fresh head takes the head's rate; biases, norms and embeddings are not decayed."""
    network, new = load_new_classifier(small_bert, {"a": 0, "b": 1})
    optimiser = make_optimiser(network, TrainConfig(), rate=1e-5, head_rate=1e-3, head_names=new)
    names = {id(weight): name for name, weight in network.named_parameters()}
    groups = {names[id(weight)]: group for group in optimiser.param_groups for weight in group["params"]}

    assert new == ("classifier",)
    assert groups["classifier.weight"]["peak"] == 1e-3
    assert groups["bert.encoder.layer.0.output.dense.weight"]["peak"] == 1e-5
    assert groups["bert.encoder.layer.0.output.dense.weight"]["weight_decay"] == 0.01
    for name in ("bert.encoder.layer.0.output.dense.bias", "bert.embeddings.word_embeddings.weight"):
        assert groups[name]["weight_decay"] == 0.0
