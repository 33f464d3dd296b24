"""A network to an optimiser: which weights get which learning rate and decay, and how the rate moves over the steps."""

from __future__ import annotations

import math
import re
from typing import Any

import torch

from .config import TrainConfig

LAYER = re.compile(r"\.(?:layers?|h|blocks?)\.(\d+)\.")
"""A layer's number in a weight's name, over model families."""
FINAL_SHARE = 0.0
"""Share of the peak learning rate that the last step ends on."""


def make_optimiser(
    network: torch.nn.Module, config: TrainConfig, *, rate: float, head_rate: float, head_names: tuple[str, ...]
) -> torch.optim.AdamW:
    """AdamW over the trainable weights; each group carries its peak rate as `peak`."""
    named = [(name, weight) for name, weight in network.named_parameters() if weight.requires_grad]
    depth = 1 + max((layer_of(name) for name, _ in network.named_parameters()), default=0)
    groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    embedded = {id(weight) for weight in _embeddings(network)}
    for name, weight in named:
        is_head = any(part in head_names for part in name.split("."))
        peak = head_rate if is_head else rate * config.layer_decay ** (depth - 1 - layer_of(name, depth - 1))
        decays = weight.ndim >= 2 and id(weight) not in embedded
        groups.setdefault((peak, config.weight_decay if decays else 0.0), []).append(weight)
    listed: list[dict[str, Any]] = [
        {"params": weights, "lr": peak, "peak": peak, "weight_decay": decay}
        for (peak, decay), weights in sorted(groups.items())
    ]
    return torch.optim.AdamW(listed, fused=named[0][1].device.type in {"cpu", "cuda"})


def layer_of(name: str, above: int = -1) -> int:
    """Number of the layer a weight belongs to: embeddings −1, then 0, 1, …; `above` for what lies over the layers.

    >>> layer_of("model.layers.3.mlp.up_proj.weight"), layer_of("wte.weight", 11), layer_of("head.bias", 11)
    (3, -1, 11)
    """
    if found := LAYER.search(name):
        return int(found[1])
    return -1 if re.search(r"embed|wte|wpe", name) else above


def rate_factor(step: int, total: int, config: TrainConfig) -> float:
    """Share of the peak learning rate at a step (from 0) of `total`."""
    warm = max(1, round(config.warmup * total)) if config.warmup else 0
    if step < warm:
        return (step + 1) / warm
    if config.schedule == "constant":
        return 1.0
    passed = (step - warm) / max(1, total - warm)
    falling = 1 - passed if config.schedule == "linear" else (1 + math.cos(math.pi * passed)) / 2
    return FINAL_SHARE + (1 - FINAL_SHARE) * falling


def _embeddings(network: Any) -> list[torch.nn.Parameter]:
    return [
        weight
        for module in network.modules()
        if isinstance(module, torch.nn.Embedding)
        for weight in module.parameters()
    ]
