"""Hidden states and targets to a summed cross-entropy, without ever holding the logits of more than one block.

The gradient is made in the forward pass: the logits of a block become its softmax in place, and two matrix products
turn that into the gradients of hidden states and output matrix. Nothing of size rows × vocabulary is kept for the
backward pass.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

BLOCK_ELEMENTS = 1 << 26
"""Logits held at once: 256 MiB in float32."""
CPU_ROWS = 8
"""Rows that pass through the softmax together on a CPU, few enough to stay in its cache (50k vocabulary)."""


class _BlockedCrossEntropy(torch.autograd.Function):
    """Sum over rows of −Σ_v q_v log softmax(h·Wᵀ)_v with q = (1 − ε)·one-hot + ε/V."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, target: Tensor, smoothing: float) -> Tensor:
        needs_hidden, needs_weight = ctx.needs_input_grad[:2]
        height = max(CPU_ROWS, BLOCK_ELEMENTS // weight.shape[0])
        matrix = weight.to(hidden.dtype)
        grad_hidden = torch.empty_like(hidden) if needs_hidden else None
        grad_weight = None
        total = hidden.new_zeros((), dtype=torch.float32)
        for start in range(0, hidden.shape[0], height):
            rows = slice(start, start + height)
            logits = hidden[rows] @ matrix.t()
            total += _softmax_gradient_(logits, target[rows], smoothing)
            if grad_hidden is not None:
                torch.mm(logits, matrix, out=grad_hidden[rows])
            if needs_weight:
                block = logits.t() @ hidden[rows]
                grad_weight = block if grad_weight is None else grad_weight.add_(block)
        ctx.gradients = (grad_hidden, grad_weight, weight.dtype)
        return total

    @staticmethod
    def backward(ctx: Any, *outputs: Any) -> Any:
        (factor,) = outputs
        grad_hidden, grad_weight, dtype = ctx.gradients
        ctx.gradients = None  # autograd copies a gradient that something else still holds
        # In place: a fresh buffer of the vocabulary's size costs more in page faults than the product itself.
        hidden = None if grad_hidden is None else grad_hidden.mul_(factor)
        weight = None if grad_weight is None else grad_weight.to(dtype).mul_(factor)
        return hidden, weight, None, None


def blocked_cross_entropy(hidden: Tensor, weight: Tensor, target: Tensor, *, smoothing: float = 0.0) -> Tensor:
    """Summed cross-entropy (nats, float32 scalar) of linear logits.

    Args:
        hidden: states (rows, width).
        weight: output matrix (vocabulary, width).
        target: class of each row (rows), int64.
        smoothing: share of each target's probability that is spread over the vocabulary.
    """
    return _BlockedCrossEntropy.apply(hidden, weight, target, smoothing)  # type: ignore[no-any-return, no-untyped-call]


def _softmax_gradient_(logits: Tensor, target: Tensor, smoothing: float) -> Tensor:
    """Turn logits into d loss / d logits in place; returns the summed loss."""
    height = CPU_ROWS if logits.device.type == "cpu" else logits.shape[0]
    total = logits.new_zeros((), dtype=torch.float32)
    for start in range(0, logits.shape[0], height):
        block = logits[start : start + height]
        right = target[start : start + height, None]
        values = block if block.dtype == torch.float32 else block.float()
        at_target = values.gather(1, right)
        mean = values.mean(1, keepdim=True) if smoothing else at_target
        top = values.amax(1, keepdim=True)
        values.sub_(top).exp_()
        sums = values.sum(1, keepdim=True)
        wanted = (1 - smoothing) * at_target + smoothing * mean
        total += (sums.log() + top - wanted).sum()
        values.div_(sums)
        if smoothing:
            values.sub_(smoothing / values.shape[1])
        values.scatter_add_(1, right, torch.full_like(at_target, smoothing - 1))
        if values is not block:
            block.copy_(values)
    return total
