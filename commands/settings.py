"""A stage's settings from a recipe's section and `--set` changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..core.settings import AnyConfig, make_config
from ..recipe import read_recipe


def stage_config(
    config: type[AnyConfig], section: str, recipe: Path | None, changes: Sequence[str] | None
) -> AnyConfig:
    """A stage's settings: those of a recipe's section where one is given, with `--set` changes on top.

    Raises:
        RecipeError: the recipe or a change is wrong.
    """
    if recipe is None:
        return make_config(config, changes or ())
    whole = read_recipe(recipe, changes=[f"{section}.{change}" for change in changes or ()])
    found = getattr(whole, section)
    return found if isinstance(found, config) else config()
