"""A packed row to its context and its branches, for two passes: the second sees the first through the cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from .devices import on_device
from .packing import PADDING, Row, additive

Found = tuple[Any, Any]
"""Log-probability (float32) and greediness of scored tokens in the order of the rows: two tensors on the device."""


def cut_row(row: Row) -> tuple[Row, Row]:
    """The context, and the branches behind it with columns counted from its end; a row without any gets one token."""
    at = row.context
    inside = tuple(one for one in row.scored if one.column < at)
    behind = tuple(replace(one, column=one.column - at) for one in row.scored if one.column >= at)
    context = Row(row.ids[:at], row.positions[:at], row.segments[:at], inside)
    if at == len(row):
        return context, Row((0,), (0,), (PADDING,), ())
    return context, Row(row.ids[at:], row.positions[at:], row.segments[at:], behind)


def branch_mask(branches: Sequence[Row], contexts: Sequence[int], *, like: Any) -> Any:
    """Additive float mask, rows × 1 × width × (widest context + width): a token sees its context and its own branch."""
    import torch

    width, start = max(map(len, branches)), max(contexts)
    device = like.device
    segments = on_device([row.segments + (PADDING,) * (width - len(row)) for row in branches], device)
    before = torch.ones(width, width, dtype=torch.bool, device=device).tril()
    own = (segments[:, None, :] == segments[:, :, None]) & before
    read = torch.arange(start, device=device)[None, :] < on_device(contexts, device)[:, None]
    return additive(torch.cat([read[:, None, :].expand(-1, width, -1), own], dim=2), like=like)


def merged(batch: Sequence[Row], first: Found, second: Found) -> Found:
    """What both passes found in the order in which the whole rows name their scored tokens."""
    import torch

    from_first, from_second = count(), count(len(first[0]))
    order = [
        next(from_first if one.column < context else from_second)
        for row, context in ((row, row.context) for row in batch)
        for one in row.scored
    ]
    index = on_device(order, first[0].device)
    with torch.inference_mode():
        values, greedy = (torch.cat(parts)[index] for parts in zip(first, second, strict=True))
    return values, greedy
