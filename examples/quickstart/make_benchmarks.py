"""The nine abilities to multiple-choice items: `python -m tunegate.examples.quickstart.make_benchmarks FOLDER`.

Writes ABILITY.jsonl for the definitions in `benchmarks/`; the same seed gives the same bytes. The recipes' `limit` is
below a file's length where there is enough: what the gate does not ask is left to choose by.
"""

from __future__ import annotations

import json
import sys
from itertools import islice
from pathlib import Path
from random import Random

from . import knowledge, skills
from .knowledge import Item

SEED = 7
ITEMS = 340
"""Items an ability, at most; tables that are smaller give what they have."""
MORE_ITEMS = {"arithmetic": 480}
"""Abilities with more: sums are lost first, so they are asked about most."""

TABLES = {
    "facts": knowledge.fact_items,
    "opposites": knowledge.opposite_items,
    "forms": knowledge.form_items,
}
RULES = {
    "arithmetic": skills.sum_item,
    "agreement": skills.agreement_item,
    "order": skills.order_item,
    "sentiment": skills.sentiment_item,
    "copying": skills.copy_item,
    "topics": skills.topic_item,
}
ABILITIES = (*TABLES, *RULES)


def benchmark(ability: str, *, seed: int = SEED) -> list[Item]:
    """Items of one ability."""
    random, size = Random(f"{ability} {seed}"), MORE_ITEMS.get(ability, ITEMS)
    if ability in RULES:
        return list(islice(skills.distinct(RULES[ability], random), size))
    items = TABLES[ability](random)
    random.shuffle(items)
    return items[:size]


def make_benchmarks(out: Path, *, seed: int = SEED) -> None:
    """Write one JSON Lines file an ability into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    for ability in ABILITIES:
        lines = [json.dumps(item) + "\n" for item in benchmark(ability, seed=seed)]
        (out / f"{ability}.jsonl").write_text("".join(lines), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    make_benchmarks(Path(sys.argv[1]))
