"""Measuring in growing blocks, and stopping once every check is decided, without raising the error rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ...core.results import Comparison, Scores, Verdict
from ..compare import compare_scores
from .config import GateConfig
from .judge import judge
from .looks import look_level, look_shares

BLOCKS = 4
"""Looks of the default schedule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveResult:
    """A verdict that was reached in blocks."""

    verdict: Verdict
    comparison: Comparison
    scores: tuple[Scores, Scores]
    """Of base and tuned, on the items that were measured."""
    looks: tuple[dict[str, Any], ...]
    """Per look: share of the items, level of its tests, outcome."""

    @property
    def share(self) -> float:
        """Share of the items that were measured."""
        return self.comparison.share


def judge_in_blocks(
    measure: Callable[[float], tuple[Scores, Scores]], policy: GateConfig, *, blocks: int = BLOCKS
) -> AdaptiveResult:
    """Measure growing shares of the items until no check is open.

    A failed check that nobody waived decides the verdict, so it ends the measuring. A void one does not: with more
    items the base may yet prove better than chance.

    Args:
        measure: Share of each benchmark's items → scores of base and tuned on them; a larger share must hold the
            items of a smaller one.
        policy: The limits; its alpha is shared between the looks.
        blocks: How often to look, in equal steps.
    """
    looks: list[dict[str, Any]] = []
    for share in look_shares(blocks):
        scores = measure(share)
        comparison = replace(compare_scores(*scores), blocks=blocks, share=share)
        verdict = judge(comparison, policy)
        looks.append({"share": share, "level": look_level(comparison, policy.alpha), "outcome": verdict.outcome})
        if _is_decided(comparison, policy):
            break
    return AdaptiveResult(verdict=verdict, comparison=comparison, scores=scores, looks=tuple(looks))


def _is_decided(comparison: Comparison, policy: GateConfig) -> bool:
    """Whether more items could not change the verdict, waivers aside: one excuses a loss, it does not measure it."""
    checks = judge(comparison, policy.model_copy(update={"waivers": ()})).checks
    waived = {waiver.benchmark for waiver in policy.waivers}
    if any(check.state == "fail" and check.name not in waived for check in checks):
        return True
    return not any(check.state in ("inconclusive", "void") for check in checks)
