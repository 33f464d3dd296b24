"""Token pairs to rows: a row holds a context once and every continuation after it, each seeing the context and itself.

    column     0 1 2 3 | 4 5 | 6 7 8
    tokens     context | a   | b
    position   0 1 2 3 | 4 5 | 4 5 6
    segment    0 0 0 0 | 1 1 | 2 2 2

A model reads all of a continuation but its last token; continuations that differ only there share a segment, so that
one-token choices cost nothing beyond the context.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from .devices import ALIGNED, MOST_ALIGNED, on_device
from .tokens import Pair

PACKING_GAIN = 0.85
"""Rows are packed where that leaves at most this share of the tokens: a mask of our own costs the fast causal path."""
LEAST_FILL = 0.8
"""A row shorter than this share of the longest of its batch begins a new batch …"""
LEAST_BATCH = 0.25
"""… where the batch already holds this share of the tokens it may: padding costs more than another batch."""
LEAST_TAILS = 0.25
"""Share of a row's width that continuations may take behind any context."""
PADDING = -1
"""Segment of the columns behind a row's end."""


@dataclass(frozen=True, slots=True)
class Scored:
    """The tokens of a row that are scored, as columns of a table: plain numbers, since there are as many as tokens."""

    columns: tuple[int, ...] = ()
    """Where in the row each is predicted."""
    tokens: tuple[int, ...] = ()
    owners: tuple[int, ...] = ()
    """On whose account: numbers of pairs."""


@dataclass(frozen=True, slots=True)
class Row:
    """Tokens of one row of a batch."""

    ids: tuple[int, ...]
    positions: tuple[int, ...]
    segments: tuple[int, ...]
    scored: Scored = Scored()

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def context(self) -> int:
        """Tokens that all its continuations share."""
        return self.segments.count(0)

    @property
    def is_plain(self) -> bool:
        """Whether ordinary causal attention is right for it."""
        return self.segments[-1] <= 1 and self.positions[0] == 0


def plain_rows(pairs: Sequence[Pair], chosen: Iterable[int]) -> list[Row]:
    """One row per distinct input of the chosen pairs, one segment each: what every causal model understands."""
    by_input: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for owner in chosen:
        pair = pairs[owner]
        if pair.continuation:
            by_input[pair.context + pair.continuation[:-1]].append(owner)
    return [_plain_row(ids, owners, pairs) for ids, owners in by_input.items()]


def _plain_row(ids: tuple[int, ...], owners: Sequence[int], pairs: Sequence[Pair]) -> Row:
    columns: list[int] = []
    for owner in owners:
        first = len(pairs[owner].context) - 1
        columns += range(first, first + len(pairs[owner].continuation))
    return Row(ids, tuple(range(len(ids))), (0,) * len(ids), _scored(columns, owners, pairs))


def _scored(columns: Sequence[int], owners: Sequence[int], pairs: Sequence[Pair]) -> Scored:
    """All tokens of some pairs, which are predicted at these columns."""
    tokens = chain.from_iterable(pairs[owner].continuation for owner in owners)
    accounts = chain.from_iterable((owner,) * len(pairs[owner].continuation) for owner in owners)
    return Scored(tuple(columns), tuple(tokens), tuple(accounts))


def packed_rows(pairs: Sequence[Pair], owners: Sequence[int], *, start: int = 0, width: int = 1 << 30) -> Iterator[Row]:
    """Rows of pairs that share one context, whose first `start` tokens are cached, of about `width` tokens at most.

    Behind a context that leaves no room, continuations take LEAST_TAILS of the width all the same: a context that is
    read again for each of them would cost far more.
    """
    context = pairs[owners[0]].context
    room = max(width - len(context) + start, int(LEAST_TAILS * width))
    branches: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for owner in owners:
        branches[pairs[owner].continuation[:-1]].append(owner)
    chosen: list[tuple[int, ...]] = []
    for branch in branches:
        taken = sum(len(other) for other in chosen)
        if chosen and taken + len(branch) > room:
            yield _packed_row(context, start, {branch: branches[branch] for branch in chosen}, pairs)
            chosen = []
        chosen.append(branch)
    yield _packed_row(context, start, {branch: branches[branch] for branch in chosen}, pairs)


