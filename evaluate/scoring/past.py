"""Keys and values of texts that grow token by token, in room that is made once, so that a token copies no past.

row 0   . . . . a b c d | e       rows of different length end in the same column and read their next token together;
row 1   . . f g h i j k | l       columns before a row's first token are masked
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from .devices import on_device, scoring_kernels
from .forward import Forward, last_only

SPARE = 64
"""Columns beyond those of the longest text: what is held moves to the left but once in so many tokens."""


@dataclass(frozen=True, slots=True)
class _Window:
    """What a forward pass reads and writes of the room: of `rows`, all columns from `first` up to `begin`, and on."""

    rows: slice
    first: int
    begin: int


@cache
def _layer_class() -> Any:
    """A cache layer of transformers that holds its content in the room."""
    from transformers import cache_utils

    base: Any = cache_utils.DynamicLayer

    class RoomyLayer(base):  # type: ignore[misc]
        def __init__(self, past: Past) -> None:
            super().__init__()
            self.past = past
            self.written: tuple[_Window | None, int] = (None, 0)
            """The window that was written to last, and the columns written there."""

        def update(self, keys: Any, values: Any, *_: Any, **__: Any) -> tuple[Any, Any]:
            """Write new columns behind those of the window; all its columns so far."""
            window = self.past.window
            if not self.is_initialized:
                self.lazy_initialization(keys, values)
                rows, columns = self.past.mask.shape
                self.keys, self.values = (
                    new.new_empty((rows, new.shape[1], columns, new.shape[3])) for new in (keys, values)
                )
            end = window.begin + keys.shape[-2]
            for room, new in zip(self.tensors, (keys, values), strict=True):
                room[window.rows, :, window.begin : end] = new
            self.written = (window, keys.shape[-2])
            found_keys, found_values = (room[window.rows, :, window.first : end] for room in self.tensors)
            return found_keys, found_values

        @property
        def tensors(self) -> tuple[Any, Any]:
            return self.keys, self.values

        def get_seq_length(self, *_: Any) -> int:
            """Columns of the window so far."""
            window, columns = self.past.window, self.written[1] if self.written[0] is self.past.window else 0
            return window.begin - window.first + columns

    return RoomyLayer


class Past:
    """What up to `rows` texts have read, in room for `columns` tokens each.

    Args:
        forward: The model.
        rows: Texts at once at most.
        columns: Tokens of a text at most.
        header: Cached keys and values that all texts begin with, and their tokens; (None, 0) for none.
    """

    def __init__(self, forward: Forward, rows: int, columns: int, header: tuple[Any, int] = (None, 0)) -> None:
        import torch
        from transformers import DynamicCache

        self.forward = forward
        self.header, self.start = header
        self.mask = torch.zeros((rows, columns + SPARE), dtype=torch.int64, device=forward.device)
        """Which columns of each row are tokens."""
        self.begins: list[int] = []
        """Column of each text's first token."""
        self.end = 0
        """Column behind the last token of every text."""
        self.window = _Window(slice(0, 0), 0, 0)
        self.cache: Any = DynamicCache()
        layers: Any = partial(_layer_class(), self)
        self.cache.layer_class_to_replicate = layers

    def __len__(self) -> int:
        return len(self.begins)

    def read(self, tails: Sequence[Sequence[int]]) -> Any:
        """Read texts, none longer than those that are there; the logits of what follows each (texts × vocabulary)."""
        width, old = max(map(len, tails)), len(self)
        if not old:
            self.end = self.start + width
        begin, rows = self.end - width, slice(old, old + len(tails))
        first = begin - self.start
        for room in self._rooms():
            room[rows, :, :first] = 0  # masked, but what is not a number would remain so
        self.mask[rows] = 0
        tokens = [[1] * self.start + [0] * (width - len(tail)) + [1] * len(tail) for tail in tails]
        self.mask[rows, first : self.end] = on_device(tokens, self.mask.device)
        self.begins += [first if self.start else self.end - len(tail) for tail in tails]
        self.window = _Window(rows, first, first)
        for number, tensors in enumerate(self.header or ()):
            self.cache.update(*(tensor.expand(len(tails), -1, -1, -1) for tensor in tensors), number)
        return self._run([[0] * (width - len(tail)) + list(tail) for tail in tails], _Window(rows, first, begin))

    def step(self, tokens: Sequence[int]) -> Any:
        """Let each text read one more token; the logits of what follows (texts × vocabulary)."""
        if self.end == self.mask.shape[1]:
            self._move_left()
        rows = slice(0, len(self))
        self.mask[rows, self.end] = 1
        self.end += 1
        return self._run([[token] for token in tokens], _Window(rows, min(self.begins), self.end - 1))

    def _run(self, ids: list[list[int]], window: _Window) -> Any:
        self.window = window
        mask = self.mask[window.rows, window.first : self.end]
        positions = (mask.cumsum(1) - 1).clamp(min=0)[:, window.begin - window.first :]
        self.forward.tokens += len(ids) * len(ids[0])
        with last_only(self.forward.head), scoring_kernels(self.mask.device):
            logits = self.forward.model(
                input_ids=on_device(ids, self.mask.device),
                attention_mask=mask,
                position_ids=positions,
                past_key_values=self.cache,
                use_cache=True,
            ).logits
        return logits[:, -1].float()

    @property
    def is_kept(self) -> bool:
        """Whether the model keeps in the cache what it has read."""
        return bool(self.cache.get_seq_length() == self.end - self.window.first)

    def keep(self, kept: Sequence[int]) -> list[int]:
        """Drop all texts but some, whose last take the places of dropped ones; the old place of each in the new order.

        Args:
            kept: Their places, ascending.
        """
        count = len(kept)
        order, moved = list(range(count)), [place for place in kept if place >= count]
        free = sorted(set(range(count)) - set(kept))
        for place, old in zip(free, moved, strict=True):
            order[place] = old
        if moved:
            columns = slice(min(self.begins), self.end)
            to, origin = on_device([free, moved], self.mask.device)
            self.mask[to] = self.mask[origin]
            for room in self._rooms():
                view = room[:, :, columns]
                view[to] = view[origin]
        self.begins = [self.begins[place] for place in order]
        return order

    def _move_left(self) -> None:
        """Give up the columns that no text needs any more."""
        first, rows = min(self.begins), slice(0, len(self))
        width = self.end - first
        for tensor in [*(room.transpose(1, 2) for room in self._rooms()), self.mask]:
            tensor[rows, :width] = tensor[rows, first : self.end].clone()
        self.mask[rows, width:] = 0
        self.begins = [begin - first for begin in self.begins]
        self.end = width

    def _rooms(self) -> Iterator[Any]:
        for layer in self.cache.layers:
            yield from layer.tensors
