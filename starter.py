"""A data file to a commented recipe that runs: kind, columns and classes are looked up, every choice is explained."""

from __future__ import annotations

import os
from pathlib import Path

from .core.errors import ModelError
from .core.formats import load_examples
from .core.models import model_family
from .core.records import Examples

TEMPLATE = """\
# A tunegate recipe. Paths are relative to this file.
#   tunegate run {name} --dry-run   says what every stage would do
#   tunegate run {name}             runs it, and goes on where it stopped
#   tunegate init --schema          prints the schema of every key, for editors

# The model to tune: a folder, or a hub id.
model: {model}

data:
  train: {train}
{test}
  kind: {kind}
  columns: {columns}

# Clean the training rows. `tunegate curate --list-rules` names every rule; `curate: false` trains on all rows.
curate:
  dedup:
    threshold: {threshold}        # true Jaccard similarity from which on two rows are near-duplicates

train:
  method: auto          # full, lora or head; auto: a new head for an encoder, else by size
  epochs: 3
  batch_size: 16

# The task is measured on the test rows; broad abilities on benchmarks, base and tuned on the same items.
evaluate:
{benchmarks}
  limit: 500            # items per benchmark

# PASS needs both: the mean over the benchmarks and every single one stay within their margins.
gate: {{}}

seed: 0
"""

PLACEHOLDER = "GENERAL.jsonl"
"""Stands where only the user knows a file."""

TEST_GIVEN = "  test: {test}"
TEST_HELD_OUT = "  holdout: 0.1          # share of every class kept for testing; or name a file: test: test.jsonl"

BENCHMARKS_CAUSAL = """\
  suite: quick          # quick, standard or full
  {mirror}  # folder with the benchmarks' data, for machines without a hub (tunegate mirror)
  # benchmarks: [my_benchmark.yaml, hellaswag]"""
BENCHMARKS_ENCODER = """\
  # What the encoder could do before: labelled data of another domain, on which its frozen features are probed.
  # The gate needs at least one.
  retention:
    - {{name: general, data: {general}}}"""


def starter_recipe(
    data: Path, *, model: str, test: Path | None, mirror: Path | None, general: Path | None, out: Path
) -> tuple[str, str]:
    """The text of a recipe for a data file, and a sentence on what was recognised.

    Args:
        data: labelled rows.
        model: folder or hub id.
        test: test rows; none: a share is held out.
        mirror: the benchmarks' data, for a causal model; none: the hub.
        general: labelled rows of another domain, for an encoder; none: to be filled in.
        out: the recipe file, to which its paths are relative.

    Raises:
        DataError: the file cannot be read, or its columns cannot be told apart.
    """
    examples = load_examples(data)
    benchmarks = (
        BENCHMARKS_CAUSAL.format(mirror=f"mirror: {_beside(mirror, out)}" if mirror else "# mirror: mirror    ")
        if _family(model) == "causal"
        else BENCHMARKS_ENCODER.format(general=_beside(general, out) if general else PLACEHOLDER)
    )
    columns = ", ".join(f"{name}: {column}" for name, column in examples.columns.items())
    text = TEMPLATE.format(
        name=out.name,
        model=_beside(Path(model), out) if Path(model).exists() else model,
        train=_beside(data, out),
        test=TEST_GIVEN.format(test=_beside(test, out)) if test else TEST_HELD_OUT,
        kind=examples.kind,
        columns="{" + columns + "}",
        threshold=_default_threshold(),
        benchmarks=benchmarks,
    )
    open_end = f"\nname labelled rows of another domain in place of {PLACEHOLDER}" if PLACEHOLDER in text else ""
    return text, _summary(data, examples) + open_end


def _family(model: str) -> str:
    """The family of the model; one that is not here yet is taken for a causal model."""
    try:
        return model_family(model)
    except ModelError:
        return "causal"


def _beside(path: Path, out: Path) -> str:
    return Path(os.path.relpath(path, out.parent)).as_posix()


def _default_threshold() -> float:
    from .curate import CurateConfig

    return CurateConfig().dedup.threshold


def _summary(data: Path, examples: Examples) -> str:
    classes = f", {len(set(examples.targets))} classes" if examples.kind == "label" else ""
    bad = f"; {len(examples.bad_rows):,} rows cannot be read" if examples.bad_rows else ""
    columns = ", ".join(f"{name} from {column!r}" for name, column in examples.columns.items())
    return f"{data}: {len(examples):,} rows of kind {examples.kind} ({columns}{classes}){bad}"
