"""Rows beyond a limit per class or source to findings; the choice is seeded and does not depend on the order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

from ...core.records import Examples, Finding
from ..compared import codes, source_column
from ..config import CurateConfig
from ..context import Context


def find_over_cap(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:
    """The rows of each value that the seeded order puts after the first `cap.rows`; pinned rows come first."""
    if config.cap.per is None or not len(examples):
        return
    column = source_column(examples, config.cap.per, "curate.cap.per")
    groups = codes(column)
    drawn = np.array([_draw(row_id, config.cap.seed) for row_id in examples.ids])
    pinned = np.zeros(len(examples), bool) if context.pinned is None else context.pinned
    order = np.lexsort([np.arange(len(examples)), drawn, ~pinned, groups])
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    place = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    for row in sorted(order[place >= config.cap.rows].tolist()):
        value = column[row].as_py()
        yield Finding(
            row=row,
            rule="over-cap",
            severity="info",
            reason=f"{config.cap.per} {value!r} has more than the {config.cap.rows:,} rows that may stay.",
            evidence={"value": value},
        )


def _draw(row_id: str, seed: int) -> str:
    return hashlib.blake2b(f"{seed}:{row_id}".encode(), digest_size=8).hexdigest()
