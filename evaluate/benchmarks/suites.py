"""Names of shipped suites to their benchmarks, and what drop each benchmark can show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import yaml

from ..config import Benchmark
from ..general_data import RETENTION_SUITES, describe_retention_suite

SUITES = ("quick", "standard", "full")
DISCORDANT = 0.10
"""Share of items on which two models differ, assumed before any run."""
DETECTION = 1.6449 + 0.8416
"""z of a one-sided 5 % test and of 80 % power."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteEntry:
    """One benchmark of a suite, for people."""

    task: str
    ability: str
    items: int
    num_fewshot: int | None
    smallest_drop: float | None
    """Smallest true loss that so many items find in four of five runs, when models differ on a tenth of the items; None
    where items are not right or wrong but bits per byte."""


def load_suite(name: str) -> tuple[Benchmark, ...]:
    """The benchmarks of a shipped suite, in its order; of `none`, none."""
    return () if name == "none" else tuple(Benchmark.model_validate(entry) for entry in _content(name)["benchmarks"])


def describe_suite(name: str) -> tuple[str, tuple[SuiteEntry, ...]]:
    """A suite's purpose, and what each of its benchmarks can show."""
    entries = tuple(
        SuiteEntry(
            task=entry.task,
            ability=entry.ability,
            items=entry.limit or 0,
            num_fewshot=entry.num_fewshot,
            smallest_drop=None if entry.ability == "language" else smallest_drop(entry.limit or 1),
        )
        for entry in load_suite(name)
    )
    return str(_content(name)["description"]), entries


def smallest_drop(items: int) -> float:
    """Smallest true loss that so many right-or-wrong items find in four of five runs."""
    return DETECTION * math.sqrt(DISCORDANT / items)


def suites_text() -> str:
    """Every shipped suite with its benchmarks, then those of general datasets for encoders, for people."""
    causal = ["\n".join(_lines(name, *describe_suite(name))) for name in SUITES]
    return "\n\n".join([*causal, *("\n".join(_retention_lines(name)) for name in RETENTION_SUITES)])


def _lines(name: str, description: str, entries: tuple[SuiteEntry, ...]) -> list[str]:
    total = sum(entry.items for entry in entries)
    titles = f"  {'benchmark':16} {'ability':13} {'items':>7} {'solved examples':>16} {'finds':>8}"
    rows = [
        f"  {entry.task:16} {entry.ability:13} {entry.items:7,} {_shots(entry):>16} {_drop(entry):>8}"
        for entry in entries
    ]
    return [f"{name}: {description}", titles, *rows, f"  {len(entries)} benchmarks{total:29,}"]


def _retention_lines(name: str) -> list[str]:
    description, datasets = describe_retention_suite(name)
    titles = f"  {'dataset':16} {'ability':13} {'items':>7} {'measure':>16} {'finds':>8}  files"
    rows = [
        f"  {entry.name:16} {entry.ability:13} {entry.limit or 0:7,} {entry.measure:>16} "
        f"{100 * smallest_drop(entry.limit or 1):5.1f} pt  {' '.join(filter(None, (entry.data, entry.test)))}"
        for entry in datasets
    ]
    return [f"{name}, for encoders (evaluate.retention): {description}", titles, *rows]


def _shots(entry: SuiteEntry) -> str:
    return "as defined" if entry.num_fewshot is None else str(entry.num_fewshot)


def _drop(entry: SuiteEntry) -> str:
    return "–" if entry.smallest_drop is None else f"{100 * entry.smallest_drop:.1f} pt"


def _content(name: str) -> dict[str, Any]:
    text = (files(__package__) / "suites" / f"{name}.yaml").read_text(encoding="utf-8")
    content: dict[str, Any] = yaml.safe_load(text)
    return content
