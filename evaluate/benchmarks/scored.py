"""Chosen benchmarks to scored items: definitions opened, items drawn, the model asked, rows and task facts made."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...core.errors import DataError
from ...core.results import BenchmarkItem, TaskInfo
from ...core.store import fingerprint
from ..config import Benchmark, EvaluateConfig
from ..scoring.request import Answer, Request
from .items import describe
from .lmeval import build_requests, chosen_documents, doc_hash, documents, item_results, narrow, open_task
from .local_data import mirror_index
from .locate import Leaf, find_leaves, read_definition
from .rows import result_rows, task_info
from .selection import select_items
from .suites import load_suite

SUBJECT_FIELDS = ("subject", "category", "topic")
"""Document fields that name a subject, where a benchmark has one definition for all of them."""
MOST_SUBJECTS = 100
"""A field with more values than that does not name subjects."""
Ask = Callable[[str, int, Sequence[Request]], Sequence[Answer]]
"""A benchmark's name, the number of its items, and its requests → the answer to each request."""
Measured = tuple[list[dict[str, Any]], list[TaskInfo]]
"""Rows (keys of SCORE_COLUMNS without occurrence and contaminated), and the facts of each benchmark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One definition of a benchmark, with the items that are measured."""

    leaf: Leaf
    task: Any
    """lm-eval's task."""
    items: tuple[int, ...]
    """Ascending positions in its documents."""
    subjects: Mapping[int, str]
    """Subject of each item."""
    places: Mapping[int, int]
    """Place of each item in the order in which the benchmark's items were drawn, from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """One benchmark, ready to be asked."""

    name: str
    settings: Benchmark
    parts: tuple[Part, ...]


def chosen_benchmarks(config: EvaluateConfig) -> list[Benchmark]:
    """The suite's benchmarks and the user's own, each with its limit; the user's entry replaces the suite's."""
    own = [Benchmark(task=entry) if isinstance(entry, str) else entry for entry in config.benchmarks]
    named = {entry.task for entry in own}
    shipped = [entry for entry in load_suite(config.suite) if entry.task not in named]
    return [entry if entry.limit else entry.model_copy(update={"limit": config.limit}) for entry in (*shipped, *own)]


def open_benchmarks(config: EvaluateConfig, *, seed: int) -> list[Opened]:
    """Load every chosen benchmark and draw its items.

    Raises:
        DataError: a definition or its data cannot be loaded, or one benchmark is named twice.
    """
    mirror = Path(config.mirror).expanduser() if config.mirror else None
    index = mirror_index(mirror) if mirror else {}
    opened = []
    for settings in chosen_benchmarks(config):
        for name, leaves in leaves_of(settings):
            tasks = [open_task(leaf, settings, mirror=mirror, index=index) for leaf in leaves]
            opened.append(_draw(name, settings, leaves, tasks, seed))
    twice = [name for name, count in Counter(one.name for one in opened).items() if count > 1]
    if twice:
        raise DataError(
            f"evaluate.benchmarks: {', '.join(sorted(twice))} is named twice, perhaps by a group and by itself"
        )
    return opened


def leaves_of(settings: Benchmark) -> list[tuple[str, list[Leaf]]]:
    """`find_leaves` of a benchmark's name; the benchmark itself where its definition is written in the recipe."""
    if settings.definition:
        return [(settings.task, [Leaf(name=settings.task, path=None)])]
    return find_leaves(settings.task)


def _draw(name: str, settings: Benchmark, leaves: Sequence[Leaf], tasks: Sequence[Any], seed: int) -> Opened:
    subjects = [
        _subjects(task, leaf.name if len(leaves) > 1 else "", name) for leaf, task in zip(leaves, tasks, strict=True)
    ]
    strata = [
        (number, subject, [position for position, own in enumerate(by_doc) if own == subject])
        for number, by_doc in enumerate(subjects)
        for subject in dict.fromkeys(by_doc)
    ]
    drawn = select_items([positions for _, _, positions in strata], limit=settings.limit, seed=seed, name=name)
    parts = []
    for number, (leaf, task) in enumerate(zip(leaves, tasks, strict=True)):
        own = [(subject, places) for (owner, subject, _), places in zip(strata, drawn, strict=True) if owner == number]
        chosen = {position: subject for subject, places in own for position in places}
        if chosen:
            items = tuple(sorted(chosen))
            narrow(task, items)
            merged = {position: place for _, places in own for position, place in places.items()}
            parts.append(Part(leaf=leaf, task=task, items=items, subjects=chosen, places=merged))
    return Opened(name=name, settings=settings, parts=tuple(parts))


