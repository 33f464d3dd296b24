"""A plan to the memory and time that training will take, before a weight is loaded."""

from __future__ import annotations

import time

import torch

from .device import free_memory
from .methods import FULL_BYTES
from .plan import Plan

ADAPTER_SHARE = 0.01
"""Trained share of the weights with adapters of rank 16 on all linear layers, roughly."""
ACTIVATION_FLOATS = 34
"""Numbers kept per token, layer and unit of width for the backward pass of a transformer without checkpointing
(Korthikanti et al. 2022, eq. 1: 34 bytes at 2 bytes a number without attention scores; here 34 numbers, a cautious
bound that leaves room for wider feed-forward blocks)."""
PROBE = 1024
"""Width of the matrix product that measures the device."""
EFFICIENCY = 0.5
"""Share of a large matrix product's speed that training reaches, roughly."""

MICRO_TOKENS = 4096
"""Tokens in one forward pass where nothing else is asked for: enough for a CPU."""
GPU_TOKENS = (16384, 8192)
"""What a GPU gets instead where it fits: below, it waits for the calls more than it computes."""
FREE_SHARE = 0.6
"""Share of the free memory that a training with that many tokens may be estimated at."""

SECONDS_TOLD, MINUTES_TOLD = 120, 7200
"""Seconds below which a time is told in seconds, and in minutes."""


def micro_tokens(plan: Plan) -> int:
    """Tokens in one forward pass at most, where no memory limit was met yet."""
    if plan.config.micro_tokens or plan.place.device.type != "cuda":
        return plan.config.micro_tokens or MICRO_TOKENS
    room = FREE_SHARE * free_memory(plan.place.device)
    fitting = (tokens for tokens in GPU_TOKENS if estimate_memory(plan, tokens) <= room)
    return next(fitting, MICRO_TOKENS)


def estimate_memory(plan: Plan, tokens: int | None = None) -> int:
    """Peak bytes: weights, gradients and moments, and the activations of one forward pass of so many tokens."""
    trained, frozen = plan.shape.weights, 0
    if plan.choice.is_adapter or plan.config.freeze == "encoder":
        trained, frozen = int(plan.shape.weights * ADAPTER_SHARE), plan.shape.weights
    size = 4 if plan.place.precision == "fp32" else 2
    copies = FULL_BYTES * trained + 4 * frozen
    if plan.config.replay.kl and not plan.choice.is_adapter:
        copies += 4 * plan.shape.weights
    shape = plan.shape
    tokens = max(tokens or micro_tokens(plan), max(map(len, plan.encoding.rows)))
    tokens = min(tokens, plan.config.batch_size * max(map(len, plan.encoding.rows)))
    kept = ACTIVATION_FLOATS * shape.layers
    if plan.config.activation_checkpointing:
        kept = ACTIVATION_FLOATS + shape.layers  # all of one layer, and the input of each
    return int(copies + kept * tokens * shape.width * size)


def estimate_seconds(plan: Plan, tokens_per_row: float) -> float:
    """Seconds of training on this device: 6 (adapters 4) operations per weight and token, at the measured speed."""
    per_weight = 4 if plan.choice.is_adapter else 2 if plan.config.freeze == "encoder" else 6
    rows = plan.steps * plan.config.batch_size
    operations = per_weight * plan.shape.body * rows * tokens_per_row
    return operations / (EFFICIENCY * _operations_per_second(plan) * plan.place.processes)


def describe_cost(memory: int, seconds: float) -> str:
    """Bytes and seconds for people.

    >>> describe_cost(3 * 2**30, 400), describe_cost(2**25, 5), describe_cost(2**36, 90_000)
    ('3.0 GiB and 6.7 minutes', '32 MiB and 5 seconds', '64.0 GiB and 25.0 hours')
    """
    size = f"{memory / 2**30:.1f} GiB" if memory >= 2**30 else f"{memory / 2**20:.0f} MiB"
    if seconds < SECONDS_TOLD:
        return f"{size} and {seconds:.0f} seconds"
    return f"{size} and " + (f"{seconds / 60:.1f} minutes" if seconds < MINUTES_TOLD else f"{seconds / 3600:.1f} hours")


def _operations_per_second(plan: Plan) -> float:
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[plan.place.precision]
    matrix = torch.ones(PROBE, PROBE, device=plan.place.device, dtype=dtype)
    (matrix @ matrix).sum().item()
    start = time.perf_counter()
    (matrix @ matrix).sum().item()
    return 2 * PROBE**3 / max(time.perf_counter() - start, 1e-9)
