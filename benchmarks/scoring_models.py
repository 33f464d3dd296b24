"""A name to a causal model with random weights: two small ones, and one of a size that is evaluated on accelerators."""

from __future__ import annotations

import copy
from functools import lru_cache
from typing import Any

LENGTH = 4096
"""Tokens that each of them reads."""
SMALL = {"hidden_size": 256, "intermediate_size": 768, "num_hidden_layers": 8, "num_attention_heads": 8}
LARGE = {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32}
"""The shape of Llama 3.2 1B, but for the vocabulary, which is GPT-2's."""
ABOUT = {
    "llama": "8 layers, 256 wide, random weights, GPT-2 vocabulary of 50,257, float32",
    "gpt2": "8 layers, 256 wide, random weights, GPT-2 vocabulary of 50,257, float32",
    "llama-1b": "16 layers, 2,048 wide (1.2 billion random weights), GPT-2 vocabulary of 50,257, bfloat16",
}


@lru_cache(maxsize=1)
def build_model(name: str, tokenizer: Any, device: str) -> Any:
    """A model of that name on a device; the weights are drawn there, always from one seed."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    size = len(tokenizer)
    with torch.device(device):
        if name == "gpt2":
            small = GPT2Config(n_embd=256, n_layer=8, n_head=8, n_positions=LENGTH, vocab_size=size)
            return GPT2LMHeadModel(small).eval()
        config = LlamaConfig(
            **(SMALL if name == "llama" else LARGE),
            num_key_value_heads=4 if name == "llama" else 8,
            vocab_size=size,
            max_position_embeddings=LENGTH,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
        model = LlamaForCausalLM(config).eval()
    return model.to(torch.bfloat16) if name == "llama-1b" else model


def in_float32(model: Any) -> Any | None:
    """A copy in float32 of a model in another format; None of one that is in float32."""
    import torch

    return None if model.dtype == torch.float32 else copy.deepcopy(model).float()
