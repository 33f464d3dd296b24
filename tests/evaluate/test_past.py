"""Texts that read, write and leave in room that was made once: each sees its own tokens and no others."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tunegate.evaluate.scoring import past
from tunegate.evaluate.scoring.forward import Forward
from tunegate.evaluate.scoring.past import Past

VOCABULARY = 50
HEADER = (7, 3, 9, 1)
MOST = 4
LONGEST, LIMIT = 9, 12

TOKENS = st.integers(0, VOCABULARY - 1)
TAILS = st.lists(st.lists(TOKENS, min_size=1, max_size=LONGEST), min_size=1, max_size=MOST)
MOVES = st.one_of(
    TAILS.map(lambda tails: ("read", tails)),
    st.lists(TOKENS, min_size=MOST, max_size=MOST).map(lambda tokens: ("step", tokens)),
    st.sets(st.integers(0, MOST - 1)).map(lambda dropped: ("drop", dropped)),
)


@cache
def build(name: str) -> Forward:
    """A random model of two layers."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(5)
    if name == "gpt2":
        config: Any = GPT2Config(vocab_size=VOCABULARY, n_embd=16, n_layer=2, n_head=2, n_positions=64)
        return Forward(GPT2LMHeadModel(config).eval())
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.3,
    )
    return Forward(LlamaForCausalLM(config).eval())


class Texts:
    """The same texts held as plain lists of tokens, each read anew as a whole."""

    def __init__(self, forward: Forward, header: Sequence[int]) -> None:
        self.forward, self.header = forward, list(header)
        self.held: list[list[int]] = []

    def assert_follows(self, found: Any, texts: Sequence[Sequence[int]]) -> None:
        """Logits are those of the model's own forward pass over each whole text."""
        import torch

        for line, text in zip(found, texts, strict=True):
            whole = self.forward.model(input_ids=torch.tensor([[*self.header, *text]])).logits[0, -1]
            assert torch.allclose(line, whole, atol=1e-4)


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(["llama", "gpt2"]), headed=st.booleans(), moves=st.lists(MOVES, min_size=3, max_size=25))
def test_each_text_reads_its_own_tokens(name: str, headed: bool, moves: list[tuple[str, Any]]) -> None:
    """Whatever reads, writes and leaves in whatever order, in room so narrow that what is held moves to the left."""
    import torch

    forward = build(name)
    header = HEADER if headed else ()
    cached = (forward.header(HEADER), len(HEADER)) if headed else (None, 0)
    texts = Texts(forward, header)
    longest = LONGEST
    with pytest.MonkeyPatch.context() as patch, torch.inference_mode():
        patch.setattr(past, "SPARE", 2)
        patch.setattr(torch.Tensor, "new_empty", lambda like, shape: like.new_full(shape, float("nan")))
        held = Past(forward, MOST, len(header) + LONGEST + LIMIT, cached)
        for move, what in moves:
            if move == "read":
                tails = sorted((tail[:longest] for tail in what), key=len, reverse=True)[: MOST - len(held)]
                if tails:
                    texts.assert_follows(held.read(tails), tails)
                    texts.held += tails
                    longest = min(map(len, tails))
            elif move == "step" and texts.held and max(map(len, texts.held)) < LONGEST + LIMIT:
                texts.held = [[*text, token] for text, token in zip(texts.held, what, strict=False)]
                texts.assert_follows(held.step([text[-1] for text in texts.held]), texts.held)
            elif move == "drop":
                kept = [place for place in range(len(texts.held)) if place not in what]
                texts.held = [texts.held[old] for old in held.keep(kept)]
                longest = longest if texts.held else LONGEST
            assert len(held) == len(texts.held)
            assert held.is_kept or not texts.held


def test_room_is_made_once() -> None:
    """Keys and values of all texts, early and late, lie in the same memory, and none is held beside it."""
    import torch

    forward = build("llama")
    with torch.inference_mode():
        held = Past(forward, 3, 20)
        held.read([[1, 2, 3, 4], [5, 6]])
        layers = held.cache.layers
        places = [tensor.data_ptr() for layer in layers for tensor in layer.tensors]
        held.step([7, 8])
        held.keep([1])
        held.read([[9, 10], [11, 12]])
        for token in range(15):
            held.step([token] * 3)

    assert [tensor.data_ptr() for layer in layers for tensor in layer.tensors] == places
    assert {tuple(tensor.shape) for layer in layers for tensor in layer.tensors} == {(3, 2, 20 + past.SPARE, 4)}
