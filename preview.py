"""A recipe to what its run would do, stage by stage, without touching anything."""

from __future__ import annotations

from collections import Counter

from .core.records import Examples
from .evaluate import benchmark_items
from .recipe import Recipe
from .train import preflight


def preview(recipe: Recipe, train: Examples, test: Examples) -> str:
    """Rows, steps, items and memory of every stage, one stage a paragraph.

    Raises:
        InputError: what the real run would fail on: columns, templates, targets that are cut away, absent benchmarks.
    """
    return "\n".join(
        [
            f"curate    {_rows(train, test)}",
            f"train     {_training(recipe, train)}",
            f"evaluate  {_items(recipe, test)}",
            f"gate      {_margins(recipe)}",
            f"report    {', '.join(recipe.report.formats)}",
        ]
    )


def _rows(train: Examples, test: Examples) -> str:
    classes = f", {len(set(train.targets))} classes" if train.kind == "label" else ""
    bad = f"; {len(train.bad_rows):,} rows cannot be read and go to the ledger" if train.bad_rows else ""
    return f"{len(train):,} training rows and {len(test):,} test rows of kind {train.kind}{classes}{bad}"


def _training(recipe: Recipe, train: Examples) -> str:
    return str(preflight(train, model=recipe.model, config=recipe.train, prompts=recipe.prompts, seed=recipe.seed))


def _items(recipe: Recipe, test: Examples) -> str:
    counts = Counter(item.task for item in benchmark_items(recipe.evaluate, seed=recipe.seed))
    lines = [f"task: {len(test):,} items"] + [f"{task}: {count:,} items" for task, count in sorted(counts.items())]
    return "\n          ".join(lines) + "\n          each for base and tuned model"


def _margins(recipe: Recipe) -> str:
    gate = recipe.gate
    return f"mean loss under {100 * gate.mean_margin:g} points, each benchmark under {100 * gate.margin:g} points"
