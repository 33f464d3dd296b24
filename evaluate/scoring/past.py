"""Keys and values of texts that grow token by token: room ahead of them, so that a token costs no copy of the past.

row 0   . . . . a b c d | e       columns before a row's first token are masked, so that rows of
row 1   . . f g h i j k | l       different length end in the same column and read their next token together
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from .devices import on_device, scoring_kernels
from .forward import Forward, last_only

ROOM = 64
"""Columns that are added at once."""


@cache
def _layer_class() -> Any:
    """A cache layer of transformers that writes into a buffer larger than its content."""
    from transformers import cache_utils

    base: Any = cache_utils.DynamicLayer

    class RoomyLayer(base):  # type: ignore[misc]
        keys: Any
        values: Any
        buffers: tuple[Any, ...] = ()

        def update(self, keys: Any, values: Any, *_: Any, **__: Any) -> tuple[Any, Any]:
            """Write new columns behind the old ones; all columns so far."""
            if not self.is_initialized:
                self.lazy_initialization(keys, values)
            begin = self.get_seq_length()
            end = begin + keys.shape[-2]
            if not self.buffers or self.buffers[0].shape[-2] < end:
                self.buffers = (_roomy(keys, self.keys, end), _roomy(values, self.values, end))
            for buffer, new in zip(self.buffers, (keys, values), strict=True):
                buffer[..., begin:end, :] = new
            self.keys, self.values = (buffer[..., :end, :] for buffer in self.buffers)
            return self.keys, self.values

        def replace(self, keys: Any, values: Any) -> None:
            """Hold these columns and no others."""
            self.keys, self.values, self.buffers = keys, values, ()

    return RoomyLayer


def _roomy(new: Any, old: Any, columns: int) -> Any:
    buffer = new.new_empty((*new.shape[:-2], columns + ROOM, new.shape[-1]))
    if old.numel():
        buffer[..., : old.shape[-2], :] = old
    return buffer


class Past:
    """What rows have read (a cache), which columns are tokens, and the tokens to read next (rows × columns)."""

    def __init__(self, forward: Forward, tails: Sequence[Sequence[int]], header: Any, start: int) -> None:
        from transformers import DynamicCache

        width = max(map(len, tails))
        self.ids = on_device([[0] * (width - len(tail)) + list(tail) for tail in tails], forward.device)
        mask = [[1] * start + [0] * (width - len(tail)) + [1] * len(tail) for tail in tails]
        self.mask = on_device(mask, forward.device)
        self.cache: Any = DynamicCache()
        self.cache.layer_class_to_replicate = _layer_class()
        for number, (keys, values) in enumerate(header or ()):
            rows = (tensor.expand(len(tails), -1, -1, -1) for tensor in (keys, values))
            self.cache.update(*rows, number)

    def __len__(self) -> int:
        return int(self.mask.shape[0])

    def step(self, forward: Forward) -> Any:
        """Read the next tokens; the logits of what follows each row (rows × vocabulary)."""
        positions = (self.mask.cumsum(1) - 1).clamp(min=0)[:, -self.ids.shape[1] :]
        forward.tokens += self.ids.numel()
        with last_only(forward.head), scoring_kernels(forward.device):
            logits = forward.model(
                input_ids=self.ids,
                attention_mask=self.mask,
                position_ids=positions,
                past_key_values=self.cache,
                use_cache=True,
            ).logits
        return logits[:, -1].float()

    @property
    def is_kept(self) -> bool:
        """Whether the model keeps in the cache what it has read."""
        return bool(self.cache.get_seq_length() == self.mask.shape[1])

    def keep(self, rows: Sequence[int]) -> None:
        """Drop the other rows, and the columns that no row needs any more."""
        import torch

        index = torch.tensor(rows, device=self.mask.device)
        self.mask = self.mask[index]
        first = int(self.mask.argmax(dim=1).min())  # the first token of the longest row
        self.mask = self.mask[:, first:]
        for layer in self.cache.layers:
            layer.replace(layer.keys[index, ..., first:, :], layer.values[index, ..., first:, :])

    def append(self, tokens: Any) -> None:
        """Let each row read one more token."""
        import torch

        self.ids = tokens[:, None]
        self.mask = torch.cat([self.mask, torch.ones_like(self.mask[:, :1])], dim=1)

    def join(self, other: Past) -> None:
        """Take in other rows that are about to read one token each, as these are."""
        import torch

        width = max(self.mask.shape[1], other.mask.shape[1])
        self.ids = torch.cat([self.ids, other.ids])
        for ours, theirs in zip(self.cache.layers, other.cache.layers, strict=True):
            keys, values = (
                torch.cat([_shifted(one, width - 1), _shifted(two, width - 1)])
                for one, two in ((ours.keys, theirs.keys), (ours.values, theirs.values))
            )
            ours.replace(keys, values)
            theirs.replace(*(tensor.new_empty(0) for tensor in (keys, values)))  # a view would keep all of them
        masks = [torch.nn.functional.pad(mask, (width - mask.shape[1], 0)) for mask in (self.mask, other.mask)]
        self.mask = torch.cat(masks)


def _shifted(tensor: Any, columns: int) -> Any:
    """The same columns at the right end of `columns`."""
    import torch

    return torch.nn.functional.pad(tensor, (0, 0, columns - tensor.shape[-2], 0))
