"""Item counts and a policy to what the gate could see: losses it would find, its chance to pass an unchanged model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...core.errors import InputError
from ...core.results import Comparison, Scores, TaskInfo
from ..pairing import task_rows
from ..statistics.power import detectable_loss, items_to_pass, pass_probability
from ..statistics.tango import normal_quantile, tango_statistic, tango_variance
from ..statistics.task_interval import design_effect
from .config import GateConfig
from .looks import look_shares, spent_alphas
from .names import require_fitting

DISCORDANT = 0.10
"""Share of items that change between base and tuned, as assumed before any run."""
DRAWS = 4_000
"""Simulated suites behind each power: its standard error is at most 0.008."""
SEED = 20_260_101
POWERS = (0.80, 0.85, 0.90, 0.93, 0.96, 0.98, 0.99, 0.995)
"""Chances to pass per benchmark among which the cheapest suite is sought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkSize:
    """One benchmark as it would be measured."""

    info: TaskInfo
    items: int
    """Items that the recipe asks for."""
    available: int
    """Items that there are."""
    discordant: float = DISCORDANT
    """Share of items expected to change."""
    effect: float = 1.0
    """Design effect of clusters."""
    seconds: float | None = None
    """Seconds an item for one model, from a pilot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedBenchmark:
    """What one benchmark could show."""

    name: str
    items: int
    margin: float
    mde: float
    """Smallest loss found with the wanted power."""
    passes: float
    """Chance that an unchanged model passes this benchmark."""
    needed: int | None
    """Items with which an unchanged model passes this benchmark with the wanted power."""
    proposed: int
    """Items in the cheapest suite that was found."""
    available: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a suite could show, and a cheaper or stronger one."""

    benchmarks: tuple[PlannedBenchmark, ...]
    power: float
    """Wanted chance that an unchanged model passes the whole suite."""
    mean_margin: float
    mean_mde: float
    passes: float
    """Chance that an unchanged model passes the whole suite as the recipe has it."""
    passes_mean: float
    """Chance that it passes the mean layer."""
    proposed_passes: float
    """Chance that it passes with the proposed items; below `power` where there are too few items."""
    seconds: float | None
    """Time to measure two models with the recipe's items, where a pilot was timed."""
    proposed_seconds: float | None
    notes: tuple[str, ...] = ()


def plan_gate(sizes: Sequence[BenchmarkSize], policy: GateConfig, *, blocks: int = 1) -> Plan:
    """Plan the gated benchmarks of 0/1 items; advisory ones and ratios (which need a pilot of their own) are noted.

    Measured in blocks, a suite passes at some look at least as often as at the last one alone, which is planned for.

    Raises:
        InputError: no benchmark of 0/1 items is gated, or the policy names what would not be measured.
    """
    require_fitting(policy, [size.info for size in sizes])
    policy = policy.model_copy(update={"alpha": spent_alphas(look_shares(blocks), policy.alpha)[-1]})
    gated = [size for size in sizes if not policy.is_advisory(size.info) and size.info.scale == "binary"]
    if not gated:
        raise InputError("no benchmark of 0/1 items is gated; there is nothing to plan")
    now = [size.items for size in gated]
    proposed = _propose(gated, policy)
    whole, mean = _suite_power(gated, now, policy)
    reached, _ = _suite_power(gated, proposed, policy)
    variance = sum(size.discordant * size.effect / size.items for size in gated)
    z = normal_quantile(1 - policy.alpha) + normal_quantile(policy.power)
    return Plan(
        benchmarks=tuple(_planned(size, n, policy) for size, n in zip(gated, proposed, strict=True)),
        power=policy.power,
        mean_margin=policy.mean_margin,
        mean_mde=z * math.sqrt(variance) / len(gated),
        passes=whole,
        passes_mean=mean,
        proposed_passes=reached,
        seconds=_seconds(gated, now),
        proposed_seconds=_seconds(gated, proposed),
        notes=(*_block_notes(blocks, policy.alpha), *_notes(sizes, gated, policy, reached)),
    )


def sizes_with_pilot(
    sizes: Sequence[BenchmarkSize], pilot: Comparison, seconds: float | None = None
) -> list[BenchmarkSize]:
    """Sizes whose discordance and design effect come from an earlier comparison on the same benchmarks.

    Args:
        sizes: As planned.
        pilot: The earlier comparison; what it did not measure keeps its assumption.
        seconds: Seconds an item for one model, over all of them (`seconds_an_item`).
    """
    seen = {task.info.name: task for task in pilot.tasks}
    found = []
    for size in sizes:
        task = seen.get(size.info.name)
        if task is not None:
            share = min(1.0, (task.lost + task.gained + 2) / (task.n + 2))  # no flips so far does not mean none ever
            effect = design_effect(task) if task.info.scale == "binary" else 1.0
            size = replace(size, info=task.info, discordant=share, effect=effect)
        found.append(replace(size, seconds=size.seconds if seconds is None else seconds))
    return found


def seconds_an_item(scores: Scores | None) -> float | None:
    """Seconds that an item took, over all of an earlier run; None where answers came from the cache."""
    if scores is None or not scores.extras.get("requests_asked") or "seconds" not in scores.extras:
        return None
    items = sum(task_rows(scores.rows, info).num_rows for info in scores.tasks)
    return float(scores.extras["seconds"] / items)