def _subjects(task: Any, leaf: str, benchmark: str) -> list[str]:
    """Subject of every document: the definition's own name in a group, else a field of the documents, else nothing."""
    docs = documents(task)
    if leaf:
        return [leaf.removeprefix(f"{benchmark}_")] * len(docs)
    for name in SUBJECT_FIELDS:
        if name in getattr(docs, "column_names", ()):
            values = [str(value) for value in docs[name]]
            if 1 < len(set(values)) <= MOST_SUBJECTS:
                return values
    return [""] * len(docs)


def benchmark_items(config: EvaluateConfig, *, seed: int = 0) -> list[BenchmarkItem]:
    """Every benchmark item that an evaluation with this config and seed would score, as text, without a model.

    Raises:
        DataError: a benchmark cannot be loaded.
    """
    items = []
    for one in open_benchmarks(config, seed=seed):
        for part in one.parts:
            for doc in chosen_documents(part.task, part.items):
                question, _, _, target = describe(part.task, doc)
                items.append(BenchmarkItem(task=one.name, doc_hash=doc_hash(doc), question=question, answer=target))
    return items


def score_benchmarks(opened: Sequence[Opened], ask: Ask, *, tokenizer: Any = None, share: float = 1.0) -> Measured:
    """Rows and facts of benchmarks, one asked after the other; with a tokenizer in its chat template.

    Of the items only the first `share`, in the order of their drawing, are asked. Prompts are those of the whole draw:
    solved examples may depend on the items before, so an item must not read another prompt in a smaller share.
    """
    rows, infos = [], []
    for one in opened:
        count = math.ceil(share * sum(len(part.items) for part in one.parts))
        built = [_requests(part, count, tokenizer) for part in one.parts]
        answers = ask(one.name, count, [request for pairs in built for _, request in pairs])
        found, info = _scored(one, built, answers)
        rows += found
        infos.append(info)
    return rows, infos


def _scored(
    one: Opened, built: Sequence[Sequence[tuple[Any, Request]]], answers: Sequence[Answer]
) -> tuple[list[dict[str, Any]], TaskInfo]:
    left = iter(answers)
    results = []
    for part, pairs in zip(one.parts, built, strict=True):
        if pairs:
            answered = [(instance, next(left)) for instance, _ in pairs]
            names = [part.subjects[part.items[n]] for n in sorted({instance.doc_id for instance, _ in pairs})]
            of_part = item_results(part.task, part.items, answered)
            results += [(names[n % len(names)], result) for n, result in enumerate(of_part)]
    version = fingerprint([_version(part, one.settings) for part in one.parts])
    info = task_info(one.name, one.settings, one.parts[0].task, [result for _, result in results], version)
    return result_rows(info, results), info


def _requests(part: Part, count: int, tokenizer: Any) -> list[tuple[Any, Request]]:
    """Requests of those items of a part that are among the benchmark's first `count`."""
    wanted = {n for n, position in enumerate(part.items) if part.places[position] < count}
    pairs = build_requests(part.task, part.items, tokenizer=tokenizer)
    return [(instance, request) for instance, request in pairs if instance.doc_id in wanted]


def _version(part: Part, settings: Benchmark) -> list[Any]:
    """The definition as data, functions by name: the same in every process, other when it is edited."""
    definition = read_definition(part.leaf.path) if part.leaf.path else dict(settings.definition or {})
    return [definition, dict(part.leaf.overrides), part.task.config.num_fewshot]
