"""Rows to findings about their shape: labels outside the schema, turns out of order, pairs that prefer nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...core.records import Examples, Finding
from ..config import CurateConfig
from ..context import Context
from ..duplicates.blocks import as_column
from ..folding import fold
from ..scanning import folded_numbers, matches, rows_where

CLOSE_SPELLING = 0.85
"""Matching share of letters (difflib) from which on a rare label is taken for a misspelt frequent one."""
FAR_MORE = 5
"""A label is frequent beside a rare one when it has this many times its rows."""
TURNS = {"system": "s", "developer": "s", "user": "u", "assistant": "a", "tool": "t", "function": "t"}
GOOD_ORDER = r"^s*u+a(?:t+a|u+a)*$"
"""System first, then user and assistant in turn, tool results before an answer, an answer last."""


def find_label_problems(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:  # noqa: ARG001
    """Labels outside the schema, and labels that look like another one misspelt."""
    labels = examples.table["target"]
    sizes = {item["values"]: item["counts"] for item in pc.value_counts(labels).to_pylist()}
    schema = set(config.quality.labels)
    strange = {name: _nearest(name, schema) for name in sizes if schema and name not in schema}
    misses = {
        name: other for name, other in near_misses(sizes, config.quality.rare_label).items() if name not in schema
    }
    wanted = pa.array(sorted(strange.keys() | misses.keys()), labels.type)
    for row, name in rows_where(labels, pc.is_in(labels, value_set=wanted).to_numpy()):
        if name in strange:
            hint = f"; the nearest is {strange[name]!r}" if strange[name] else ""
            reason = f"The label {name!r} is not in the schema{hint}."
            yield Finding(
                row=row, rule="label-schema", severity="error", reason=reason, evidence={"nearest": strange[name]}
            )
        if name in misses:
            reason = (
                f"The label {name!r} ({sizes[name]} rows) looks like {misses[name]!r} ({sizes[misses[name]]} rows)."
            )
            yield Finding(
                row=row, rule="label-near-miss", severity="error", reason=reason, evidence={"nearest": misses[name]}
            )


def near_misses(sizes: Mapping[str, int], rare: int) -> dict[str, str]:
    """Label → the more frequent label that it seems to be misspelt from.

    >>> near_misses({"Billing": 40, "biling": 1, "billing ": 2, "level_1": 40, "level_2": 1}, rare=3)
    {'biling': 'Billing', 'billing ': 'Billing'}
    """
    found = {}
    for name in sorted(sizes):
        others = [other for other in sizes if (-sizes[other], other) < (-sizes[name], name)]
        same = [other for other in others if _spelling(other) == _spelling(name)]
        close = []
        if sizes[name] <= rare:
            close = [other for other in others if sizes[other] >= FAR_MORE * sizes[name] and _misspelt(name, other)]
        if same or close:
            found[name] = max(same or close, key=lambda other: (sizes[other], other))
    return found


def _spelling(label: str) -> str:
    """A label without what people vary: case, spaces, hyphens and underscores."""
    return re.sub(r"[\s_-]+", " ", label).strip().casefold()


def _misspelt(name: str, other: str) -> bool:
    one, two = _spelling(name), _spelling(other)
    same_digits = re.findall(r"\d+", one) == re.findall(r"\d+", two)
    return same_digits and len(one) > 3 and SequenceMatcher(None, one, two).ratio() >= CLOSE_SPELLING


def _nearest(name: str, schema: set[str]) -> str | None:
    scored = [(SequenceMatcher(None, _spelling(name), _spelling(other)).ratio(), other) for other in sorted(schema)]
    score, other = max(scored)
    return other if score >= CLOSE_SPELLING else None


def find_turn_problems(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:  # noqa: ARG001
    """Roles that nobody knows or that are out of order, and turns without text."""
    turns = examples.table["messages"].combine_chunks()
    flat = turns.flatten()
    known = pc.fill_null(pc.index_in(flat.field("role"), value_set=pa.array(list(TURNS))), len(TURNS))
    letters = pa.array([*TURNS.values(), "x"]).take(known)
    order = as_column(pc.binary_join(pa.ListArray.from_arrays(_offsets(turns), letters), ""))
    for row, found in rows_where(order, ~matches(order, GOOD_ORDER)):
        spoken = [turn["role"] for turn in turns[row].as_py()]
        what = "an unknown role" if "x" in found else "turns out of order"
        reason = f"The chat has {what}: {', '.join(spoken[:8])}."
        yield Finding(row=row, rule="chat-roles", severity="warning", reason=reason, evidence={"roles": spoken[:20]})
    blank = pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(flat.field("content"))), 0)
    calls = pc.fill_null(pc.match_substring(flat.field("more"), '"tool_calls":'), False)
    silent = np.flatnonzero(pc.and_not(blank, calls).to_numpy(zero_copy_only=False))
    rows = np.searchsorted(_offsets(turns).to_numpy(), silent, side="right") - 1
    for row in np.unique(rows).tolist():
        yield Finding(row=row, rule="empty-turn", severity="error", reason="A turn of the chat has no text.")


def _offsets(turns: pa.ListArray) -> pa.Array:
    """Offsets that start at 0, whatever part of a larger array this is."""
    offsets = turns.offsets
    return pc.subtract(offsets, offsets[0]).cast(pa.int32())


def find_equal_choices(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:  # noqa: ARG001
    """Preferences between two equal answers."""
    chosen, rejected = examples.table["target"], examples.table["rejected"]
    same = folded_numbers(chosen) == folded_numbers(rejected)
    for (row, one), (_, two) in zip(rows_where(chosen, same), rows_where(rejected, same), strict=True):
        if fold(one) == fold(two):
            reason = "Chosen and rejected say the same, so nothing is preferred."
            yield Finding(row=row, rule="equal-choices", severity="error", reason=reason)
