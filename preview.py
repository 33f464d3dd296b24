"""A recipe to what its run would do, stage by stage, without touching anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import curate, evaluate, train
from .core.records import Examples
from .recipe import Recipe

if TYPE_CHECKING:
    from .train import Preflight

ORDINARY_COUNTS = {"bos", "eos_supervised"}
"""Counts of the audit that every healthy row adds to."""


def preview(recipe: Recipe, rows: Examples, test: Examples) -> str:
    """Rows, steps, items and memory of every stage, one stage a paragraph.

    Raises:
        InputError: what the real run would fail on: columns, templates, targets that are cut away, absent benchmarks.
    """
    return "\n".join(
        [
            _paragraph("curate", [_data(rows, test), *_duplicates(recipe, rows)]),
            _paragraph("train", training_lines(_preflight(recipe, rows))),
            _paragraph("evaluate", _items(recipe, test)),
            _paragraph("gate", [_margins(recipe)]),
            _paragraph("report", [", ".join(recipe.report.formats)]),
        ]
    )


def training_lines(audit: Preflight) -> list[str]:
    """What training would do and on what, for people."""
    unusual = {name: count for name, count in audit.counts.items() if count and name not in ORDINARY_COUNTS}
    return [
        f"{audit.method} ({audit.reason}), peak learning rate {audit.learning_rate:g}",
        f"{audit.steps:,} steps over {audit.trained_rows:,} rows; {audit.validation_rows:,} more watch the training",
        f"{audit.learned}; longest row {audit.longest_row:,} tokens",
        f"about {audit.cost} on {audit.device} ({audit.precision})",
        f"one row, what is learned in ⟦ ⟧: {audit.example!r}",
        *(f"{name.replace('_', ' ')}: {count:,} rows" for name, count in unusual.items()),
        *(f"warning: {warning}" for warning in audit.warnings),
    ]


def _paragraph(stage: str, lines: Sequence[str]) -> str:
    return f"{stage:10}" + ("\n" + " " * 10).join(lines)


def _data(rows: Examples, test: Examples) -> str:
    classes = f", {len(set(rows.targets))} classes" if rows.kind == "label" else ""
    bad = f"; {len(rows.bad_rows):,} rows cannot be read and go to the ledger" if rows.bad_rows else ""
    return f"{len(rows):,} training rows and {len(test):,} test rows of kind {rows.kind}{classes}{bad}"


def _duplicates(recipe: Recipe, rows: Examples) -> list[str]:
    settings = recipe.curate
    return curate.forecast_duplicates(rows, settings) if isinstance(settings, curate.CurateConfig) else []


def _preflight(recipe: Recipe, rows: Examples) -> Preflight:
    return train.preflight(rows, model=recipe.model, config=recipe.train, prompts=recipe.prompts, seed=recipe.seed)


def _items(recipe: Recipe, test: Examples) -> list[str]:
    require_verdict(recipe, test)
    counts = Counter(item.task for item in evaluate.benchmark_items(recipe.evaluate, seed=recipe.seed))
    general, warnings = evaluate.retention_items(recipe.evaluate, test, seed=recipe.seed)
    measured = {"task": len(test), **dict(sorted(counts.items())), **general}
    lines = [f"{name}: {count:,} items" for name, count in measured.items()]
    looks = recipe.evaluate.blocks
    blocks = [f"in at most {looks} blocks, until every check is decided"] if looks > 1 else []
    rows = min(recipe.evaluate.drift_rows, len(test)) if evaluate.is_causal(recipe.model) else 0
    drift = [f"drift from the base on {rows:,} rows, not gated (evaluate.drift_rows=0: off)"] if rows else []
    warned = [f"warning: {warning}" for warning in warnings]
    return [*lines, "each for the base and the tuned model", *blocks, *drift, *warned]


def require_verdict(recipe: Recipe, test: Examples) -> None:
    """Refuse, before anything is trained, a recipe that could not be measured or judged afterwards.

    Raises:
        InputError: a metric or a file that does not exist, or no benchmark that is gated.
    """
    evaluate.require_measures(recipe.evaluate, test.kind)
    causal = recipe.train.method != "head" and evaluate.is_causal(recipe.model)
    planned = evaluate.planned_benchmarks(recipe.evaluate, causal=causal)
    evaluate.require_gated(recipe.gate, planned)


def _margins(recipe: Recipe) -> str:
    gate = recipe.gate
    return f"mean loss under {100 * gate.mean_margin:g} points, each benchmark under {100 * gate.margin:g} points"
