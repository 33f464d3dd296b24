"""One item of a benchmark: what it asks and what is right, as its task tells, and what came of asking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemResult:
    """One document of one task under one filter."""

    doc_hash: str
    prompt_hash: str
    target_hash: str
    filter: str
    metrics: Mapping[str, Any]
    """lm-eval's numbers (or tuples, for metrics of a whole corpus)."""
    doc: Mapping[str, Any]
    question: str
    """The question as rendered, without solved examples."""
    choices: tuple[str, ...]
    gold: tuple[int, ...]
    """Positions of the right choices, where there are choices."""
    target: str
    logprobs: tuple[float, ...]
    response: str
    """Written text as the filter left it, else empty."""
    raw: str
    """Written text as it came, else empty."""


def describe(task: Any, doc: Mapping[str, Any]) -> tuple[str, tuple[str, ...], tuple[int, ...], str]:
    """Question, choices, positions of the right ones, and the target as text."""
    asked = task.doc_to_text(doc)
    question = asked if isinstance(asked, str) else ""
    target = task.doc_to_target(doc)
    if task.OUTPUT_TYPE != "multiple_choice":
        text = target[0] if isinstance(target, list) and target else target
        return question, (), (), str(text)
    choices = tuple(task.doc_to_choice(doc))
    gold = asked if task.multiple_input else target
    positions = tuple(_position(value, choices) for value in (gold if isinstance(gold, list) else [gold]))
    right = tuple(position for position in positions if 0 <= position < len(choices))
    text = choices[right[0]] if right else str(target)
    return question, choices, right, f"{text}{target}" if task.multiple_input else text


def _position(value: Any, choices: Sequence[str]) -> int:
    if isinstance(value, str):
        return choices.index(value) if value in choices else -1
    return int(value)
