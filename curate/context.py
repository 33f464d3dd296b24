"""What rules share beside the examples and their config: the other data, and what is known of each row so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..core.records import Examples
from ..core.results import BenchmarkItem

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Everything a rule may look at beside the rows themselves."""

    test: Examples | None = None
    """The test split that the gate will use."""
    benchmarks: Sequence[BenchmarkItem] = ()
    """The benchmark items that the gate will use."""
    tokenizer: Any = None
    """Tokenizer of the model that will be tuned, for lengths in tokens."""
    accepted: Path | None = None
    """Folder of the index of rows accepted on earlier days."""
    findings_per_row: Array | None = None
    """(n,) int: findings so far, for the survivor policy `quality`."""
    pinned: Array | None = None
    """(n,) bool: rows that a reviewer wants kept; they are preferred as survivors."""

    screens: Mapping[str, Array] = field(default_factory=dict)
    """Column → (n,) uint32 bits of each of its texts, see `rules/suspects.py`; rules make what is missing."""

    def narrowed(self, rows: Array) -> Context:
        """The same context for a part of the rows (positions)."""
        return Context(
            test=self.test,
            benchmarks=self.benchmarks,
            tokenizer=self.tokenizer,
            accepted=self.accepted,
            findings_per_row=None if self.findings_per_row is None else self.findings_per_row[rows],
            pinned=None if self.pinned is None else self.pinned[rows],
        )
