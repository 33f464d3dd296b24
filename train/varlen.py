"""Attention for rows that lie behind each other in one line, without padding: every row attends to itself alone."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import accumulate
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils.rnn import pad_sequence
from torch.utils.hooks import RemovableHandle

varlen_attn: Any
try:
    from torch.nn.attention.varlen import varlen_attn
except ImportError:  # before torch 2.10
    varlen_attn = None

NAME = "tunegate_varlen"
WIDEST = 256
"""Numbers per head that flash attention takes at most."""
KERNELS = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
"""All but cuDNN's, which are built anew for every length of a row."""
CAUSAL = (
    {"window_size": (-1, 0)}
    if varlen_attn and "window_size" in inspect.signature(varlen_attn).parameters
    else {"is_causal": True}
)
"""How it is told, in each release, that a token sees those before it."""
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
    _attention_mask: torch.Tensor | None,
    sequence_lengths: list[int] | None = None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """Scaled dot-product attention of each row (batch 1, heads, tokens, width), in float32 on a CPU.

    Flash attention in bf16 is slower than in float32 on CPUs that have bf16 matrix products. Under autocast, rotated
    queries and keys arrive in float32 and values in the format of the projections, which is that of the result.
    """
    lengths = sequence_lengths or [query.shape[2]]
    window = options.get("sliding_window")
    if window and window < max(lengths):
        raise ValueError(f"rows of {max(lengths)} tokens exceed the sliding window of {window}")
    dtype = value.dtype
    inside = torch.float32 if query.device.type == "cpu" else dtype
    query, key, value = query.to(inside), key.to(inside), value.to(inside)
    attend = _attend_at_once if _fits_one_kernel(query, lengths, options) else _attend_in_turn
    with torch.autocast(query.device.type, enabled=False):
        return attend(module, query, key, value, lengths=lengths, **options).to(dtype), None


def _attend_in_turn(module: torch.nn.Module, *states: torch.Tensor, lengths: list[int], **options: Any) -> torch.Tensor:
    """A call for each row (batch 1, tokens, heads, width)."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    rows = zip(*(torch.split(one, lengths, 2) for one in states), strict=True)
    with sdpa_kernel(KERNELS):
        return torch.cat([sdpa_attention_forward(module, q, k, v, None, **options)[0] for q, k, v in rows], 1)


def _fits_one_kernel(query: torch.Tensor, lengths: list[int], options: Mapping[str, Any]) -> bool:
    """Whether flash attention takes all rows at once: half precision on CUDA, no dropout, torch 2.10 or later."""
    width = query.shape[-1]
    return (
        varlen_attn is not None
        and query.device.type == "cuda"
        and len(lengths) > 1
        and query.dtype in {torch.float16, torch.bfloat16}
        and not options.get("dropout")
        and width % 8 == 0
        and width <= WIDEST
    )


def _attend_at_once(module: torch.nn.Module, *states: torch.Tensor, lengths: list[int], **options: Any) -> torch.Tensor:
    """One kernel for all rows: on an accelerator a call for each costs more than what it computes."""
    stated = options.get("is_causal")
    if not (getattr(module, "is_causal", True) if stated is None else stated):
        return _attend_in_turn(module, *states, lengths=lengths, **options)
    heads, ends, longest = states[0].shape[1], _ends(tuple(lengths), states[0].device), max(lengths)
    query, key, value = (one[0].repeat_interleave(heads // one.shape[1], 0).transpose(0, 1) for one in states)
    natural = query.shape[-1] ** -0.5
    factor = (options.get("scaling") or natural) / natural
    query = query if math.isclose(factor, 1.0) else query * factor
    line: torch.Tensor = varlen_attn(
        query.contiguous(), key.contiguous(), value.contiguous(), ends, ends, longest, longest, **CAUSAL
    )
    return line[None]


@lru_cache(maxsize=4)
def _ends(lengths: tuple[int, ...], device: torch.device) -> torch.Tensor:
    """Where each row begins and the last one ends: every layer of a forward pass asks for the same."""
    with torch.inference_mode(False):  # kept, so it may be asked for again where gradients are made
        return torch.tensor([0, *accumulate(lengths)], dtype=torch.int32, device=device)
