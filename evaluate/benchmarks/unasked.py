"""Chosen benchmarks to items that the gate does not ask: what a run may choose its own settings by."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from random import Random

from ...core.results import BenchmarkItem
from ..config import EvaluateConfig
from .items import describe
from .lmeval import doc_hash, documents
from .scored import Opened, benchmark_items, chosen_benchmarks, open_benchmarks


def selection_items(config: EvaluateConfig, *, limit: int, seed: int = 0) -> list[BenchmarkItem]:
    """Up to `limit` items of every benchmark that an evaluation with this config and seed does not score.

    None has the document, or the question with the answer, of an item that is scored. A benchmark whose items are all
    scored gives none.

    Raises:
        DataError: a benchmark cannot be loaded.
    """
    asked = benchmark_items(config, seed=seed)
    taken = {(item.task, item.doc_hash) for item in asked} | {(item.question, item.answer) for item in asked}
    found: list[BenchmarkItem] = []
    for one in open_benchmarks(_unlimited(config), seed=seed):
        random = Random(f"{seed}:{one.name}:selection")  # noqa: S311  a draw, not a secret
        found += islice(_fresh(one, taken, random), limit)
    return found


def _unlimited(config: EvaluateConfig) -> EvaluateConfig:
    """The same benchmarks, with all of their items."""
    chosen = tuple(entry.model_copy(update={"limit": None}) for entry in chosen_benchmarks(config))
    return config.model_copy(update={"suite": "none", "benchmarks": chosen, "limit": None})


def _fresh(one: Opened, taken: set[tuple[str, str]], random: Random) -> Iterator[BenchmarkItem]:
    """A benchmark's items that are not taken yet, in random order; each is taken from then on."""
    documents_of = [(part, documents(part.task)) for part in one.parts]
    pool = [(part, docs, at) for part, docs in documents_of for at in range(len(docs))]
    for part, docs, at in random.sample(pool, len(pool)):
        question, _, _, answer = describe(part.task, docs[at])
        item = BenchmarkItem(task=one.name, doc_hash=doc_hash(docs[at]), question=question, answer=answer)
        keys = {(item.task, item.doc_hash), (question, answer)}
        if not keys & taken:
            taken |= keys
            yield item
