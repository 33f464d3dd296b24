"""Rows to findings about the text itself: empty, damaged, or nothing but mark-up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow.compute as pc

from ..core.records import Examples, Finding
from .config import CurateConfig
from .context import Context


def find_empty(examples: Examples, config: CurateConfig, context: Context) -> list[Finding]:  # noqa: ARG001
    """Inputs and targets without a visible character."""
    return [finding for column in ("input", "target") for finding in _empty(examples, column)]


def _empty(examples: Examples, column: str) -> Iterator[Finding]:
    blank = pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(examples.table[column])), 0)
    for row in np.flatnonzero(blank.to_numpy()).tolist():
        yield Finding(row=row, rule=f"empty-{column}", severity="error", reason=f"The {column} has no text.")
