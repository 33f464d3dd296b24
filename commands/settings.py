"""What a command takes from a recipe: a stage's settings with `--set` changes on top, and the benchmarks to gate on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..core.prompts import PromptConfig
from ..core.results import BenchmarkItem
from ..core.settings import AnyConfig, make_config

PROMPTS = "prompts."
"""What begins a `--set` of the prompts, where a command takes a stage's settings."""


def stage_config(
    config: type[AnyConfig], section: str, recipe: Path | None, changes: Sequence[str] | None
) -> AnyConfig:
    """A stage's settings: those of a recipe's section where one is given, with `--set` changes on top.

    Raises:
        RecipeError: the recipe or a change is wrong.
    """
    if recipe is None:
        return make_config(config, changes or ())
    from ..recipe import read_recipe  # with the settings of every stage, which most commands have no use for

    whole = read_recipe(recipe, changes=[f"{section}.{change}" for change in changes or ()])
    found = getattr(whole, section)
    return found if isinstance(found, config) else config()


def stage_and_prompts(
    config: type[AnyConfig], section: str, recipe: Path | None, changes: Sequence[str] | None
) -> tuple[AnyConfig, PromptConfig]:
    """`stage_config` of a stage and of the prompts, which `--set prompts.KEY=VALUE` changes.

    Raises:
        RecipeError: the recipe or a change is wrong.
    """
    prompts = [change.removeprefix(PROMPTS) for change in changes or () if change.startswith(PROMPTS)]
    own = [change for change in changes or () if not change.startswith(PROMPTS)]
    return stage_config(config, section, recipe, own), stage_config(PromptConfig, "prompts", recipe, prompts)


def recipe_overrides(recipe: Path | None) -> Path | None:
    """The file of reviewers' decisions that a recipe names."""
    if recipe is None:
        return None
    from ..recipe import read_recipe

    named = read_recipe(recipe).data.overrides
    return Path(named) if named else None


def benchmark_questions(
    recipe: Path | None, benchmarks: Sequence[str] | None, mirror: Path | None
) -> list[BenchmarkItem]:
    """The items that a recipe's gate will ask, and all items of other benchmarks that are named beside it.

    Raises:
        RecipeError: the recipe is wrong.
        DataError: a benchmark is unknown or its data is not there.
    """
    if recipe is None and not benchmarks:
        return []
    from ..evaluate import EvaluateConfig, benchmark_items
    from ..recipe import read_recipe

    whole = read_recipe(recipe) if recipe else None
    config, seed = (whole.evaluate, whole.seed) if whole else (EvaluateConfig(), 0)
    changes = {"benchmarks": (*config.benchmarks, *(benchmarks or ())), **({"mirror": str(mirror)} if mirror else {})}
    return benchmark_items(config.model_copy(update=changes), seed=seed)
