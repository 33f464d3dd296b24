"""A config and a base model to what is trained: every weight, adapters, or a new label head on a pretrained model."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from ..core.errors import MissingExtraError, ModelError, RecipeError
from ..core.models import Family, load_causal, load_new_classifier, quiet_peft
from .config import Method, TrainConfig
from .optimiser import layer_of

FULL_BYTES = 16
"""Bytes per weight of full fine-tuning: value, gradient and two moments, all float32."""
FULL_SHARE = 0.6
"""Share of free memory that full fine-tuning may fill before activations; beyond it, auto chooses lora."""
FULL_RATES = ((10e6, 1e-3), (100e6, 3e-4), (1e9, 5e-5), (float("inf"), 1e-5))
"""Learning rate of full fine-tuning by model size (weights up to, rate): large models are tuned at 1e-5, BERT-sized
ones at 5e-5, and rates grow as models shrink; 1e-3 is measured on the 0.9M model of the quickstart."""
LORA_RATES = ((10e6, 3e-3), (100e6, 1e-3), (1e9, 3e-4), (float("inf"), 2e-4))
"""The same for adapters: 2e-4 is usual for large models, 3e-3 is measured on the quickstart's."""
ENCODER_RATE = 5e-5
HEAD_RATE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """How the model will be tuned."""

    method: Method
    """full, lora, dora or head."""
    rate: float
    """Peak learning rate."""
    head_rate: float
    """Peak learning rate of a new head."""
    has_head: bool
    """Whether a label head is trained (else text is)."""
    reason: str
    """Why this method, for people."""

    @property
    def is_adapter(self) -> bool:
        """Whether the weights of the base stay frozen under adapters."""
        return self.method in {"lora", "dora"}


def choose_method(config: TrainConfig, *, family: Family, kind: str, weights: int, memory: int) -> Choice:
    """Fill in what a config leaves to us.

    Args:
        config: the user's wishes.
        family: what the base model is.
        kind: kind of the examples.
        weights: number of weights of the base model.
        memory: bytes that can be allocated.

    Raises:
        RecipeError: method, model and data do not fit together.
    """
    if family != "causal" and kind != "label":
        raise RecipeError(f"model: an encoder cannot learn to write; {kind!r} examples need a causal model")
    if config.method == "head" and kind != "label":
        raise RecipeError(f"train.method: head needs examples with labels, and these are {kind!r}")
    if config.method == "full" and family != "causal":
        raise RecipeError("train.method: full is for causal models; an encoder takes head (every weight is trained)")
    if family == "causal" and config.method != "head":
        _refuse_head_settings(config)
    method, reason = _method(config, family=family, weights=weights, memory=memory)
    has_head = method == "head" or family != "causal"
    if config.freeze == "encoder" and method != "head":
        raise RecipeError(f"train.freeze: encoder needs method head, not {method}")
    if config.freeze and method in {"lora", "dora"}:
        raise RecipeError(f"train.freeze: {method} trains adapters alone; choose their layers with train.lora.targets")
    rate = config.learning_rate or _rate(method, family=family, weights=weights)
    head_rate = config.head_learning_rate or HEAD_RATE
    return Choice(method=method, rate=rate, head_rate=head_rate, has_head=has_head, reason=reason)


def build_network(
    choice: Choice, model: str, *, config: TrainConfig, label_map: Mapping[str, int], precision: str
) -> tuple[Any, tuple[str, ...]]:
    """The network to train, in float32 wherever it is trained, and the names of its new modules (a fresh head).

    Seed torch before: heads and adapters are drawn from its generator.

    Raises:
        ModelError: the model cannot be loaded or has no layer that fits.
    """
    dtype = "bfloat16" if choice.is_adapter and precision == "bf16" else "float32"
    new: tuple[str, ...] = ()
    if choice.has_head:
        network, new = load_new_classifier(
            model,
            label_map,
            is_multi_label=config.multi_label is not None,
            dtype=dtype,
            trust_remote_code=config.trust_remote_code,
        )
    elif config.lora.four_bit and choice.is_adapter:
        network = _load_four_bit(model, config)
    else:
        network = load_causal(model, dtype=dtype, trust_remote_code=config.trust_remote_code)
    if config.dropout is not None:
        _set_dropout(network, config.dropout)
    if choice.is_adapter:
        network = _with_adapters(network, choice, config, new)
        for weight in network.parameters():
            if weight.requires_grad:
                weight.data = weight.data.float()  # also a new head beside a bf16 base
        return network, new
    _freeze(network, config.freeze, new)
    return network, new


