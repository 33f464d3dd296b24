"""Prompts and answers to findings: placeholders, refusals, answers that repeat the prompt, stop early or loop."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

import numpy as np
import pyarrow.compute as pc

from ...core.records import Examples, Finding
from ..config import CurateConfig
from ..context import Context
from ..folding import fold, is_symbol
from ..scanning import FENCE, by_slices, byte_features, excerpt, matches, prose_columns, rows_matching, rows_where

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

REPEAT_RATIO = 0.8
"""Shares of prompt and answer lengths between which one can be a mere repetition of the other."""
REPEAT_WORDS = 4
"""Shorter answers may repeat their prompt by right."""

LONG_ANSWER_WORDS = 40
"""From here on an answer in sentences is expected to end with one."""
OPEN_END = re.compile(
    r"(?:[,;:(\[{]|\b(?:the|a|an|and|or|of|to|in|on|with|for|by|that|which|is|are|as|from|at))$", re.IGNORECASE
)
LIST_LINE = re.compile(r"\s*(?:[-*\u2022#>|]|\d+[.)]|\w+:|https?:)")

LOOP_WORDS = 100
"""Shorter answers may repeat themselves by right."""
LOOP_RUN = 4
"""Words in a run that repeats."""
LOOP_COMPRESSED = 0.35
"""Prose compresses to half; only what compresses to this share is looked at word by word."""


def find_placeholders(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:  # noqa: ARG001
    """Texts that stand where something is missing: `N/A`, `TODO`, lorem ipsum."""
    everywhere = PLACEHOLDERS | {_words(text) for text in config.quality.placeholders}
    for name in prose_columns(examples):
        column, asks = examples.table[name], name in ("input", "pair")
        known = everywhere | (INPUT_PLACEHOLDERS if asks else frozenset())
        short = by_slices(column, lambda part: pc.less_equal(pc.utf8_length(part), LONGEST_PLACEHOLDER), np.bool_)
        likely = matches(column, r"(?i)^\W*lorem ipsum") | (short & matches(column, _opening(known)))
        if asks:
            likely |= short & matches(column, MARKS)
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


def _words(text: str) -> str:
    """The folded text without its symbols, so that `N/A` and `<text>` are placeholders."""
    folded = fold(text)
    return " ".join(word for word in folded.split() if not is_symbol(word[0])) or folded


def _opening(known: frozenset[str]) -> str:
    """Pattern of the texts that start with a first word of a placeholder."""
    first = sorted({text.split()[0] for text in known if text})
    return rf"(?i)^\W*(?:{'|'.join(map(re.escape, first))})\b"


def find_repeated_prompts(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:  # noqa: ARG001
    """Answers that are the prompt again."""
    prompts, answers = examples.table["input"], examples.table["target"]
    ratio = pc.divide(
        pc.cast(pc.utf8_length(answers), "float64"),
        pc.max_element_wise(pc.cast(pc.utf8_length(prompts), "float64"), 1.0),
    )
    alike = pc.and_(pc.greater_equal(ratio, REPEAT_RATIO), pc.less_equal(ratio, 1 / REPEAT_RATIO))
    likely = alike.to_numpy()
    for (row, prompt), (_, answer) in zip(rows_where(prompts, likely), rows_where(answers, likely), strict=True):
        asked, said = fold(prompt), fold(answer)
        if said.count(" ") < REPEAT_WORDS - 1 or not (said in asked or asked in said):
            continue
        yield Finding(row=row, rule="repeats-prompt", severity="warning", reason="The answer only repeats the prompt.")


def find_refusals(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:  # noqa: ARG001
    """Refusals and assistant boilerplate at the start of an answer."""
    pattern = re.compile(REFUSAL.replace(r"\x{2019}", "\u2019"))
    for row, text in rows_matching(examples.table["target"], REFUSAL):
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
    ends_open = by_slices(
        column, lambda part: pc.match_substring_regex(pc.utf8_rtrim_whitespace(part), r"[\w,;:(\[{]$"), np.bool_
    )
    for row, text in rows_where(column, ends_open | ((byte_features(column) & FENCE) > 0)):
        if why := unfinished(text):
            evidence = {"ends": excerpt(text, len(text), width=40)}
            yield Finding(
                row=row, rule="unfinished", severity="warning", reason=f"The answer {why}.", evidence=evidence
            )


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
    if " " in text and OPEN_END.search(last) and not LIST_LINE.match(last):
        return f"ends in mid-sentence, after {text.split()[-1]!r}"
    sentences = len(re.findall(r"[.!?](?:\s|$)", text))
    is_prose = sentences >= 2 and len(last.split()) > 3 and not LIST_LINE.match(last)
    if is_prose and len(text.split()) >= LONG_ANSWER_WORDS and text[-1].isalnum():
        return f"ends without a full stop, after {text.split()[-1]!r}"
    return None


def find_loops(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:  # noqa: ARG001
    """Long answers that say the same again and again."""
    column = examples.table["target"]
    long = pc.greater_equal(pc.binary_length(column), LOOP_WORDS * 3)
    for row, text in rows_where(column, long.to_numpy()):
        data = text.encode()
        if len(zlib.compress(data, 1)) > LOOP_COMPRESSED * len(data):
            continue
        words = fold(text).split()
        runs = [tuple(words[at : at + LOOP_RUN]) for at in range(len(words) - LOOP_RUN + 1)]
        share = 1 - len(set(runs)) / len(runs) if len(words) >= LOOP_WORDS else 0.0
        if share >= config.quality.repetition_share:
            yield Finding(
                row=row,
                rule="repetition",
                severity="warning",
                reason=f"{share:.0%} of the answer's {LOOP_RUN}-word runs are repetitions.",
                score=share,
            )
