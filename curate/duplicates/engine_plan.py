"""A config and a number of texts to the engine's plan: permutations, bands, passes over the texts, and peak memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from ..config import DedupConfig
from .bands import Bands, affine_permutations, choose_bands
from .shingles import Spec, parse_shingle

KEY_MEMORY = 2 << 30
"""Bytes of band keys held at once; more rows take more passes over the texts, each for some of the bands."""
PAIR_MEMORY = 40
"""Bytes per row for candidate pairs, as measured on recombined instructions with 28 % of the rows in a pair."""
ROW_MEMORY = 80
"""Bytes per row for text numbers, representatives and their sorting, and the bitmap of the row's shingles."""
WORKING_MEMORY = 192 << 20
"""Bytes for blocks and shingle sets in work, and the libraries themselves."""


SLACK = 0.15
"""Several fields are searched as one text, in which the seams count as differences; each field is verified alone."""
LOWEST = 0.4
"""Similarity below which that search would propose too much."""


class Thresholds(NamedTuple):
    """Lowest Jaccard similarities of two rows that are alike."""

    field: float
    """Of each field."""
    whole: float
    """Of the fields as one text, by which pairs are proposed."""

    @classmethod
    def of(cls, threshold: float, fields: int) -> Thresholds:
        """Those of rows of so many fields."""
        return cls(threshold, threshold if fields == 1 else max(LOWEST, threshold - SLACK))


@dataclass(frozen=True, slots=True)
class EnginePlan:
    """How n texts are compared."""

    bands: Bands
    """How signatures are cut."""
    spec: Spec
    """What the kernels compute for all bands."""
    bands_at_once: int
    """Bands whose keys are held in one pass over the texts."""

    def part(self, first: int) -> Spec:
        """The spec of the pass that starts with this band."""
        start, stop = first * self.bands.rows, (first + self.bands_at_once) * self.bands.rows
        return self.spec._replace(a=self.spec.a[start:stop], b=self.spec.b[start:stop])


def plan_engine(config: DedupConfig, rows: int, fields: int = 1) -> EnginePlan:
    """The plan for `rows` rows of so many fields."""
    threshold = Thresholds.of(config.threshold, fields).whole
    bands = choose_bands(threshold=threshold, recall=config.recall, permutations=config.permutations)
    a, b = affine_permutations(config.permutations)
    used = bands.count * bands.rows
    spec = Spec(parse_shingle(config.shingle).code, a[:used], b[:used], bands.rows)
    return EnginePlan(bands, spec, max(1, min(bands.count, KEY_MEMORY // (8 * max(rows, 1)))))


def describe_engine(config: DedupConfig, rows: int, fields: int = 1) -> dict[str, Any]:
    """The plan in words and numbers, JSON-ready, for a dry run: bands, expected recall, peak memory in bytes."""
    plan = plan_engine(config, rows, fields)
    peak = rows * (8 * plan.bands_at_once + ROW_MEMORY + PAIR_MEMORY) + WORKING_MEMORY
    return {
        "shingle": config.shingle,
        "threshold": config.threshold,
        "method": "exact join" if config.exact else "MinHash bands",
        "permutations": plan.bands.count * plan.bands.rows,
        "bands": plan.bands.count,
        "rows_per_band": plan.bands.rows,
        "expected_recall": plan.bands.recall_curve(config.threshold),
        "passes": -(-plan.bands.count // plan.bands_at_once),
        "peak_memory_above_text": int(peak),
    }
