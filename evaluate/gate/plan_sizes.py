"""An evaluation's config to the size of each of its benchmarks, without loading a model."""

from __future__ import annotations

from ...core.results import TaskInfo
from ..benchmarks.scored import Opened, chosen_benchmarks, open_benchmarks
from ..config import EvaluateConfig
from .plan import BenchmarkSize


def benchmark_sizes(config: EvaluateConfig, *, seed: int = 0) -> list[BenchmarkSize]:
    """Items asked for and available per benchmark; discordance as assumed before any run.

    Raises:
        DataError: a benchmark cannot be loaded.
    """
    chosen = chosen_benchmarks(config)
    everything = tuple(one.model_copy(update={"limit": None}) for one in chosen)
    whole = config.model_copy(update={"suite": "none", "benchmarks": everything, "limit": None})
    limits = [one.limit for one in chosen]
    return [_size(one, limit) for one, limit in zip(open_benchmarks(whole, seed=seed), limits, strict=True)]


def _size(one: Opened, limit: int | None) -> BenchmarkSize:
    ratio = one.parts[0].task.OUTPUT_TYPE == "loglikelihood_rolling"
    info = TaskInfo(
        name=one.name,
        role="benchmark",
        metric=one.settings.metric or "",
        scale="ratio" if ratio else "binary",
        ability=one.settings.ability,
    )
    available = sum(len(part.items) for part in one.parts)
    return BenchmarkSize(info=info, items=min(limit or available, available), available=available)
