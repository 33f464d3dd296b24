"""A recipe file to one frozen model composed of each stage's own config, with every mistake reported at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BeforeValidator, Field

from .core.config import Config, PathString
from .core.prompts import PromptConfig
from .core.records import Kind
from .core.settings import read_config
from .curate import CurateConfig
from .evaluate import EvaluateConfig, GateConfig
from .train import TrainConfig


def _none_if_false(value: Any) -> Any:
    return None if value is False else value


def _one_or_several(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class DataConfig(Config):
    """Where the labelled rows are."""

    train: Annotated[tuple[PathString, ...], BeforeValidator(_one_or_several)]
    """File, glob, folder, `folder:split` or hub id, or a list of them."""
    test: PathString | None = None
    """Rows that the task is measured on; none: `holdout` decides."""
    holdout: float = Field(0.1, gt=0, lt=1)
    """Share of every class that is held out of `train` when there is no `test`."""
    kind: Kind | None = None
    """label, completion, chat or preference; none: recognised from the columns."""
    columns: Mapping[str, str] = {}
    """Canonical name (input, target, pair, messages, tools, rejected) to the file's own column."""
    overrides: PathString | None = None
    """A reviewer's decisions: JSON lines with id, action (keep or drop), by and why; the report page makes them."""
    allow_partial: bool = False
    """Go on with the readable part of a file that breaks off (a truncated archive)."""


class ReportConfig(Config):
    """What the run writes for people and machines."""

    formats: tuple[Literal["html", "markdown", "junit", "json", "sarif", "model-card"], ...] = (
        "html",
        "markdown",
        "junit",
    )
    """Which of report.html, report.md, junit.xml, report.json, findings.sarif and model_card.md."""


class Recipe(Config):
    """One run: data, model, and a config for each stage. Paths are relative to the recipe file."""

    model: PathString
    """Folder or hub id of the base model."""
    data: DataConfig
    """Files of labelled rows, and how to read them."""
    curate: Annotated[CurateConfig | None, BeforeValidator(_none_if_false)] = CurateConfig()
    """How to clean the training rows; false: train on all of them."""
    prompts: PromptConfig = PromptConfig()
    """How rows become prompts, in training and evaluation alike."""
    train: TrainConfig = TrainConfig()
    """How the model is tuned."""
    evaluate: EvaluateConfig = EvaluateConfig()
    """What is measured, of base and tuned model alike."""
    gate: GateConfig = GateConfig()
    """What may be lost and what must be gained."""
    report: ReportConfig = ReportConfig()
    """Which reports the run writes."""
    seed: int = 0
    """Seed of every draw: held-out rows, benchmark items, a new head, the order of training."""


def read_recipe(path: Path, *, changes: Sequence[str] = ()) -> Recipe:
    """Read a recipe and apply `a.b=value` changes on top.

    Raises:
        RecipeError: the file is absent or not YAML, or keys or values are wrong: all of them, one a line.
    """
    return read_config(Recipe, path, changes=changes)


def recipe_schema() -> dict[str, Any]:
    """The JSON schema of a recipe, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Recipe.model_json_schema()}


def recipe_yaml(recipe: Recipe) -> str:
    """The recipe with every default filled in, as YAML."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
