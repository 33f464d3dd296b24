"""The base of every stage's config: frozen, and a key that nobody knows is a mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo

from .suffixes import format_by_suffix


class Config(BaseModel):
    """A frozen model whose unknown keys are errors; `recipe.py` composes one per stage and words the problems."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def _beside_the_recipe(value: str, info: ValidationInfo) -> str:
    base: Path | None = (info.context or {}).get("base")
    if base is None:
        return value
    path = Path(value).expanduser() if value.startswith("~/") else Path(value)
    if not path.is_absolute() and next(base.glob(value), None):
        return str(base / value)
    if format_by_suffix(path) and not next(Path(path.anchor or ".").glob(str(path.relative_to(path.anchor))), None):
        places = dict.fromkeys(map(str, (base.resolve(), Path.cwd())))
        raise ValueError("no such file" if path.is_absolute() else f"no such file in {' or '.join(places)}")
    return str(base / value) if value.startswith(".") else str(path) if value.startswith("~/") else value


PathString = Annotated[str, AfterValidator(_beside_the_recipe)]
"""A path, glob or hub id. In a recipe, a path is relative to the recipe's own folder. A data file that is nowhere is a
mistake; what else is not found stays as it is, since a hub id such as `org/name` looks like a path."""
