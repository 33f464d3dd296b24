"""Examples to a training part and a held-out part, by content and never by position."""

from __future__ import annotations

import hashlib
from collections import defaultdict

import numpy as np

from .records import Examples


def split_examples(examples: Examples, *, share: float, seed: int) -> tuple[Examples, Examples]:
    """Hold out a share of every class (of everything, where rows have no label); both parts keep the input's order.

    A row's side depends on its content id and the seed alone within its class, so shuffling the file moves nothing, and
    rows of equal content land on one side. A class of one row stays in training.

    Returns:
        The training part and the held-out part.
    """
    ids = examples.ids
    classes = examples.targets if examples.kind == "label" else [""] * len(ids)
    members: dict[str, set[str]] = defaultdict(set)
    for content, label in zip(ids, classes, strict=True):
        members[label].add(content)
    held = {content for contents in members.values() for content in _lowest(contents, share, seed)}
    is_held = np.fromiter((content in held for content in ids), dtype=bool, count=len(ids))
    return examples.take(np.flatnonzero(~is_held)), examples.take(np.flatnonzero(is_held))


def _lowest(contents: set[str], share: float, seed: int) -> list[str]:
    if len(contents) < 2:
        return []
    count = min(max(1, round(share * len(contents))), len(contents) - 1)
    return sorted(contents, key=lambda content: hashlib.blake2b(f"{seed}:{content}".encode()).digest())[:count]
