"""Prompts and answers to findings: placeholders, refusals, and answers that stop early."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from string import ascii_letters, digits

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...core.records import Examples, Finding
from ...core.texts import text_bytes
from ..config import CurateConfig
from ..context import Array, Context
from ..duplicates.blocks import take_rows
from ..folding import fold, is_symbol
from ..scanning import by_slices, excerpt, matches, prose_columns, rows_matching, rows_where
from ..screen import FENCE
from .suspects import column_bits, may_be_filler, may_refuse

PLACEHOLDERS = frozenset(
    {"n a", "null", "nil", "nan", "todo", "tbd", "fixme", "noinput", "no input", "nooutput", "no output", "placeholder"}
    | {
        "undefined",
        "lorem ipsum",
        "your answer here",
        "insert text here",
        "answer here",
        "xxx",
        "asdf",
        "foo",
        "foo bar",
    }
    | {"none", "example", "sample text", "text", "to be done", "to be determined", "coming soon", "deleted", "removed"}
)
"""Folded texts that stand where something is missing."""
INPUT_PLACEHOLDERS = frozenset({"test", "testing", "test test", "tbc", "blank", "empty", "dummy", "abc", "qwerty"})
"""Folded inputs that ask for nothing; as answers they may be right."""
MARKS = "^\\s*[-\u2013\u2014_.\u2026*#~=/\\\\|?]+\\s*$"
"""Inputs of nothing but marks, which ask for nothing either."""
FILLER = r"(?i)^\W*lorem ipsum"
"""How filler text of any length starts."""
LONGEST_PLACEHOLDER = 40
"""Characters; longer texts are not looked up, except for lorem ipsum."""

REFUSAL = (
    r"(?i)\bas an? (?:ai|artificial intelligence|language model|llm)\b"
    r"|\bi(?:'m| am|\x{2019}m)? (?:sorry|unable|not able|afraid)[^.\n]{0,40}"
    r"\b(?:can(?:'t|not|\x{2019}t)|unable|not able)\b"
    r"|\bi (?:can(?:'t|not|\x{2019}t)|am unable to|won't|will not) (?:assist|help|fulfil|comply|provide|answer|do that)"
    r"|\bmy knowledge (?:cut-?off|only goes)|\bi (?:do not|don't) have (?:personal|feelings|access to real)"
)
REFUSAL_WITHIN = 200
"""Characters from the start of an answer in which a refusal says so."""

LONG_ANSWER_WORDS = 40
"""From here on an answer in sentences is expected to end with one."""
OPEN_END = re.compile(
    r"(?:[,;:(\[{]|\b(?:the|a|an|and|or|of|to|in|on|with|for|by|that|which|is|are|as|from|at))$", re.IGNORECASE
)
OPEN_WIDTH = 8
"""Characters at the end of a line that OPEN_END can look at, and more."""
OPEN_BYTES: Array = np.array([chr(byte) in f"{ascii_letters}{digits}_,;:([{{" for byte in range(256)])
"""(256,) whether an ASCII character may end an open sentence."""
SENTENCE_END = re.compile(r"[.!?](?:\s|$)")
LIST_LINE = re.compile(r"\s*(?:[-*\u2022#>|]|\d+[.)]|\w+:|https?:)")


def find_placeholders(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:
    """Texts that stand where something is missing: `N/A`, `TODO`, lorem ipsum."""
    everywhere = PLACEHOLDERS | {_words(text) for text in config.quality.placeholders}
    for name in prose_columns(examples):
        column, asks = examples.table[name], name in ("input", "pair")
        known = everywhere | (INPUT_PLACEHOLDERS if asks else frozenset())
        filler = np.flatnonzero(may_be_filler(column_bits(examples, name, context)))
        short = np.flatnonzero(by_slices(column, _is_short, np.bool_))
        likely = np.zeros(len(examples), np.bool_)
        likely[filler[matches(take_rows(column, filler), FILLER)]] = True
        likely[short[matches(take_rows(column, short), _opening(known) + (f"|{MARKS}" if asks else ""))]] = True
        for row, text in rows_where(column, likely):
            words = _words(text)
            if words not in known and not words.startswith("lorem ipsum") and not (asks and re.match(MARKS, text)):
                continue
            yield Finding(
                row=row,
                rule="placeholder",
                severity="warning",
                reason=f"The {name} is a placeholder: {excerpt(text, width=40)!r}.",
                evidence={"column": name, "text": excerpt(text, width=40)},
            )


def _is_short(part: pa.Array) -> pa.Array:
    return pc.less_equal(pc.utf8_length(part), LONGEST_PLACEHOLDER)


def _words(text: str) -> str:
    """The folded text without its symbols, so that `N/A` and `<text>` are placeholders."""
    folded = fold(text)
    return " ".join(word for word in folded.split() if not is_symbol(word[0])) or folded


def _opening(known: frozenset[str]) -> str:
    """Pattern of the texts that start with a first word of a placeholder."""
    first = sorted({text.split()[0] for text in known if text})
    return rf"(?i)^\W*(?:{'|'.join(map(re.escape, first))})\b"


def find_refusals(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:  # noqa: ARG001
    """Refusals and assistant boilerplate at the start of an answer."""
    pattern = re.compile(REFUSAL.replace(r"\x{2019}", "\u2019"))
    likely = may_refuse(column_bits(examples, "target", context))
    for row, text in rows_matching(examples.table["target"], REFUSAL, likely):
        found = pattern.search(text, 0, REFUSAL_WITHIN)
        if found:
            yield Finding(
                row=row,
                rule="refusal",
                severity="warning",
                reason=f"The answer refuses or speaks as an assistant: {found[0]!r}.",
                evidence={"found": found[0]},
            )


def find_unfinished(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:  # noqa: ARG001
    """Answers that stop in a sentence or in a block of code."""
    column = examples.table["target"]
    fenced = (column_bits(examples, "target", context) & FENCE) > 0
    for row, text in rows_where(column, by_slices(column, _may_end_open, np.bool_) | fenced):
        if why := unfinished(text):
            evidence = {"ends": excerpt(text, len(text), width=40)}
            yield Finding(
                row=row, rule="unfinished", severity="warning", reason=f"The answer {why}.", evidence=evidence
            )


def _may_end_open(piece: pa.Array) -> pa.Array:
    """Whether each text ends in a word or in one of `,;:([{`, white space apart; mostly its last byte tells."""
    data, ends = text_bytes(piece)
    last = np.zeros(len(piece), np.uint8)
    filled = np.diff(ends) > 0
    last[filled] = data[ends[1:][filled] - 1]
    found = OPEN_BYTES[last]
    unsure = np.flatnonzero(filled & ((last <= ord(" ")) | (last > 127)))
    trimmed = pc.utf8_rtrim_whitespace(piece.take(pa.array(unsure)))
    found[unsure] = pc.match_substring_regex(trimmed, r"[\w,;:(\[{]$").to_numpy(zero_copy_only=False)
    return pa.array(found)


def unfinished(text: str) -> str | None:
    """How an answer stops short, or None.

    >>> unfinished("Use a list, then sort the")
    "ends in mid-sentence, after 'the'"
    >>> unfinished("Paris") is None
    True
    """
    text = text.rstrip()
    if text.count("```") % 2:
        return "ends inside a block of code"
    if "```" in text:
        return None
    last = text.rsplit("\n", 1)[-1]
    if " " in text and OPEN_END.search(last[-OPEN_WIDTH:]) and not LIST_LINE.match(last):
        return f"ends in mid-sentence, after {text.rsplit(None, 1)[-1]!r}"
    # What is cheapest to ask for comes first: most answers that end in a word are short, or a list.
    is_long = text[-1:].isalnum() and len(text.split(None, LONG_ANSWER_WORDS - 1)) >= LONG_ANSWER_WORDS
    if is_long and len(last.split(None, 3)) > 3 and not LIST_LINE.match(last):
        sentences = len(list(islice(SENTENCE_END.finditer(text), 2)))
        if sentences == 2:
            return f"ends without a full stop, after {text.rsplit(None, 1)[-1]!r}"
    return None