def _refuse_head_settings(config: TrainConfig) -> None:
    for name, value, neutral in (
        ("class_weights", config.class_weights, "none"),
        ("multi_label", config.multi_label, None),
        ("head_learning_rate", config.head_learning_rate, None),
    ):
        if value != neutral:
            raise RecipeError(f"train.{name}: belongs to a label head; this run trains text (set train.method: head)")


def _method(config: TrainConfig, *, family: Family, weights: int, memory: int) -> tuple[Method, str]:
    if config.method != "auto":
        return config.method, "as the recipe says"
    if family != "causal":
        return "head", "the model reads text and the data has labels: a new head, trained end to end"
    need = FULL_BYTES * weights
    if need <= FULL_SHARE * memory:
        return "full", f"full fine-tuning of {weights / 1e6:,.1f}M weights fits ({_gib(need)} of {_gib(memory)} free)"
    return "lora", f"full fine-tuning needs {_gib(need)} and {_gib(memory)} are free: low-rank adapters"


def _gib(number: float) -> str:
    return f"{number / 2**30:,.1f} GiB"


def _rate(method: Method, *, family: Family, weights: int) -> float:
    if method == "head" and family != "causal":
        return ENCODER_RATE
    rates = LORA_RATES if method in {"lora", "dora"} else FULL_RATES
    return next(rate for limit, rate in rates if weights <= limit)


def _with_adapters(network: Any, choice: Choice, config: TrainConfig, new: tuple[str, ...]) -> Any:
    from peft import LoraConfig, get_peft_model

    wanted = config.lora
    adapters = LoraConfig(
        r=wanted.rank,
        lora_alpha=wanted.alpha,  # type: ignore[arg-type]
        lora_dropout=wanted.dropout,
        target_modules=wanted.targets if isinstance(wanted.targets, str) else list(wanted.targets),
        exclude_modules=list(new) or None,
        modules_to_save=list(new) or None,
        use_rslora=wanted.rank_stabilised,
        use_dora=choice.method == "dora",
        task_type="SEQ_CLS" if choice.has_head else "CAUSAL_LM",
    )
    try:
        with quiet_peft(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="fan_in_fan_out is set")  # it is set right by what the layer is
            return get_peft_model(network, adapters)
    except ValueError as error:
        raise ModelError(f"train.lora.targets: {wanted.targets!r} fits no layer of the model ({error})") from error


def _freeze(network: Any, freeze: str | int, new: tuple[str, ...]) -> None:
    for name, weight in network.named_parameters():
        if freeze == "encoder":
            weight.requires_grad_(any(part in new for part in name.split(".")))
        elif isinstance(freeze, int) and freeze and layer_of(name, above=freeze) < freeze:
            weight.requires_grad_(False)


def _set_dropout(network: Any, share: float) -> None:
    import torch

    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = share
        elif isinstance(getattr(module, "attention_dropout", None), float):
            module.attention_dropout = share
    for name in vars(network.config):
        if re.search(r"(dropout|pdrop)(_prob)?$", name) and isinstance(getattr(network.config, name), float):
            setattr(network.config, name, share)


def require_four_bit() -> None:
    """Refuse a 4-bit base where it cannot be held.

    Raises:
        MissingExtraError: bitsandbytes is not installed.
    """
    if find_spec("bitsandbytes") is None:
        raise MissingExtraError("quantize", "bitsandbytes")


def _load_four_bit(model: str, config: TrainConfig) -> Any:
    import torch
    from peft import prepare_model_for_kbit_training
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    four = BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )
    loaded = AutoModelForCausalLM.from_pretrained(
        model, quantization_config=four, use_safetensors=True, trust_remote_code=config.trust_remote_code
    )
    return prepare_model_for_kbit_training(loaded, use_gradient_checkpointing=False)  # type: ignore[no-untyped-call]
