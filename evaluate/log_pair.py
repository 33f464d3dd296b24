"""Two folders of logs that lm-eval or lighteval wrote to two Scores that can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ..core.errors import InputError
from ..core.results import Scores
from .lighteval_details import lighteval_results, read_details
from .log_samples import read_log_samples


def read_log_pair(
    base: Path, tuned: Path, *, task: str | None = None, metrics: Mapping[str, str] | None = None
) -> tuple[Scores, Scores]:
    """Read the logs of two models, of one tool both; a metric is 0/1 only where it is on both sides.

    Raises:
        InputError: one folder is lm-eval's and the other lighteval's; else as `read_logs`.
        IntegrityError: as `read_logs`.
    """
    if is_lighteval(base) != is_lighteval(tuned):
        theirs, other = (base, tuned) if is_lighteval(base) else (tuned, base)
        raise InputError(f"{theirs} is lighteval's and {other} is not; measure both models with one tool")
    sides = [read_logs(folder, task=task, metrics=metrics) for folder in (base, tuned)]
    binary = [{info.name for info in side.tasks if info.scale == "binary"} for side in sides]
    mixed = binary[0] ^ binary[1]
    fixed = [
        replace(
            side,
            tasks=tuple(replace(info, scale="continuous") if info.name in mixed else info for info in side.tasks),
        )
        for side in sides
    ]
    return fixed[0], fixed[1]


def read_logs(folder: Path, *, task: str | None = None, metrics: Mapping[str, str] | None = None) -> Scores:
    """Read one folder of either tool.

    Raises:
        InputError: no logs there, or an unknown metric or task.
        IntegrityError: a file is truncated or not theirs.
    """
    read = read_details if is_lighteval(folder) else read_log_samples
    return read(folder, task=task, metrics=metrics)


def is_lighteval(folder: Path) -> bool:
    """Whether a folder holds results of lighteval beside their details."""
    return lighteval_results(folder) is not None
