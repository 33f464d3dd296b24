"""One row's fields to its canonical parts, or the reason why it cannot be an example."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .kinds import Layout
from .tool_calls import CallError, read_tools
from .turns import RowError, Turn, joined, read_turns, turn_text, type_name

LABEL_SEPARATOR = "|"
"""Between the sorted labels of a row that carries several."""

PROMPT_SEPARATOR = "\n\n"
"""Between the columns that make one prompt, such as instruction and input."""

Value = dict[str, Any]
"""Canonical part → text, or turns."""


def canonical_row(row: Mapping[str, Any], layout: Layout) -> Value:
    """The canonical parts of one row: input, target, and by kind pair, rejected, messages or tools.

    Raises:
        RowError: a part is missing, null, of the wrong type, or text that no tool can carry on (NUL, lone surrogates).
    """
    if layout.kind == "chat":
        value = _chat(row, layout)
    elif layout.kind == "preference":
        value = _preference(row, layout)
    else:
        read_target = label_text if layout.kind == "label" else answer_text
        name = layout.columns["target"][0]
        value = {"input": _text(row, layout, "input"), "target": read_target(_field(row, name), name)}
        if "pair" in layout.columns:
            value["pair"] = _text(row, layout, "pair")
    _check_texts(value)
    return value


def label_text(value: Any, name: str = "label") -> str:
    """A label as text: numbers and truth values as JSON writes them, a list as its sorted labels.

    >>> label_text(1.0), label_text(True), label_text(["b", "a"])
    ('1', 'true', 'a|b')

    Raises:
        RowError: it is no label.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if math.isfinite(value) and value == int(value):
            return str(int(value))
        raise RowError(f"{name!r} is the number {value}, not a class")
    if isinstance(value, list):
        return LABEL_SEPARATOR.join(sorted({label_text(item, name) for item in value}))
    raise RowError(f"{name!r} is {type_name(value)}, not a label")


def answer_text(value: Any, name: str) -> str:
    """An answer as text; a number as JSON writes it.

    Raises:
        RowError: it is neither.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return str(value)
    raise RowError(f"{name!r} is {type_name(value)}, not text")


def _chat(row: Mapping[str, Any], layout: Layout) -> Value:
    names = layout.columns["messages"]
    turns = [turn for name in names for turn in read_turns(_field(row, name), name)]
    last = max((at for at, turn in enumerate(turns) if turn["role"] == "assistant"), default=None)
    if last is None:
        raise RowError(f"{' + '.join(names)!r} has no assistant turn, so there is nothing to learn")
    # What follows the last answer is answered by no one; without it every chat ends in what is to be learned.
    turns = turns[: last + 1]
    value = {"input": joined(turns[:-1]), "target": turn_text(turns[-1]), "messages": turns}
    return {**value, "tools": _tools(row, layout.columns["tools"][0])} if "tools" in layout.columns else value


def _tools(row: Mapping[str, Any], name: str) -> str | None:
    try:
        return read_tools(row.get(name))
    except CallError as error:
        raise RowError(f"{name!r} cannot be read: {error}") from error


def _preference(row: Mapping[str, Any], layout: Layout) -> Value:
    chosen, rejected = (_field(row, layout.columns[part][0]) for part in ("target", "rejected"))
    prompt = _field(row, layout.columns["input"][0]) if "input" in layout.columns else None
    if isinstance(prompt, list | Mapping):
        prompt = joined(read_turns(prompt, layout.columns["input"][0]))
    if isinstance(chosen, str) and isinstance(rejected, str):
        shared, chosen, rejected = _split_transcripts(chosen, rejected) if prompt is None else ("", chosen, rejected)
    else:
        shared, chosen, rejected = _split_turns(
            *(
                read_turns([{"role": "assistant", "content": side}] if isinstance(side, str) else side, part)
                for part, side in (("chosen", chosen), ("rejected", rejected))
            )
        )
    prompt = shared or prompt or ""
    if not isinstance(prompt, str):
        raise RowError(f"{layout.columns['input'][0]!r} is {type_name(prompt)}, not text")
    return {"input": prompt, "target": chosen, "rejected": rejected}


def _split_turns(chosen: list[Turn], rejected: list[Turn]) -> tuple[str, str, str]:
    """The turns that both share at the start, and what is left of each."""
    shared = 0
    while shared < min(len(chosen), len(rejected)) - 1 and chosen[shared] == rejected[shared]:
        shared += 1
    return joined(chosen[:shared]), joined(chosen[shared:]), joined(rejected[shared:])


def _split_transcripts(chosen: str, rejected: str) -> tuple[str, str, str]:
    """Two transcripts that share all but the last `Assistant:` answer, as Anthropic's HH-RLHF has them."""
    head, marker, answer = chosen.rpartition("\n\nAssistant:")
    if marker and rejected.startswith(head + marker):
        return head + marker, answer, rejected[len(head + marker) :]
    return "", chosen, rejected


def _text(row: Mapping[str, Any], layout: Layout, part: str) -> str:
    """The text of one part; of several columns only the first must be there."""
    first, *others = layout.columns[part]
    texts = [_field(row, first), *(row.get(name) or "" for name in others)]
    for name, text in zip((first, *others), texts, strict=True):
        if not isinstance(text, str):
            raise RowError(f"{name!r} is {type_name(text)}, not text")
    return PROMPT_SEPARATOR.join([texts[0], *(text for text in texts[1:] if text)])


def _field(row: Mapping[str, Any], name: str) -> Any:
    value = row.get(name)
    if value is None:
        state = "null" if name in row else "missing"
        raise RowError(f"{name!r} is {state} (columns: {', '.join(map(repr, list(row)[:20]))})")
    return value


def _check_texts(value: Value) -> None:
    texts = [(part, content) for part, content in value.items() if isinstance(content, str)]
    texts += [("messages", text) for turn in value.get("messages", ()) for text in turn.values() if text is not None]
    whole = "".join([text for _, text in texts])
    if whole.isascii() and "\0" not in whole:
        return
    for part, text in texts:
        _check_text(text, part)


def _check_text(text: str, part: str) -> None:
    if "\0" in text:
        raise RowError(f"the {part} holds a NUL character at {text.index(chr(0)) + 1}; remove it")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RowError(f"the {part} holds a lone surrogate at {error.start + 1}; repair its encoding") from error
