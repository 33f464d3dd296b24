"""A policy against what is measured: limits that would hold for nothing, and no limit at all, are mistakes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from ...core.errors import InputError
from ...core.results import TaskInfo
from ..benchmarks.scored import chosen_benchmarks
from ..config import Benchmark, EvaluateConfig
from ..general_data import general_datasets

if TYPE_CHECKING:
    from .config import GateConfig


def planned_benchmarks(config: EvaluateConfig, *, causal: bool) -> list[TaskInfo]:
    """Name and ability of every benchmark and general dataset that a model would be measured on."""
    entries = [*(chosen_benchmarks(config) if causal else ()), *general_datasets(config.retention)]
    named = [(entry.task if isinstance(entry, Benchmark) else entry.name, entry.ability) for entry in entries]
    return [TaskInfo(name=name, role="benchmark", metric="", scale="binary", ability=own) for name, own in named]


def require_gated(policy: GateConfig, infos: Sequence[TaskInfo]) -> None:
    """Refuse benchmarks none of which decides.

    Raises:
        InputError: there are none, or all are advisory.
    """
    if all(policy.is_advisory(info) for info in infos):
        found = "all are advisory" if infos else "none is measured"
        raise InputError(
            f"no benchmark is gated ({found}), so nothing would protect what the model can do: choose evaluate.suite, "
            "add to evaluate.benchmarks (for encoders and label heads to evaluate.retention), or shorten gate.advisory"
        )


def require_fitting(policy: GateConfig, infos: Sequence[TaskInfo]) -> None:
    """Refuse a policy that is not meant for these benchmarks.

    Raises:
        InputError: `margins` or `advisory` names what was not measured, or a margin of a share is 1 or more.
    """
    known = {name for info in infos for name in (info.name, info.ability) if name}
    for section, names in (("margins", policy.margins), ("advisory", policy.advisory)):
        for name in names:
            if name not in known:
                raise InputError(
                    f"gate.{section}: no benchmark or ability {name!r} was measured; {suggested(name, known)}"
                )
    for info in infos:
        margin = policy.margin_of(info)
        if info.scale != "ratio" and margin >= 1:
            raise InputError(
                f"the margin of {info.name!r} is {margin:g}, which is {100 * margin:g} points; write a share below 1 "
                "(0.05 is 5 points)"
            )


def suggested(name: str, known: Collection[str]) -> str:
    """What was probably meant, and what there is.

    >>> suggested("helaswag", ["arc_easy", "hellaswag"])
    "did you mean 'hellaswag'? There are arc_easy, hellaswag"
    """
    close = get_close_matches(name, known, n=1)
    there = f"{', '.join(sorted(known))}" or "none"
    return f"did you mean {close[0]!r}? There are {there}" if close else f"there are {there}"