def _planned(size: BenchmarkSize, proposed: int, policy: GateConfig) -> PlannedBenchmark:
    margin, effective = policy.margin_of(size.info), max(1, round(size.items / size.effect))
    return PlannedBenchmark(
        name=size.info.name,
        items=size.items,
        margin=margin,
        mde=detectable_loss(effective, size.discordant, alpha=policy.alpha, power=policy.power),
        passes=pass_probability(effective, size.discordant, margin=margin, alpha=policy.alpha),
        needed=_needed(size, policy, policy.power),
        proposed=proposed,
        available=size.available,
    )


def _needed(size: BenchmarkSize, policy: GateConfig, power: float) -> int | None:
    margin = policy.margin_of(size.info)
    return items_to_pass(size.discordant, margin=margin, alpha=policy.alpha, power=power, deff=size.effect)


def _propose(gated: Sequence[BenchmarkSize], policy: GateConfig) -> list[int]:
    """The fewest items in all with which an unchanged model passes the whole suite with the wanted power.

    For each chance to pass per benchmark, the items it takes are scaled up until both layers pass often enough.
    """
    everything = [size.available for size in gated]
    if _suite_power(gated, everything, policy)[0] < policy.power:
        return everything
    best = everything
    for power in POWERS:
        each = [_needed(size, policy, power) or size.available for size in gated]
        candidate = _scaled_up(gated, each, policy)
        if candidate is not None and sum(candidate) < sum(best):
            best = candidate
    return best


def _scaled_up(gated: Sequence[BenchmarkSize], each: Sequence[int], policy: GateConfig) -> list[int] | None:
    def counts(factor: float) -> list[int]:
        return [min(size.available, math.ceil(n * factor)) for size, n in zip(gated, each, strict=True)]

    low, high = 0.0, 1.0
    while _suite_power(gated, counts(high), policy)[0] < policy.power:
        low, high = high, 2 * high
        if high > 256:
            return None
    if low == 0.0:
        return counts(high)
    while high - low > 0.02 * high:
        middle = (low + high) / 2
        enough = _suite_power(gated, counts(middle), policy)[0] >= policy.power
        low, high = (low, middle) if enough else (middle, high)
    return counts(high)


def _suite_power(gated: Sequence[BenchmarkSize], items: Sequence[int], policy: GateConfig) -> tuple[float, float]:
    """Chances that an unchanged model passes everything, and the mean layer alone, by simulation with a fixed seed."""
    generator, z = np.random.default_rng(SEED), normal_quantile(1 - policy.alpha)
    n = np.array([max(1, round(count / size.effect)) for size, count in zip(gated, items, strict=True)])
    flips = generator.binomial(n, [size.discordant for size in gated], size=(DRAWS, len(gated)))
    lost = generator.binomial(flips, 0.5).astype(float)
    gained = flips - lost
    margins = np.array([policy.margin_of(size.info) for size in gated])
    each = (tango_statistic(lost, gained, n, -margins) > z).all(axis=1)
    spread = np.sqrt(tango_variance(lost, gained, n, -policy.mean_margin).sum(axis=1))
    mean = ((gained - lost) / n + policy.mean_margin).sum(axis=1) / spread > z
    return float(np.mean(each & mean)), float(np.mean(mean))


def _seconds(gated: Sequence[BenchmarkSize], items: Sequence[int]) -> float | None:
    if any(size.seconds is None for size in gated):
        return None
    return 2 * sum((size.seconds or 0.0) * n for size, n in zip(gated, items, strict=True))


def _wider(gated: Sequence[BenchmarkSize], policy: GateConfig) -> float | None:
    """By how much all limits must be widened for the wanted power with every item there is, in steps of a tenth."""
    everything = [size.available for size in gated]
    for tenths in range(11, 101):
        factor = tenths / 10
        wide = policy.model_copy(
            update={
                "margin": policy.margin * factor,
                "mean_margin": policy.mean_margin * factor,
                "margins": {name: margin * factor for name, margin in policy.margins.items()},
            }
        )
        if _suite_power(gated, everything, wide)[0] >= policy.power:
            return factor
    return None


def _notes(
    sizes: Sequence[BenchmarkSize], gated: Sequence[BenchmarkSize], policy: GateConfig, reached: float
) -> list[str]:
    notes = [f"{size.info.name}: advisory, not planned" for size in sizes if policy.is_advisory(size.info)]
    notes += [
        f"{size.info.name}: {size.info.scale}, its spread is known after a first run"
        for size in sizes
        if size.info.scale != "binary" and not policy.is_advisory(size.info)
    ]
    if reached < policy.power:
        factor = _wider(gated, policy)
        wanted = f"{policy.power:.0%} need limits {factor:.1f} times as wide" if factor else "wider limits do not help"
        notes.append(f"with all items, an unchanged model passes in {reached:.0%}; {wanted}, or more items")
    assumed = [size.info.name for size in gated if size.discordant == DISCORDANT]
    if assumed:
        notes.append(f"{DISCORDANT:.0%} of items are assumed to change; --pilot RUN plans with what an earlier run saw")
    return notes


def _block_notes(blocks: int, alpha: float) -> list[str]:
    return [f"{blocks} looks share alpha: planned at the last one's {alpha:.3f}"] if blocks > 1 else []
