"""One line of an lm-eval samples file to one item's result: choices, answers and numbers under one filter."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from .benchmarks.items import ItemResult


def item_from_log(sample: Mapping[str, Any]) -> ItemResult:
    """The result that a logged sample holds, as if it had just been measured."""
    requests = [tuple(request.values()) for _, request in sorted(sample["arguments"].items(), key=_position)]
    answers = sample["filtered_resps"]
    scored = [answer for answer in answers if isinstance(answer, list | tuple)]
    choices = _choices(requests) if len(scored) > 1 else ()
    gold = _gold(sample["target"], choices)
    target = " / ".join(choices[position] for position in gold) if gold else str(sample["target"])
    written = "" if scored else _text(answers)
    return ItemResult(
        doc_hash=sample["doc_hash"],
        prompt_hash=sample["prompt_hash"],
        target_hash=sample["target_hash"],
        filter=sample["filter"],
        metrics={name: sample[name] for name in sample["metrics"]},
        doc=sample["doc"],
        question=str(requests[0][0]),
        choices=choices,
        gold=gold,
        target=target,
        logprobs=tuple(float(answer[0]) for answer in scored)[: max(len(choices), 1)],
        response=written,
        raw="" if scored else _text(sample["resps"]),
    )


def _position(named: tuple[str, Any]) -> int:
    return int(named[0].rsplit("_", 1)[1])


def _choices(requests: list[tuple[Any, ...]]) -> tuple[str, ...]:
    """What differs between an item's requests: their continuations, or (as in winogrande) their contexts.

    Requests without a context, which some metrics add, repeat continuations and are left out.
    """
    if len({request[1] for request in requests}) == 1:
        return tuple(str(request[0]) for request in requests)
    return tuple(str(request[1]) for request in requests if request[0] == requests[0][0])


def _gold(target: Any, choices: tuple[str, ...]) -> tuple[int, ...]:
    """Positions of the right choices; the log writes a number, a list of numbers, or a choice's text."""
    if not choices:
        return ()
    try:
        value = ast.literal_eval(str(target))
    except (SyntaxError, ValueError):
        value = None
    positions = value if isinstance(value, list) else [value]
    if all(isinstance(position, int) and 0 <= position < len(choices) for position in positions):
        return tuple(positions)
    return tuple(n for n, choice in enumerate(choices) if choice.strip() == str(target).strip())


def _text(answers: Any) -> str:
    while isinstance(answers, list | tuple):
        answers = answers[0] if answers else ""
    return str(answers)
