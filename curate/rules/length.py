"""Rows to findings about length: beyond the model's window, or far from what the row's own class looks like."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...core.records import Examples, Finding
from ..compared import codes
from ..config import CurateConfig
from ..context import Array, Context
from ..scanning import by_slices, prose_columns

NORMAL = 1.4826
"""Median absolute deviation to standard deviation, for normal data."""
LEAST_SPREAD = 0.15
"""Of log length: classes whose rows all have one length would else call every other length an outlier."""
FEWEST = 30
"""Rows of a class from which on its lengths say anything."""
ENDLESS = 10**9
"""Tokenizers without a window report absurd ones."""
RENDERED = 64
"""Tokens that a template or chat format may add; a row this close to the window is counted, not estimated."""


def find_too_long(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:
    """Rows with more tokens than the model reads; training would cut their answers off."""
    window = config.quality.max_tokens or int(getattr(context.tokenizer, "model_max_length", ENDLESS))
    if context.tokenizer is None or window >= ENDLESS:
        return
    names = [*prose_columns(examples), *(["target"] if examples.kind == "label" else [])]
    size = sum(pc.binary_length(examples.table[name]).to_numpy() for name in names if name != "rejected")
    # A token holds at least one byte, so only longer rows need counting.
    for row in np.flatnonzero(size > window - RENDERED).tolist():
        text = "\n".join(examples.table[name][row].as_py() for name in names if name != "rejected")
        tokens = len(context.tokenizer(text, add_special_tokens=True, verbose=False)["input_ids"])
        if tokens > window:
            yield Finding(
                row=row,
                rule="too-long",
                severity="warning",
                reason=f"The row has {tokens:,} tokens, more than the {window:,} that the model reads.",
                score=float(tokens),
                evidence={"tokens": tokens, "window": window},
            )


def find_length_outliers(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:  # noqa: ARG001
    """Texts far shorter or longer than the others of their class (of all rows, where there are no classes)."""
    classes = codes(examples.table["target"]) if examples.kind == "label" else np.zeros(len(examples), np.int64)
    limit = config.quality.length_deviations
    for name in prose_columns(examples):
        lengths = by_slices(examples.table[name], pc.utf8_length, np.int64)
        # Rows of one class and length are judged together: of a million there are some thousand kinds.
        kinds = pa.array(classes * (lengths.max(initial=0) + 1) + lengths).dictionary_encode()
        kind = kinds.indices.to_numpy()
        of_class, length = np.divmod(kinds.dictionary.to_numpy(), lengths.max(initial=0) + 1)
        deviations = settled_deviations(np.log(length + 1), of_class, limit, np.bincount(kind))
        for row in np.flatnonzero((np.abs(deviations) > limit)[kind]).tolist():
            deviation = float(deviations[kind[row]])
            yield Finding(
                row=row,
                rule="length-outlier",
                severity="info",
                reason=f"The {name} has {lengths[row]:,} characters, unusually {'long' if deviation > 0 else 'short'} "
                "for its class.",
                score=deviation,
                evidence={"column": name, "characters": int(lengths[row])},
            )


def settled_deviations(values: Array, classes: Array, limit: float, counts: Array | None = None) -> Array:
    """(n,) robust deviations from the class's median, judged by the values within the limit.

    Outliers are left out of the median and spread until no new one appears, so that dropping them reveals no more.

    Args:
        values: (n,) any numbers.
        classes: (n,) the class of each.
        limit: deviation from which on a value is an outlier.
        counts: (n,) how often each value occurs; once if not given.
    """
    counts = np.ones(len(values), np.int64) if counts is None else counts
    inside, groups = np.ones(len(values), dtype=bool), _members(classes)
    while True:
        deviations = _deviations(values, counts, groups, inside)
        still = inside & (np.abs(deviations) <= limit)
        if still.sum() == inside.sum():
            return deviations
        inside = still


def _members(classes: Array) -> list[Array]:
    """The places of each class's values."""
    order = np.argsort(classes, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(classes[order])) + 1)


def _deviations(values: Array, counts: Array, groups: list[Array], inside: Array) -> Array:
    deviations = np.zeros(len(values))
    for members in groups:
        typical = members[inside[members]]
        if counts[typical].sum() < FEWEST:
            continue
        middle = _median(values[typical], counts[typical])
        away = _median(np.abs(values[typical] - middle), counts[typical])
        deviations[members] = (values[members] - middle) / max(NORMAL * away, LEAST_SPREAD)
    return deviations


def _median(values: Array, counts: Array) -> float:
    """The median of values that occur so often, not none at all."""
    order = np.argsort(values)
    upto = np.cumsum(counts[order])
    low, high = values[order[np.searchsorted(upto, ((upto[-1] - 1) // 2, upto[-1] // 2), side="right")]]
    return float((low + high) / 2)
