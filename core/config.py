"""The base of every stage's config: frozen, and a key that nobody knows is a mistake."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Config(BaseModel):
    """A frozen model whose unknown keys are errors; `recipe.py` composes one per stage and words the problems."""

    model_config = ConfigDict(frozen=True, extra="forbid")
