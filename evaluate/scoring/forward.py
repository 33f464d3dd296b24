"""Rows of tokens through a causal model: log-probabilities of the scored tokens, logits nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

import numpy as np

from .devices import likeliest, lines_at_once, on_device, scoring_kernels
from .packing import Row, Scored, packed_mask, padded
from .two_passes import Found, branch_mask, cut_row, merged

TRIED = 8
"""Tokens on which it is tried what a model does to its logits."""
LONG_CONTEXT = 256
"""Tokens from which on a context is read by itself, without a mask of ours, and its branches in a second pass."""


class Forward:
    """A causal model with what scoring needs to know of it."""

    def __init__(self, model: Any) -> None:
        config = model.config
        inner = config.get_text_config() if hasattr(config, "get_text_config") else config
        self.model = model
        self.head = model.get_output_embeddings()
        self.vocabulary = int(getattr(inner, "vocab_size", 0) or self.head.weight.shape[0])
        self.window, self.has_layer_types = _window(inner)
        self.linear: bool | None = None
        """Whether logits are the states times the output matrix and nothing else, once that was tried."""
        self.tokens = 0
        """Tokens computed so far, padding included."""

    @property
    def device(self) -> Any:
        """Where the model is."""
        return self.model.device

    @property
    def bytes_cached(self) -> int:
        """Bytes of a token's keys and values in all layers, by what the config states of its attention."""
        config = self.model.config.get_text_config()
        heads = getattr(config, "num_attention_heads", None) or 1
        width = getattr(config, "head_dim", None) or getattr(config, "hidden_size", 1) // heads
        kept = getattr(config, "num_key_value_heads", None) or heads
        layers = getattr(config, "num_hidden_layers", 1)
        return max(int(2 * layers * kept * width * self.head.weight.element_size()), 1)

    def plain(self, batch: Sequence[Row]) -> Found:
        """Log-probability and greediness of every scored token, rows padded on the right, ordinary causal attention."""
        return self._run(batch, {"use_cache": False})

    def packed(self, batch: Sequence[Row], header: Any = None, start: int = 0) -> Found:
        """The same for packed rows, behind a header of `start` tokens whose keys and values are given."""
        if header is None and self.window is None and min(row.context for row in batch) >= LONG_CONTEXT:
            return self._in_two_passes(batch)
        options = {
            "position_ids": on_device(padded([row.positions for row in batch]), self.device),
            "attention_mask": self._mask(batch, start),
            "use_cache": header is not None,
        }
        if header is not None:
            options["past_key_values"] = expand(header, len(batch))
        return self._run(batch, options)

    def _in_two_passes(self, batch: Sequence[Row]) -> Found:
        """Contexts with ordinary causal attention, which is twice as fast as a mask; then the branches behind them."""
        from transformers import DynamicCache

        contexts, branches = zip(*map(cut_row, batch), strict=True)
        cache: Any = DynamicCache()
        first = self._run(contexts, {"past_key_values": cache, "use_cache": True})
        mask = branch_mask(branches, [len(row) for row in contexts], like=self.head.weight)
        options = {
            "position_ids": on_device(padded([row.positions for row in branches]), self.device),
            "attention_mask": mask,
            "past_key_values": cache,
            "use_cache": True,
        }
        return merged(batch, first, self._run(branches, options))

    def header(self, ids: Sequence[int]) -> Any:
        """Keys and values of a text that many rows begin with: one (keys, values) per layer."""
        import torch
        from transformers import DynamicCache

        row = Row(tuple(ids), tuple(range(len(ids))), (0,) * len(ids))
        cache: Any = DynamicCache()
        with torch.inference_mode(), scoring_kernels(self.device), _scored_only(self.head, None):
            self.model(
                input_ids=on_device([ids], self.device),
                position_ids=on_device([row.positions], self.device),
                attention_mask=self._mask([row], 0),
                past_key_values=cache,
                use_cache=True,
            )
        self.tokens += len(ids)
        return [(layer.keys, layer.values) for layer in cache.layers]

    def _mask(self, batch: Sequence[Row], start: int) -> Any:
        like = self.head.weight
        if not self.has_layer_types:
            return packed_mask(batch, start=start, window=self.window, like=like)
        return {
            "full_attention": packed_mask(batch, start=start, window=None, like=like),
            "sliding_attention": packed_mask(batch, start=start, window=self.window, like=like),
        }

    @property
    def in_blocks(self) -> bool:
        """Whether logits are made and read block by block behind the model, on accelerators where it allows that.

        Not all of a batch need be held then, and what a batch may hold no longer cuts it into many.
        """
        if self.device.type == "cpu":
            return False
        if self.linear is None:
            tokens = tuple(range(TRIED))
            self._run([Row(tokens, tokens, (0,) * TRIED, Scored(tokens, tokens, tokens))], {"use_cache": False})
        return bool(self.linear)

    def _is_linear(self, states: Any, logits: Any) -> bool:
        """Whether the model does nothing but a matrix product to its states to make logits.

        Asked bit for bit: the same product is made twice. A cap only shows on large logits.
        """
        import torch

        capped = getattr(self.model.config.get_text_config(), "final_logit_softcapping", None)
        return not capped and bool(torch.equal(self.head(states), logits))

    def _run(self, batch: Sequence[Row], options: dict[str, Any]) -> Found:
        import torch

        ids = padded([row.ids for row in batch])
        self.tokens += ids.size
        places, lines, tokens = _scored_places(batch, width=ids.shape[1])
        ids = on_device(ids, self.device)
        height = lines_at_once(self.device, self.vocabulary)
        with torch.inference_mode(), scoring_kernels(self.device):
            if self.linear and self.in_blocks:
                with _scored_only(self.head, places, shown=1) as states:
                    self.model(input_ids=ids, **options)
                return _pick(map(self.head, states[0][0].split(height)), height, lines, tokens)
            with _scored_only(self.head, places) as states:
                logits = self.model(input_ids=ids, **options).logits
            if self.linear is None and self.device.type != "cpu":
                self.linear = len(states) == 1 and self._is_linear(states[0], logits)
            logits = logits.reshape(-1, logits.shape[-1])
            if len(logits) != len(places):  # the model does not use its output embedding the usual way
                logits = logits[on_device(places, self.device)]
            return _pick(logits.split(height), height, lines, tokens)


