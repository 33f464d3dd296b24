"""Rows that stay to prompts with several answers: seen, said, and never dropped for it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import orjson

from ..core.findings import Findings
from ..core.records import Examples
from .compared import joined_rows
from .context import Array
from .duplicates.blocks import take_rows
from .duplicates.candidates import representatives

MEMBERS_SHOWN = 10
"""Rows of one prompt that a finding lists."""


def prompt_numbers(examples: Examples) -> Array:
    """(n,) uint64: a number for each row's folded prompt and tools; none for labels, where two are conflicts."""
    if examples.kind == "label":
        return np.empty(0, np.uint64)
    from .duplicates.exact_join import text_numbers

    names = ["input", *(name for name in ("pair", "tools") if name in examples.table.column_names)]
    return text_numbers(joined_rows([examples.table[name].fill_null("") for name in names]), 1)


def find_several_answers(examples: Examples, prompts: Array, stays: Array) -> Findings:
    """A finding for every row that stays and whose prompt, by its number, occurs with other answers too."""
    if not len(prompts):
        return Findings.of([])
    first = representatives(prompts[stays])
    shared = np.flatnonzero(np.bincount(first, minlength=len(first))[first] > 1)
    rows, ids = stays[shared], np.array(take_rows(examples.table["id"], stays[shared]).to_pylist(), dtype="S16")
    order = np.lexsort([rows, ids, first[shared]])
    starts = np.flatnonzero(np.diff(first[shared][order], prepend=-1))
    sizes = np.diff(np.append(starts, len(order)))
    related = np.repeat(rows[order[starts]], sizes)
    related[starts] = rows[order[starts + 1]]
    found = Findings.repeated(
        rows[order],
        ("several-answers", "info"),
        kinds=np.arange(len(order)),
        reasons=[f"This prompt has {n} different answers in the data." for n in np.repeat(sizes, sizes).tolist()],
        evidence=list(_evidence(ids[order].astype(str).tolist(), starts.tolist(), sizes.tolist())),
        related=related,
    )
    return found.take(np.argsort(found.rows))


def _evidence(ids: list[str], starts: list[int], sizes: list[int]) -> Iterator[str]:
    """How many answers there are, and which other rows have them, for each row of each prompt."""
    for start, size in zip(starts, sizes, strict=True):
        shown = ids[start : start + min(size, MEMBERS_SHOWN)]
        for own in ids[start : start + size]:
            yield orjson.dumps({"answers": size, "members": [other for other in shown if other != own]}).decode()
