"""Attention for rows that lie behind each other in one line, without padding: every row attends to itself alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.hooks import RemovableHandle

NAME = "tunegate_varlen"
LAYER = re.compile(r"(?:^|\.)(?:layers?|h|blocks?)\.\d+$")
"""Name of a layer, over model families."""


def use_varlen(model: Any) -> None:
    """Make a model attend row by row; its forward pass then takes `sequence_lengths` (tokens of each row).

    Raises:
        ValueError: the model cannot change its attention.
    """
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface

    AttentionInterface.register(NAME, _attend)
    AttentionMaskInterface.register(NAME, _no_mask)
    model.set_attn_implementation(NAME)


def use_varlen_reader(network: torch.nn.Module) -> RemovableHandle:
    """The same for a network with a label head, which reads the first token of each row.

    Behind its last layer the rows become a padded block again.

    Returns:
        the handle that takes the unfolding away again.

    Raises:
        ValueError: the model cannot change its attention, or has no layers.
    """
    layers = [module for name, module in network.named_modules() if LAYER.search(name)]
    if not layers:
        raise ValueError("no layers are found in it")
    use_varlen(network)
    handle: RemovableHandle = layers[-1].register_forward_hook(_unfold, with_kwargs=True)
    return handle


def _unfold(_module: torch.nn.Module, _inputs: Any, options: Mapping[str, Any], output: Any) -> Any:
    """One line of rows (1, tokens, width) to a block (rows, longest, width), zeros behind the shorter ones."""
    lengths = options.get("sequence_lengths")
    if lengths is None:
        return output
    states = output[0] if isinstance(output, tuple) else output
    block = pad_sequence(list(torch.split(states[0], lengths)), batch_first=True)
    return (block, *output[1:]) if isinstance(output, tuple) else block


def _no_mask(*_args: Any, **_options: Any) -> None:
    return None


def _attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    sequence_lengths: list[int] | None = None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """Scaled dot-product attention of each row (batch 1, heads, tokens, width) in float32 on a CPU.

    Flash attention in bf16 is slower than in float32 on CPUs that have bf16 matrix products. Under autocast, rotated
    queries and keys arrive in float32 and values in the format of the projections, which is that of the result.
    """
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    lengths = sequence_lengths or [query.shape[2]]
    window = options.get("sliding_window")
    if window and window < max(lengths):
        raise ValueError(f"rows of {max(lengths)} tokens exceed the sliding window of {window}")
    dtype = value.dtype
    inside = torch.float32 if query.device.type == "cpu" else dtype
    query, key, value = query.to(inside), key.to(inside), value.to(inside)
    parts = []
    with torch.autocast(query.device.type, enabled=False):
        for q, k, v in zip(*(torch.split(states, lengths, 2) for states in (query, key, value)), strict=True):
            parts.append(sdpa_attention_forward(module, q, k, v, attention_mask, **options)[0])
    return torch.cat(parts, 1).to(dtype), None