def _scored_places(batch: Sequence[Row], *, width: int) -> tuple[Any, Any, Any]:
    """Where something is scored (row · width + column, ascending); of each scored token the line there, and itself."""
    scored = [row.scored for row in batch]
    columns = np.fromiter(chain.from_iterable(one.columns for one in scored), dtype=np.int64)
    tokens = np.fromiter(chain.from_iterable(one.tokens for one in scored), dtype=np.int64)
    rows = np.repeat(np.arange(len(batch)), [len(one.columns) for one in scored])
    places, lines = np.unique(rows * width + columns, return_inverse=True)
    return places, lines, tokens


def _pick(blocks: Iterable[Any], height: int, lines: Any, tokens: Any) -> Found:
    """Log-probability and greediness of tokens at lines of the logits, which come in blocks of `height` lines."""
    import torch

    order = np.argsort(lines, kind="stable")
    ordered = lines[order]
    table, room, values, greedy = None, None, [], []
    for number, block in enumerate(blocks):
        if table is None:
            table = on_device(np.stack([ordered % height, tokens[order]]), block.device)
        first, last = np.searchsorted(ordered, [number * height, (number + 1) * height])
        chosen, wanted = table[:, first:last]
        if room is None:  # for all blocks: allocated anew, they leave holes in the memory of a CPU
            room = torch.empty_like(block, dtype=torch.float32)
        values.append(torch.log_softmax(block, 1, dtype=torch.float32, out=room[: len(block)])[chosen, wanted])
        greedy.append(likeliest(block)[chosen] == wanted)
    back = on_device(np.argsort(order), values[0].device)
    return torch.cat(values)[back], torch.cat(greedy)[back]


@contextmanager
def _scored_only(head: Any, places: Any | None, shown: int | None = None) -> Iterator[list[Any]]:
    """Let the output embedding see only the places (row · width + column) that are scored; None: only the last column.

    Gives the states at these places (1 × places × width), of which only the first `shown` may be let through.
    """
    kept: list[Any] = []

    def choose(_module: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        hidden = inputs[0]
        if places is None:
            return (hidden[:, -1:], *inputs[1:])
        kept.append(hidden.flatten(0, 1)[on_device(places, hidden.device)][None])
        return (kept[-1][:, :shown], *inputs[1:])

    handle = head.register_forward_pre_hook(choose)
    try:
        yield kept
    finally:
        handle.remove()


def last_only(head: Any) -> Any:
    """Let the output embedding see only the last column of a batch."""
    return _scored_only(head, None)


def expand(header: Any, rows: int) -> Any:
    """A cache of many rows, each holding the header's keys and values."""
    from transformers import DynamicCache

    cache = DynamicCache()
    for number, (keys, values) in enumerate(header):
        cache.update(keys.expand(rows, -1, -1, -1), values.expand(rows, -1, -1, -1), number)
    return cache


def _window(config: Any) -> tuple[int | None, bool]:
    """Sliding window of the model, and whether its layers differ in it (they then take one mask per kind)."""
    kinds = set(getattr(config, "layer_types", None) or ())
    window = getattr(config, "sliding_window", None)
    if "sliding_attention" in kinds:
        return window, True
    if kinds or getattr(config, "use_sliding_window", True) is False:
        return None, False
    return window, False
