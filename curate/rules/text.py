"""Rows to findings about the text itself: empty, full of what no one sees or of mark-up, or nothing but a link."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...core.records import Examples, Finding
from ...core.texts import text_bytes
from ..config import CurateConfig
from ..context import Context
from ..scanning import by_slices, prose_columns, rows_matching
from ..screen import CONTROL, MARKUP, NON_ASCII
from .suspects import column_bits

INVISIBLE = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x{80}-\x{9f}\x{200b}\x{202a}-\x{202e}\x{2060}\x{2066}-\x{2069}\x{feff}]"
"""Control, zero-width and direction-override characters; the joiners of emoji, Persian and Indic scripts may stay."""
TAG = (
    r"</?(?:p|br|div|span|a|b|i|u|em|strong|li|ul|ol|td|tr|th|table|font|img|h[1-6]|script|style)(?:\s[^<>]{0,200})?/?>"
)
ENTITY = r"&(?:nbsp|amp|lt|gt|quot|apos|#\d{2,5}|#x[0-9a-fA-F]{2,4});"
TAG_OR_ENTITY = f"{TAG}|{ENTITY}"
LIKELY_MARKUP = TAG_OR_ENTITY.replace("{0,200}", "*").replace("{2,5}", "+")
"""Matches wherever the pattern itself does; counted repetitions make RE2 slow."""
ABOUT_CODE = re.compile(r"```|\b(html|xml|css|markup|tag|svg|jsx|php|javascript|web ?page)s?\b", re.IGNORECASE)
URL_ONLY = r"^\s*(?:https?://|www\.)\S+\s*$"


def find_empty(examples: Examples, config: CurateConfig, context: Context) -> list[Finding]:  # noqa: ARG001
    """Inputs and targets without a visible character."""
    return [finding for column in ("input", "target") for finding in _empty(examples, column)]


def _empty(examples: Examples, column: str) -> Iterator[Finding]:
    blank = by_slices(examples.table[column], _is_blank, np.bool_)
    for row in np.flatnonzero(blank).tolist():
        yield Finding(row=row, rule=f"empty-{column}", severity="error", reason=f"The {column} has no text.")


def _is_blank(part: pa.Array) -> pa.Array:
    return pc.or_(pc.utf8_is_space(part), pc.equal(pc.binary_length(part), 0))


def find_control_characters(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:  # noqa: ARG001
    """Characters that no one sees and a model would learn to write."""
    pattern = re.compile(re.sub(r"\\x\{(\w+)\}", lambda match: chr(int(match[1], 16)), INVISIBLE))
    for name in prose_columns(examples):
        column = examples.table[name]
        likely = (column_bits(examples, name, context) & (CONTROL | NON_ASCII)) > 0
        for row, text in rows_matching(column, INVISIBLE, likely):
            found = sorted({f"U+{ord(character):04X}" for character in pattern.findall(text)})
            yield Finding(
                row=row,
                rule="control-characters",
                severity="warning",
                reason=f"The {name} holds invisible characters: {', '.join(found)}.",
                evidence={"column": name, "characters": found},
            )


def find_markup(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:  # noqa: ARG001
    """HTML tags and entities in rows that are not about code."""
    pattern = re.compile(TAG_OR_ENTITY)
    inputs = examples.table["input"]
    for name in prose_columns(examples):
        column = examples.table[name]
        for row, text in rows_matching(column, LIKELY_MARKUP, (column_bits(examples, name, context) & MARKUP) > 0):
            found = pattern.search(text)
            if found is None or ABOUT_CODE.search(text) or ABOUT_CODE.search(inputs[row].as_py()):
                continue
            yield Finding(
                row=row,
                rule="markup",
                severity="info",
                reason=f"The {name} holds left-over mark-up: {found[0][:40]!r}.",
                evidence={"column": name, "found": found[0][:40], "at": found.start()},
            )


def find_url_only(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:  # noqa: ARG001
    """Texts that are one link."""
    for name in prose_columns(examples):
        column = examples.table[name]
        for row, text in rows_matching(column, URL_ONLY, by_slices(column, _may_begin_link, np.bool_)):
            yield Finding(
                row=row,
                rule="url-only",
                severity="warning",
                reason=f"The {name} is nothing but a link.",
                evidence={"column": name, "host": text.split("//")[-1].split("/")[0].strip()[:60]},
            )


def _may_begin_link(piece: pa.Array) -> pa.Array:
    """Whether each text begins as a link does, or with white space."""
    data, ends = text_bytes(piece)
    first = np.zeros(len(piece), np.uint8)
    filled = np.diff(ends) > 0
    first[filled] = data[ends[:-1][filled]]
    return pa.array((first <= ord(" ")) | (first == ord("h")) | (first == ord("w")))
