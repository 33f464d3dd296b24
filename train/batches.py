"""Rows to the batches of a step, and a batch to forward passes of bounded size; the order depends on the seed alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from .encoding import Row

PASS_OVERHEAD = 64
"""Cost of one more forward pass, in tokens: what padding may be added to save one."""

Layout = Literal["varlen", "padded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Which rows each step trains on: a fresh permutation of the rows per epoch, replay rows mixed in evenly."""

    rows: Sequence[Row]
    """The task's rows."""
    replay: Sequence[Row]
    """General rows; empty without replay."""
    batch_size: int
    """Rows per step."""
    share: float
    """Share of replay rows among all rows."""
    seed: int
    """Seed of the permutations."""

    @property
    def task_rows(self) -> float:
        """Rows of the task per step, on average."""
        return self.batch_size * (1 - self.share) if self.replay else self.batch_size

    @property
    def steps_per_epoch(self) -> int:
        """Steps until every row of the task was seen once."""
        return math.ceil(len(self.rows) / self.task_rows)

    def batch(self, step: int) -> list[Row]:
        """The rows of a step (counted from 0); a pure function, so that a resumed run needs no state for it."""
        epoch, within = divmod(step, self.steps_per_epoch)
        first, last = math.floor(within * self.task_rows), math.floor((within + 1) * self.task_rows)
        shuffled = _permutation(len(self.rows), self.seed, epoch, 0)
        task = [self.rows[n] for n in shuffled[first:last]]
        return task + self._replay(step)

    def _replay(self, step: int) -> list[Row]:
        if not self.replay:
            return []
        rate = self.batch_size * self.share
        chosen = []
        for position in range(math.floor(step * rate), math.floor((step + 1) * rate)):
            epoch, within = divmod(position, len(self.replay))
            chosen.append(self.replay[_permutation(len(self.replay), self.seed, epoch, 1)[within]])
        return chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class Micro:
    """One forward pass."""

    rows: tuple[Row, ...]
    """Its rows."""
    inputs: dict[str, Any]
    """Arguments of the model: input_ids (batch, tokens), and positions or an attention mask."""
    labels: torch.Tensor
    """Token to predict *at* each position, −100 where none is (batch, tokens); for a label head no use."""


def split_batch(rows: Sequence[Row], *, tokens: int, layout: Layout) -> list[list[Row]]:
    """A batch in groups of at most `tokens` tokens, padding included; a longer row goes alone."""
    if layout == "varlen":
        return _fill(rows, tokens)
    ordered = sorted(rows, key=len)
    return [ordered[start:end] for start, end in _cheapest_cuts([len(row) for row in ordered], tokens)]


def collate(rows: Sequence[Row], *, layout: Layout, pad: int, device: torch.device, first: int = 0) -> Micro:
    """Rows as one forward pass: behind each other in one line (positions from `first`), or padded on the right."""
    labels = [_next_tokens(row) for row in rows]
    segments = _segments(rows)
    if layout == "varlen":
        lengths = [len(row) for row in rows]
        inputs: dict[str, Any] = {
            "input_ids": _line([row.ids for row in rows], device),
            "position_ids": _line([np.arange(first, first + n) for n in lengths], device),
            "sequence_lengths": lengths,
        }
        if segments is not None:
            inputs["token_type_ids"] = _line(segments, device)
        return Micro(rows=tuple(rows), inputs=inputs, labels=_line(labels, device))
    inputs = {
        "input_ids": _block([row.ids for row in rows], pad, device),
        "attention_mask": _block([np.ones(len(row), np.int64) for row in rows], 0, device),
    }
    if segments is not None:
        inputs["token_type_ids"] = _block(segments, 0, device)
    return Micro(rows=tuple(rows), inputs=inputs, labels=_block(labels, -100, device))


def _permutation(size: int, seed: int, epoch: int, stream: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng([seed, epoch, stream]).permutation(size)


def _fill(rows: Sequence[Row], tokens: int) -> list[list[Row]]:
    groups: list[list[Row]] = []
    room = 0
    for row in rows:
        if len(row) > room:
            groups.append([])
            room = tokens
        groups[-1].append(row)
        room -= len(row)
    return groups


def _cheapest_cuts(lengths: Sequence[int], tokens: int) -> list[tuple[int, int]]:
    """Cuts of ascending lengths with the fewest padded tokens, each cut costing PASS_OVERHEAD (dynamic programme)."""
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(lengths) + 1):
        longest = lengths[end - 1]
        fitting = range(max(0, min(end - 1, end - tokens // longest)), end)
        best.append(min((best[start][0] + longest * (end - start) + PASS_OVERHEAD, start) for start in fitting))
    cuts, end = [], len(lengths)
    while end:
        start = best[end][1]
        cuts.append((start, end))
        end = start
    return cuts[::-1]


def _next_tokens(row: Row) -> np.ndarray[Any, Any]:
    return np.append(np.where(row.supervised[1:], row.ids[1:], -100), -100)


def _segments(rows: Sequence[Row]) -> list[np.ndarray[Any, Any]] | None:
    found = [row.types for row in rows if row.types is not None]
    return found if len(found) == len(rows) else None


def _line(parts: Sequence[np.ndarray[Any, Any]], device: torch.device) -> torch.Tensor:
    return torch.from_numpy(np.concatenate(parts).astype(np.int64))[None].to(device)


def _block(parts: Sequence[Any], filler: int, device: torch.device) -> torch.Tensor:
    block = np.full((len(parts), max(map(len, parts))), filler, np.int64)
    for row, part in zip(block, parts, strict=True):
        row[: len(part)] = part
    return torch.from_numpy(block).to(device)
