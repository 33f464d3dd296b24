"""Examples and a config to what the search for duplicates would do, before it does anything."""

from __future__ import annotations

from ..core.records import Examples
from .compared import compared_fields, comparison_groups
from .config import CurateConfig
from .duplicates.near_duplicates import describe_search

MEGABYTE = 1 << 20
SURE = 0.9999
"""Recall from which on higher similarities need not be listed."""


def forecast_duplicates(examples: Examples, config: CurateConfig) -> list[str]:
    """Lines for people: what is compared, bands and permutations, expected recall per similarity, peak memory.

    Raises:
        DataError: a column of `keep_columns` does not exist.
    """
    fields = compared_fields(examples, config.dedup.key)
    plan = describe_search(config.dedup, len(examples), len(fields))
    groups = comparison_groups(examples, config.dedup)
    within = f", within {len(set(groups.tolist())):,} groups" if groups is not None else ""
    peak, text = plan["peak_memory_above_text"], sum(examples.table[name].nbytes for name in fields)
    curve = {at: recall for at, recall in plan["expected_recall"].items() if float(at) >= config.dedup.threshold}
    sure = next((at for at, recall in curve.items() if recall >= SURE), "1.00")
    shown = [f"{100 * recall:.2f} % at {at}" for at, recall in curve.items() if at <= sure]
    bands = f"{plan['bands']} bands of {plan['rows_per_band']} MinHash values ({plan['permutations']} permutations)"
    how = [
        f"proposed by {bands}, {plan['passes']} pass{'es' if plan['passes'] > 1 else ''} over the texts",
        f"expected recall of pairs by their similarity{' as one text' if len(fields) > 1 else ''}: {', '.join(shown)}",
    ]
    return [
        f"duplicates by {' and '.join(fields)}{within}: {plan['shingle']} shingles, "
        f"true Jaccard similarity of {plan['threshold']:g} or more, every pair verified",
        *(["found by an exact join: recall 100 %"] if config.dedup.exact else how),
        f"peak memory about {peak / MEGABYTE:,.0f} MB above {text / MEGABYTE:,.0f} MB of text",
    ]
