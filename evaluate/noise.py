"""One model measured twice, under other numerics, to its noise floor: how many items flip though nothing changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import InputError, IntegrityError
from ..core.prompts import PromptConfig
from ..core.records import SCHEMA_VERSION, Examples
from ..core.results import Scores, TaskComparison
from ..core.store import read_json, write_json
from .compare import compare_scores
from .config import EvaluateConfig
from .gate.words import amount

CHANGES: Mapping[str, Mapping[str, Any]] = {
    "other batches": {"batch_tokens": 512},
    "a pass per choice": {"share_context": False},
    "bfloat16": {"dtype": "bfloat16"},
}
"""What is changed by default: how rows are packed, what is shared between passes, and the number format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseFloor:
    """What numerics alone do to one model's scores."""

    model: str
    runs: tuple[Mapping[str, Any], ...]
    """Per repetition: `changed` (which setting), and per task `n`, `scale`, `delta`, `flips` and `share`: of items that
    flipped, or the absolute difference where scores are numbers."""

    @property
    def shares(self) -> dict[str, float]:
        """Per task the largest `share` of any repetition: what `judge(noise=…)` takes."""
        largest: dict[str, float] = {}
        for run in self.runs:
            for name, task in run["tasks"].items():
                largest[name] = max(largest.get(name, 0.0), task["share"])
        return largest

    @property
    def lines(self) -> list[str]:
        """A line per repetition and task, for a terminal."""
        return [
            f"{run['changed']}: {name}: {task['flips']:,} of {task['n']:,} items flip"
            if task["scale"] == "binary"
            else f"{run['changed']}: {name}: {amount(task['delta'], task['scale'], signed=True)}"
            for run in self.runs
            for name, task in run["tasks"].items()
        ]


def noise_floor(first: Scores, repeats: Mapping[str, Scores]) -> NoiseFloor:
    """The noise floor from scores of one model, by what was changed in each repetition.

    Raises:
        InputError: the scores are of different weights.
        IntegrityError: they are of different items or prompts.
    """
    runs = []
    for changed, scores in repeats.items():
        comparison = compare_scores(first, scores)
        if not comparison.same_weights:
            raise InputError(f"a noise floor needs one model, not {first.model!r} and {scores.model!r}")
        runs.append({"changed": changed, "tasks": {task.info.name: _moved(task) for task in comparison.tasks}})
    return NoiseFloor(model=first.model, runs=tuple(runs))


def measure_noise(
    model: str,
    *,
    task: Examples | None,
    config: EvaluateConfig,
    prompts: PromptConfig,
    changes: Mapping[str, Mapping[str, Any]] = CHANGES,
    seed: int = 0,
) -> NoiseFloor:
    """Measure a model as configured, and once more per change of the configuration; nothing is cached.

    Args:
        model: Folder or hub id.
        task: The user's own held-out rows, or None.
        config: What is measured.
        prompts: How rows become prompts.
        changes: What to change, by name, none of which should matter.
        seed: It draws the items, so all repetitions share it.
    """
    from .measure import evaluate_model

    measured = {
        name: evaluate_model(
            model, task=task, config=config.model_copy(update=dict(change)), prompts=prompts, seed=seed
        )
        for name, change in {"": {}, **changes}.items()
    }
    return noise_floor(measured.pop(""), measured)


def write_noise(noise: NoiseFloor, path: Path) -> None:
    """Write noise.json."""
    write_json(path, {"schema_version": SCHEMA_VERSION, "model": noise.model, "runs": list(noise.runs)})


def read_noise(path: Path) -> NoiseFloor:
    """Read noise.json.

    Raises:
        IntegrityError: absent, truncated or foreign.
    """
    data = read_json(path)
    if not isinstance(data, dict) or not isinstance(data.get("runs"), list):
        raise IntegrityError(f"{path}: not a noise floor of tunegate")
    return NoiseFloor(model=data["model"], runs=tuple(data["runs"]))


def _moved(task: TaskComparison) -> dict[str, Any]:
    """For 0/1 items what flipped; numbers all move a little, so for them the share is the difference of the score."""
    flips = task.lost + task.gained
    share = flips / task.n if task.info.scale == "binary" else abs(task.delta)
    return {"n": task.n, "scale": task.info.scale, "delta": task.delta, "flips": flips, "share": share}
