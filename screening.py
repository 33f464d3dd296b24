"""General rows that a run rehearses to the same rows without the items of its benchmarks: the gate asks those."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from . import curate, train
from .core.formats import load_examples, write_examples
from .core.results import BenchmarkItem
from .core.store import write_text
from .recipe import Recipe

STEM = "rehearsed"
"""Name of the file in the folder of the curation, without its suffix."""


def screen_replay(recipe: Recipe, items: Sequence[BenchmarkItem], curated: Path) -> list[str]:
    """Write the rows of `train.replay.source` that hold no benchmark item, where others do; what to tell of those.

    Raises:
        DataError: there is no such file, or no row in it.
    """
    source = recipe.train.replay.source
    if source in (None, train.SELF) or not items or recipe.curate is None:
        return []
    texts = train.read_texts(source)
    rows = load_examples(source if texts is None else [{"text": text, "label": "general"} for _, text in texts])
    held = curate.rows_with_items(rows, items, recipe.curate)
    if not len(held):
        return []
    kept = np.setdiff1d(np.arange(len(rows)), held)
    if texts is None:
        write_examples(rows, curated / f"{STEM}.{rows.format}", rows=kept)
    else:
        lines = [json.dumps({"text": rows.inputs[row]}) + "\n" for row in kept.tolist()]
        write_text(curated / f"{STEM}.jsonl", "".join(lines))
    return [f"{len(held):,} of {len(rows):,} rows of train.replay.source hold benchmark items and are not rehearsed"]


def screened_config(recipe: Recipe, curated: Path) -> train.TrainConfig:
    """The recipe's settings of training, with the screened rows where some were left out."""
    screened = next(iter(curated.glob(f"{STEM}.*")), None)
    if screened is None:
        return recipe.train
    return recipe.train.model_copy(update={"replay": recipe.train.replay.model_copy(update={"source": str(screened)})})
