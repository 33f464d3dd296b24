"""True losses to simulated counts of lost and gained items, in many runs at a time, for benchmarks/gate_errors.py."""

from __future__ import annotations

from typing import Any

import numpy as np


def suite(generator: Any, runs: int, n: int, discordant: float, deltas: Any) -> tuple[Any, Any]:
    """Lost and gained items of shape (runs, benchmarks), given each benchmark's true difference."""
    deltas = np.asarray(deltas)
    psi = np.maximum(discordant, np.abs(deltas))
    flips = generator.binomial(n, psi, size=(runs, len(deltas)))
    lost = generator.binomial(flips, 0.5 - deltas / (2 * psi))
    return lost.astype(float), (flips - lost).astype(float)


def clusters(
    generator: Any, runs: int, shape: tuple[int, int], discordant: float, delta: float, icc: float
) -> tuple[Any, Any]:
    """Lost and gained items of shape (runs, clusters): each item repeats its cluster's draw with probability √icc."""
    together = generator.binomial(shape[1], np.sqrt(icc), (runs, shape[0]))
    lost, gained = _apart(generator, shape[1] - together, discordant, delta)
    own = generator.random((runs, shape[0]))
    falls, rises = own < discordant / 2 - delta / 2, own > 1 - discordant / 2 - delta / 2
    return lost + together * falls, gained + together * rises


def failing_clusters(
    generator: Any, runs: int, shape: tuple[int, int], discordant: float, loss: float, share: float, gains: float
) -> tuple[Any, Any]:
    """The same where a share of the loss is of clusters that are lost whole; elsewhere items flip one by one.

    As many more clusters as are gained whole (`gains`) are lost on top, which leaves the true loss as it is.
    """
    own = generator.random((runs, shape[0]))
    falls, rises = own < loss * share + gains, own > 1 - gains
    rest = loss * (1 - share)
    free = np.where(falls | rises, 0, shape[1])
    lost, gained = _apart(generator, free, max(discordant, rest), -rest)
    return lost + shape[1] * falls, gained + shape[1] * rises


def _apart(generator: Any, items: Any, discordant: float, delta: float) -> tuple[Any, Any]:
    """Lost and gained items of each cluster's independent ones."""
    falls, rises = discordant / 2 - delta / 2, discordant / 2 + delta / 2
    lost = generator.binomial(items, falls)
    return lost, generator.binomial(items - lost, rises / (1 - falls))


def numbers(generator: Any, runs: int, n: int, family: str, margin: float) -> Any:
    """Differences of shape (runs, n) whose true mean is minus the margin."""
    if family == "normal, sd 0.2":
        return generator.normal(-margin, 0.2, (runs, n))
    if family == "exponential":
        return 0.1 - margin - generator.exponential(0.1, (runs, n))
    if family == "rare halves":
        return np.where(generator.random((runs, n)) < 2 * margin, -0.5, 0.0)
    signs = np.where(generator.random((runs, n)) < 0.5 + margin / 0.2, -1.0, 1.0)
    return np.where(generator.random((runs, n)) < 0.2, signs * generator.random((runs, n)), 0.0)
