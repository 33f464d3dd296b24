"""A packed row to its context and its branches, for two passes: the second sees the first through the cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .devices import on_device
from .packing import PADDING, Row, Scored, additive, padded

Found = tuple[Any, Any]
"""Log-probability (float32) and greediness of scored tokens in the order of the rows: two tensors on the device."""


def cut_row(row: Row) -> tuple[Row, Row]:
    """The context, and the branches behind it with columns counted from its end; a row without any gets one token."""
    at = row.context
    context = Row(row.ids[:at], row.positions[:at], row.segments[:at], _part(row.scored, 0, at))
    if at == len(row):
        return context, Row((0,), (0,), (PADDING,))
    behind = _part(row.scored, at, len(row))
    return context, Row(row.ids[at:], row.positions[at:], row.segments[at:], behind)


def _part(scored: Scored, begin: int, end: int) -> Scored:
    """What is predicted between two columns, counted from the first of them."""
    lines = [
        (column - begin, token, owner)
        for column, token, owner in zip(scored.columns, scored.tokens, scored.owners, strict=True)
        if begin <= column < end
    ]
    return Scored(*zip(*lines, strict=True))


def branch_mask(branches: Sequence[Row], contexts: Sequence[int], *, like: Any) -> Any:
    """Additive float mask, rows × 1 × width × (widest context + width): a token sees its context and its own branch."""
    import torch

    width, start = max(map(len, branches)), max(contexts)
    device = like.device
    segments = on_device(padded([row.segments for row in branches], PADDING), device)
    before = torch.ones(width, width, dtype=torch.bool, device=device).tril()
    own = (segments[:, None, :] == segments[:, :, None]) & before
    read = torch.arange(start, device=device)[None, :] < on_device(contexts, device)[:, None]
    return additive(torch.cat([read[:, None, :].expand(-1, width, -1), own], dim=2), like=like)


def merged(batch: Sequence[Row], first: Found, second: Found) -> Found:
    """What both passes found in the order in which the whole rows name their scored tokens."""
    import torch

    behind = np.concatenate([np.array(row.scored.columns) >= row.context for row in batch])
    place_in_first = np.cumsum(~behind) - 1
    place_in_second = len(first[0]) + np.cumsum(behind) - 1
    index = on_device(np.where(behind, place_in_second, place_in_first), first[0].device)
    with torch.inference_mode():
        values, greedy = (torch.cat(parts)[index] for parts in zip(first, second, strict=True))
    return values, greedy
