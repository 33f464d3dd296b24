"""General rows, which a model rehearses beside its task, to those that hold a benchmark's item."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...core.records import Examples
from ...core.results import BenchmarkItem
from ..config import CurateConfig
from ..context import Array, Context
from .benchmarks import find_benchmark_leaks


def rows_with_items(examples: Examples, items: Sequence[BenchmarkItem], config: CurateConfig) -> Array:
    """Positions of the rows in which the rule `benchmark-leak` finds an item, ascending."""
    findings = find_benchmark_leaks(examples, config, Context(benchmarks=items))
    return np.array([finding.row for finding in findings], np.int64)