def _packed_row(
    context: tuple[int, ...], start: int, branches: dict[tuple[int, ...], list[int]], pairs: Sequence[Pair]
) -> Row:
    ids, positions = list(context[start:]), list(range(start, len(context)))
    segments = [0] * len(ids)
    last, columns = len(ids) - 1, []
    for number, (branch, owners) in enumerate(branches.items(), start=1):
        begin, end = len(ids), len(ids) + len(branch)
        ids += branch
        positions += range(len(context), len(context) + len(branch))
        segments += [number] * len(branch)
        columns += [last, *range(begin, end)] * len(owners)
    scored = _scored(columns, [owner for owners in branches.values() for owner in owners], pairs)
    return Row(tuple(ids), tuple(positions), tuple(segments), scored)


def gains_by_packing(pairs: Sequence[Pair], owners: Sequence[int]) -> bool:
    """Whether one row for all pairs of a context is enough shorter than a row for each."""
    branches = {pairs[owner].continuation[:-1] for owner in owners}
    context = len(pairs[owners[0]].context)
    tails = sum(map(len, branches))
    return len(branches) > 1 and context + tails <= PACKING_GAIN * (len(branches) * context + tails)


def longest_first(row: Row) -> tuple[int, tuple[int, ...]]:
    """Sorts rows by falling length, and those of one length always in the same way."""
    return -len(row), row.ids


def batches(rows: Sequence[Row], *, tokens: int, cells: int, cached: int = 0) -> Iterator[list[Row]]:
    """Rows by falling length in batches of at most `tokens` padded tokens and `cells` scored positions.

    A batch that reads a cache of `cached` tokens per row counts a quarter of them: they are held, not computed.
    """
    batch: list[Row] = []
    width, scored = 0, 0
    for row in sorted(rows, key=longest_first):
        width = width or len(row) + cached // 4
        positions = len(set(row.scored.columns))
        full = (len(batch) + 1) * width > tokens or scored + positions > cells
        short = len(row) + cached // 4 < LEAST_FILL * width and len(batch) * width >= tokens * LEAST_BATCH
        if batch and (full or short):
            yield batch
            batch, scored, width = [], 0, len(row) + cached // 4
        batch.append(row)
        scored += positions
    if batch:
        yield batch


def padded(rows: Sequence[Sequence[int]], filling: int = 0) -> Any:
    """Rows as an array of whole numbers, rows × the longest."""
    array = np.full((len(rows), max(map(len, rows))), filling)
    for line, row in zip(array, rows, strict=True):
        line[: len(row)] = row
    return array


def packed_mask(batch: Sequence[Row], *, start: int, window: int | None, like: Any) -> Any:
    """Additive float mask, rows × 1 × width × (start + width): 0 where a token may look, the dtype's minimum elsewhere.

    Boolean masks are silently misread by some attention code, additive ones are not. `like` is a tensor of the
    mask's dtype and device. A `window` limits how many positions back a token sees.
    """
    import torch

    width, device = max(map(len, batch)), like.device
    segments = on_device(padded([row.segments for row in batch], PADDING), device)
    keys = torch.cat([segments.new_zeros(len(batch), start), segments], dim=1)
    allowed = (keys[:, None, :] == 0) | (keys[:, None, :] == segments[:, :, None])
    allowed &= torch.ones(width, start + width, dtype=torch.bool, device=device).tril(start)
    if window is not None:
        positions = on_device(padded([row.positions for row in batch]), device)
        header = torch.arange(start, device=device).expand(len(batch), -1)
        allowed &= positions[:, :, None] - torch.cat([header, positions], dim=1)[:, None, :] < window
    return additive(allowed, like=like)


def additive(allowed: Any, *, like: Any) -> Any:
    """Truth values (rows × width × columns) to a mask that is added: 0, or the minimum of `like`'s dtype."""
    import torch

    *shape, columns = allowed.shape
    aligned = ALIGNED.get(like.device.type, MOST_ALIGNED)
    room = torch.zeros(*shape, -(-columns // aligned) * aligned, dtype=like.dtype, device=like.device)
    mask = room[..., :columns].masked_fill_(~allowed, torch.finfo(like.dtype).min)
    return mask[:, None]
