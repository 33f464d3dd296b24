"""General rows that a run rehearses to the same rows without the items of its benchmarks: the gate asks those."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from . import curate, train
from .core.errors import DataError
from .core.formats import load_examples, write_examples
from .core.results import BenchmarkItem
from .core.store import write_text
from .recipe import Recipe

STEM = "rehearsed"
"""Name of the file in the folder of the curation, without its suffix."""


def screen_replay(recipe: Recipe, items: Sequence[BenchmarkItem], curated: Path) -> list[str]:
    """Write the rows of `train.replay.source` that hold no benchmark item, where others do; what to tell of those.

    Raises:
        DataError: there is no such file, no row in it, or none without an item.
    """
    source = recipe.train.replay.source
    if source in (None, train.SELF) or not items or recipe.curate is None:
        return []
    texts = train.read_texts(source)
    if texts:
        rows = load_examples([{"text": text, "label": "general"} for _, text in texts], kind="label")
    else:
        rows = load_examples(source)
    held = curate.rows_with_items(rows, items, recipe.curate)
    if not len(held):
        return []
    count = len(texts or rows)
    if len(held) == count:
        raise DataError(f"train.replay.source: every row of {source} holds benchmark items; name other general text")
    if texts:
        lines = set(rows.table["line"].take(held).to_pylist())
        kept = [text for number, (_, text) in enumerate(texts, start=1) if number not in lines]
        write_text(curated / f"{STEM}.jsonl", "".join(json.dumps({"text": text}) + "\n" for text in kept))
    else:
        write_examples(rows, curated / f"{STEM}.{rows.format}", rows=np.setdiff1d(np.arange(count), held))
    return [f"{len(held):,} of {count:,} rows of train.replay.source hold benchmark items and are not rehearsed"]


def screened_config(recipe: Recipe, curated: Path) -> train.TrainConfig:
    """The recipe's settings of training, with the screened rows where some were left out."""
    screened = next(iter(curated.glob(f"{STEM}.*")), None)
    if screened is None:
        return recipe.train
    return recipe.train.model_copy(update={"replay": recipe.train.replay.model_copy(update={"source": str(screened)})})
