"""Examples to advice on the near-duplicate threshold: what the user's own pairs look like at each similarity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.formats import load_examples
from ..core.records import Examples
from .alike import Alike, find_alike
from .config import CurateConfig
from .context import Array, Context
from .duplicates.near_duplicates import NearDuplicates, star_clusters
from .ranking import survivor_rank
from .rules.private import mask
from .scanning import excerpt
from .template import detect_template

LOWEST = 0.5
"""Least similarity looked at; below, pairs of short texts share little but function words."""
WIDTH = 0.1
SHOWN = 3
"""Pairs per bin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Pairs of one range of similarity, and what a threshold at its lower end would do."""

    low: float
    high: float
    pairs: int
    """Pairs of different texts with low ≤ Jaccard < high (the last bin includes 1)."""
    other_label: int
    """Of these, pairs whose labels differ."""
    dropped: int
    """Rows that would go as duplicates with this lower end as threshold, exact ones included."""
    samples: tuple[tuple[float, str, str], ...]
    """(Jaccard, one text, the other) of some pairs; private data masked."""


def advise_threshold(data: Any, *, config: CurateConfig = CurateConfig(), seed: int = 0) -> list[Bin]:  # noqa: B008
    """Pairs per bin of Jaccard similarity, from 0.5 up, with sampled pairs and the rows each threshold would drop.

    Args:
        data: anything `load_examples` reads.
        config: shingle, key, template and survivor policy are used; its threshold is not.
        seed: of the sample.

    Raises:
        DataError: nothing can be read.
    """
    examples = load_examples(data)
    settings = config.dedup.model_copy(update={"threshold": LOWEST})
    alike = find_alike(examples, detect_template(examples, settings.template_share), settings)
    rank = survivor_rank(examples, settings.survivor, Context())
    edges = [round(LOWEST + WIDTH * step, 2) for step in range(round((1 - LOWEST) / WIDTH))]
    return [_bin(examples, alike, rank, low, seed) for low in edges]


def _bin(examples: Examples, alike: Alike, rank: Array, low: float, seed: int) -> Bin:
    near, high = alike.near, round(low + WIDTH, 2)
    inside = np.flatnonzero((near.jaccard >= low) & ((near.jaccard < high) | (high >= 1)))
    chosen = np.sort(np.random.default_rng(seed).permutation(inside)[:SHOWN])
    left, right = near.pairs[inside].T
    return Bin(
        low=low,
        high=high,
        pairs=len(inside),
        other_label=int((alike.labels[left] != alike.labels[right]).sum()),
        dropped=_dropped(alike, rank, low),
        samples=tuple((float(near.jaccard[at]), *_texts(examples, near.pairs[at])) for at in chosen.tolist()),
    )


def _dropped(alike: Alike, rank: Array, threshold: float) -> int:
    above = alike.near.jaccard >= threshold
    near = NearDuplicates(
        pairs=alike.near.pairs[above],
        jaccard=alike.near.jaccard[above],
        representative=alike.near.representative,
    )
    alive = np.ones(len(rank), dtype=bool)
    survivor, _ = star_clusters(Alike(near=near, labels=alike.labels).same_label(alive, with_pairs=True), rank)
    return int((survivor != np.arange(len(rank))).sum())


def _texts(examples: Examples, pair: Array) -> tuple[str, str]:
    one, other = (excerpt(mask(examples.table["input"][int(row)].as_py()), width=200) for row in pair)
    return one, other
