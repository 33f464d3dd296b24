"""The base of every stage's config: frozen, and a key that nobody knows is a mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo


class Config(BaseModel):
    """A frozen model whose unknown keys are errors; `recipe.py` composes one per stage and words the problems."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def _beside_the_recipe(value: str, info: ValidationInfo) -> str:
    base: Path | None = (info.context or {}).get("base")
    if base is None or Path(value).is_absolute():
        return value
    return str(base / value) if next(base.glob(value), None) or value.startswith((".", "~")) else value


PathString = Annotated[str, AfterValidator(_beside_the_recipe)]
"""A path, glob or hub id. In a recipe, a path is relative to the recipe's own folder; what is not found there stays as
it is, since a hub id such as `org/name` looks like a path."""
