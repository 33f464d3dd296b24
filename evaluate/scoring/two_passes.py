"""A packed row to its context and its branches, for two passes: the second sees the first through the cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from .packing import PADDING, Row

Values = tuple[list[float], list[bool]]
"""Log-probability and greediness of scored tokens, in the order of the rows."""


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
    segments = torch.tensor([row.segments + (PADDING,) * (width - len(row)) for row in branches])
    own = (segments[:, None, :] == segments[:, :, None]) & torch.ones(width, width, dtype=torch.bool).tril()
    read = torch.arange(start)[None, :] < torch.tensor(contexts)[:, None]
    allowed = torch.cat([read[:, None, :].expand(-1, width, -1), own], dim=2)
    mask = torch.zeros(allowed.shape, dtype=like.dtype).masked_fill_(~allowed, torch.finfo(like.dtype).min)
    return mask[:, None].to(like.device)


def merged(batch: Sequence[Row], first: Values, second: Values) -> Values:
    """Values of both passes in the order in which the whole rows name their scored tokens."""
    from_first, from_second = (iter(list(zip(*values, strict=True))) for values in (first, second))
    found = [next(from_first if one.column < row.context else from_second) for row in batch for one in row.scored]
    return [value for value, _ in found], [greedy for _, greedy in found]
