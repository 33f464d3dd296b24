"""Training rows to the benchmark items in them: whole questions or answers, long passages, and near copies.

A question alone is a leak too: a model that has seen it with another answer, or with none, has still seen it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.findings import Findings
from ...core.records import Examples, Finding
from ...core.results import BenchmarkItem
from ..compared import joined
from ..config import CurateConfig, LeakageConfig
from ..context import Context
from ..folding import fold
from ..scanning import excerpt
from .test_split import near_copies, without_template
from .word_runs import RUN, rows_sharing_runs

SHORTEST_EXACT = 4
"""Words from which on a text that equals a question is no coincidence."""
COMMON = 50
"""A run of words in more parts than this ("which of the following is") is looked up only where a part has no other."""
LONGEST_EXACT = RUN - 1


@dataclass(frozen=True, slots=True)
class _Part:
    """A question or an answer of an item, as folded words."""

    item: int
    name: str
    words: tuple[str, ...]

    @property
    def runs(self) -> set[tuple[str, ...]]:
        """Its runs of `RUN` words, by which it is looked up."""
        return _runs(self.words, RUN)


def find_benchmark_leaks(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:
    """One finding per row with benchmark items in it; its evidence lists all of them."""
    items = context.benchmarks
    if not items or not len(examples):
        return
    found: dict[int, dict[int, tuple[float, str]]] = defaultdict(dict)
    for row, item, score, how in _matches(examples, items, config):
        if item not in found[row] or score > found[row][item][0]:
            found[row][item] = (score, how)
    for row, hits in sorted(found.items()):
        listed = sorted((-score, items[item].task, items[item].doc_hash, item) for item, (score, _) in hits.items())
        best = listed[0][3]
        evidence = {
            "items": [
                {"task": task, "doc_hash": doc_hash, "score": round(-score, 6), "how": hits[item][1]}
                for score, task, doc_hash, item in listed
            ],
            "question": excerpt(items[best].question, width=200),
        }
        more = f" and {len(listed) - 1} more" if len(listed) > 1 else ""
        yield Finding(
            row=row,
            rule="benchmark-leak",
            severity="error",
            reason=f"The row holds an item of {items[best].task} ({hits[best][1]}){more}.",
            score=hits[best][0],
            evidence=evidence,
        )


def contaminated_items(findings: Findings, examples: Examples) -> list[dict[str, Any]]:
    """Each item once per rule and row in which it was found: task, doc_hash, rule, score, how, id of the row."""
    ours = np.flatnonzero(findings.are_of(("benchmark-leak", "benchmark-similar")))
    ids = examples.table["id"]
    listed = [
        {**item, "rule": finding.rule, "id": ids[finding.row].as_py()}
        for finding in findings.take(ours)
        for item in finding.evidence["items"]
    ]
    return sorted(listed, key=lambda item: (item["task"], item["doc_hash"], item["rule"], item["id"]))


def _matches(
    examples: Examples, items: Sequence[BenchmarkItem], config: CurateConfig
) -> Iterator[tuple[int, int, float, str]]:
    """(row, item, score, how)."""
    names = ["input", "target"] if examples.kind != "label" else ["input"]
    whole = joined([examples.table[name] for name in names])
    yield from _copied(whole.to_pylist(), _candidates(examples, names, items), items, config.leakage)
    questions = [item.question for item in items]
    ours = without_template(examples, examples, config)
    for row, copies in near_copies(ours, questions, config).items():
        yield from ((row, item, score, "near copy of the question") for score, item in copies)


def _candidates(examples: Examples, names: Sequence[str], items: Sequence[BenchmarkItem]) -> list[int]:
    phrases = [fold(text).split() for item in items for text in (item.question, item.answer)]
    rows: set[int] = set()
    for name in names:
        rows.update(rows_sharing_runs(examples.table[name], phrases).tolist())
    return sorted(rows)


def _copied(
    texts: list[str], candidates: list[int], items: Sequence[BenchmarkItem], config: LeakageConfig
) -> Iterator[tuple[int, int, float, str]]:
    parts = [
        _Part(at, name, tuple(fold(text).split()))
        for at, item in enumerate(items)
        for name, text in (("question", item.question), ("answer", item.answer))
    ]
    yield from _short_copies(texts, parts)
    long_enough = [part for part in parts if len(part.words) >= (RUN if part.name == "question" else config.ngram)]
    index = _index(long_enough)
    for row in candidates:
        words = tuple(fold(texts[row]).split())
        likely = {part for run in _runs(words, RUN) for part in index.get(run, ())}
        held: dict[int, set[tuple[str, ...]]] = {}
        for part in sorted(likely, key=lambda part: (part.item, part.name)):
            size = min(config.ngram, len(part.words))
            if size not in held:
                held[size] = _runs(words, size)
            share = _covered(part.words, held[size], size)
            if share >= config.containment:
                yield row, part.item, share, f"{share:.0%} of the {part.name} in runs of {size} words or more"


def _covered(words: tuple[str, ...], held: set[tuple[str, ...]], size: int) -> float:
    """Share of the words that stand in a run of `size` words that the row holds too."""
    starts = [at for at in range(len(words) - size + 1) if words[at : at + size] in held]
    return len({at + offset for at in starts for offset in range(size)}) / len(words)


def _short_copies(texts: list[str], parts: Sequence[_Part]) -> Iterator[tuple[int, int, float, str]]:
    """Rows whose whole input is a question too short for word runs."""
    short = {
        " ".join(part.words): part.item
        for part in parts
        if part.name == "question" and SHORTEST_EXACT <= len(part.words) <= LONGEST_EXACT
    }
    if not short:
        return
    for row, text in enumerate(texts):
        item = short.get(fold(text)) if text.count(" ") <= 2 * LONGEST_EXACT else None
        if item is not None:
            yield row, item, 1.0, "the question, word for word"


def _index(parts: Sequence[_Part]) -> dict[tuple[str, ...], list[_Part]]:
    """Run of words → parts that hold it; very common runs only for parts that have no rarer one."""
    holders: dict[tuple[str, ...], list[_Part]] = defaultdict(list)
    for part in parts:
        for run in part.runs:
            holders[run].append(part)
    common_only = {part for part in parts if all(len(holders[run]) > COMMON for run in part.runs)}
    return {
        run: members if len(members) <= COMMON else [part for part in members if part in common_only]
        for run, members in holders.items()
    }


def _runs(words: tuple[str, ...], size: int) -> set[tuple[str, ...]]:
    return {words[at : at + size] for at in range(len(words) - size + 1)}
