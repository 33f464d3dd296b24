"""Rows of tokens through a causal model: log-probabilities of the scored tokens, logits nowhere else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .packing import Row, packed_mask
from .two_passes import branch_mask, cut_row, merged

LONG_CONTEXT = 256
"""Tokens from which on a context is read by itself, without a mask of ours, and its branches in a second pass."""
SUMMED_LINES = 16
"""Lines of logits that are summed at once: the sum needs a copy of what it sums."""


class Forward:
    """A causal model with what scoring needs to know of it."""

    def __init__(self, model: Any) -> None:
        config = model.config
        inner = config.get_text_config() if hasattr(config, "get_text_config") else config
        self.model = model
        self.head = model.get_output_embeddings()
        self.vocabulary = int(getattr(inner, "vocab_size", 0) or self.head.weight.shape[0])
        self.window, self.has_layer_types = _window(inner)
        self.tokens = 0
        """Tokens computed so far, padding included."""

    @property
    def device(self) -> Any:
        """Where the model is."""
        return self.model.device

    def plain(self, batch: Sequence[Row]) -> tuple[list[float], list[bool]]:
        """Log-probability and greediness of every scored token, rows padded on the right, ordinary causal attention."""
        return self._run(batch, {"use_cache": False})

    def packed(self, batch: Sequence[Row], header: Any = None, start: int = 0) -> tuple[list[float], list[bool]]:
        """The same for packed rows, behind a header of `start` tokens whose keys and values are given."""
        import torch

        if header is None and self.window is None and min(row.context for row in batch) >= LONG_CONTEXT:
            return self._in_two_passes(batch)
        width = max(map(len, batch))
        positions = [row.positions + (row.positions[-1],) * (width - len(row)) for row in batch]
        options = {
            "position_ids": torch.tensor(positions, device=self.device),
            "attention_mask": self._mask(batch, start),
            "use_cache": header is not None,
        }
        if header is not None:
            options["past_key_values"] = expand(header, len(batch))
        return self._run(batch, options)

    def _in_two_passes(self, batch: Sequence[Row]) -> tuple[list[float], list[bool]]:
        """Contexts with ordinary causal attention, which is twice as fast as a mask; then the branches behind them."""
        import torch
        from transformers import DynamicCache

        contexts, branches = zip(*map(cut_row, batch), strict=True)
        cache: Any = DynamicCache()
        first = self._run(contexts, {"past_key_values": cache, "use_cache": True})
        width = max(map(len, branches))
        positions = [row.positions + (0,) * (width - len(row)) for row in branches]
        mask = branch_mask(branches, [len(row) for row in contexts], like=self.head.weight)
        options = {
            "position_ids": torch.tensor(positions, device=self.device),
            "attention_mask": mask,
            "past_key_values": cache,
            "use_cache": True,
        }
        return merged(batch, first, self._run(branches, options))

    def header(self, ids: Sequence[int]) -> Any:
        """Keys and values of a text that many rows begin with: one (keys, values) per layer."""
        import torch
        from transformers import DynamicCache

        row = Row(tuple(ids), tuple(range(len(ids))), (0,) * len(ids), ())
        cache: Any = DynamicCache()
        with torch.inference_mode(), _scored_only(self.head, None):
            self.model(
                input_ids=torch.tensor([ids], device=self.device),
                position_ids=torch.tensor([row.positions], device=self.device),
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

    def _run(self, batch: Sequence[Row], options: dict[str, Any]) -> tuple[list[float], list[bool]]:
        import torch

        width = max(map(len, batch))
        places = sorted({(n, one.column) for n, row in enumerate(batch) for one in row.scored})
        where = {place: n for n, place in enumerate(places)}
        ids = torch.tensor([row.ids + (0,) * (width - len(row)) for row in batch], device=self.device)
        self.tokens += ids.numel()
        with torch.inference_mode(), _scored_only(self.head, places):
            logits = self.model(input_ids=ids, **options).logits
        logits = logits.reshape(-1, logits.shape[-1])
        if len(logits) != len(places):  # the model does not use its output embedding the usual way
            logits = logits[torch.tensor([n * width + column for n, column in places])]
        lines = torch.tensor([where[n, one.column] for n, row in enumerate(batch) for one in row.scored])
        tokens = torch.tensor([one.token for row in batch for one in row.scored])
        return _pick(logits.float(), lines.to(self.device), tokens.to(self.device))


def _pick(logits: Any, lines: Any, tokens: Any) -> tuple[list[float], list[bool]]:
    import torch

    with torch.inference_mode():
        totals = torch.cat([part.logsumexp(dim=1) for part in logits.split(SUMMED_LINES)])
        values = logits[lines, tokens] - totals[lines]
        greedy = logits.argmax(dim=1)[lines] == tokens
    return values.tolist(), greedy.tolist()


@contextmanager
def _scored_only(head: Any, places: Sequence[tuple[int, int]] | None) -> Iterator[None]:
    """Let the output embedding see only the places (row, column) that are scored; None: only the last column."""
    import torch

    def choose(_module: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        hidden = inputs[0]
        if places is None:
            return (hidden[:, -1:], *inputs[1:])
        rows, columns = torch.tensor(places, device=hidden.device).T
        return (hidden[rows, columns][None], *inputs[1:])

    handle = head.register_forward_pre_hook(choose)
    try:
        yield
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
