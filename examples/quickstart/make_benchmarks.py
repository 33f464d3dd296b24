"""The nine abilities to multiple-choice items: `python -m tunegate.examples.quickstart.make_benchmarks FOLDER`.

Writes ABILITY.jsonl for the definitions in `benchmarks/`; the same seed gives the same bytes. A second set of items,
disjoint from the first, serves to choose a mitigation without touching the items that the gate uses.
"""

from __future__ import annotations

import json
import sys
from itertools import islice
from pathlib import Path
from random import Random

from . import knowledge, skills
from .knowledge import Item, whole_text

GATE_SEED, SELECTION_SEED = 7, 8
ITEMS = 300
"""Items an ability, at most; tables that are smaller give what they have."""

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


def benchmark(ability: str, *, seed: int = GATE_SEED, size: int = ITEMS) -> list[Item]:
    """Items of one ability."""
    random = Random(f"{ability} {seed}")
    if ability in RULES:
        return list(islice(skills.distinct(RULES[ability], random), size))
    items = TABLES[ability](random)
    random.shuffle(items)
    return items[:size]


def selection(ability: str, *, size: int = ITEMS) -> list[Item]:
    """Items to choose hyper-parameters by, none of which the gate asks: tables in known templates, rules drawn anew."""
    random = Random(f"{ability} {SELECTION_SEED}")
    if ability in TABLES:
        items = TABLES[ability](random, held=False)
        random.shuffle(items)
        return items[:size]
    gated = {whole_text(item) for item in benchmark(ability)}
    fresh = (item for item in skills.distinct(RULES[ability], random) if whole_text(item) not in gated)
    return list(islice(fresh, size))


def make_benchmarks(out: Path, *, seed: int = GATE_SEED, size: int = ITEMS) -> None:
    """Write one JSON Lines file an ability into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    for ability in ABILITIES:
        lines = [json.dumps(item) + "\n" for item in benchmark(ability, seed=seed, size=size)]
        (out / f"{ability}.jsonl").write_text("".join(lines), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    make_benchmarks(Path(sys.argv[1]))
