"""Rows of one block to canonical columns with content ids, and the rows that cannot be used."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from .kinds import Layout

MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
"""Type of the `messages` column."""

ROLES = {"human": "user", "gpt": "assistant", "bot": "assistant", "chatgpt": "assistant", "model": "assistant"}
"""Role names of other chat formats; every other role stays as it is."""

LABEL_SEPARATOR = "|"
"""Between the sorted labels of a row that carries several."""


class RowError(Exception):
    """A row that cannot become an example; its text is the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Canonical:
    """What a block of rows became."""

    columns: Mapping[str, pa.Array]
    """Canonical columns and `id` of the good rows."""
    good: list[int]
    """Positions of the good rows in the block."""
    bad: list[tuple[int, str]]
    """(position, reason) of the others."""


def canonical_rows(rows: Sequence[Mapping[str, Any] | None], layout: Layout) -> Canonical:
    """Canonical columns of rows given as mappings; a None is no row and is passed over."""
    convert = CONVERTERS[layout.kind]
    good, bad, values = [], [], []
    for position, row in enumerate(rows):
        if row is None:
            continue
        try:
            value = convert(row, layout)
            _check_text(value)
        except RowError as error:
            bad.append((position, str(error)))
        else:
            good.append(position)
            values.append(value)
    return Canonical(columns=_to_columns(values, layout), good=good, bad=bad)


def part_names(layout: Layout) -> list[str]:
    """The canonical columns of a layout, in order, without file, line and id."""
    if layout.kind == "chat":
        return ["input", "target", "messages"]
    return ["input", "target", *(part for part in ("pair", "rejected") if part in layout.columns)]


def _to_columns(values: Sequence[Mapping[str, Any]], layout: Layout) -> dict[str, pa.Array]:
    names = part_names(layout)
    columns = {
        name: pa.array([value[name] for value in values], MESSAGES if name == "messages" else pa.large_string())
        for name in names
    }
    columns["id"] = pa.array([_content_id(layout.kind, value) for value in values], pa.string())
    return columns


def _content_id(kind: str, value: Mapping[str, Any]) -> str:
    """16 hex digits of BLAKE2b over kind and content; NUL separates, which no text holds."""
    parts = [kind]
    for name, content in value.items():
        if kind == "chat" and name != "messages":
            continue
        parts.append(name)
        parts += (
            [text for turn in content for text in (turn["role"], turn["content"])] if name == "messages" else [content]
        )
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=8).hexdigest()


def _check_text(value: Mapping[str, Any]) -> None:
    texts = [(name, text) for name, text in value.items() if isinstance(text, str)]
    texts += [("messages", text) for turn in value.get("messages", ()) for text in turn.values()]
    for name, text in texts:
        if "\0" in text:
            raise RowError(f"{name} holds a NUL character; remove it")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise RowError(f"{name} holds a lone surrogate at character {error.start}; repair the encoding") from error


def _convert_label(row: Mapping[str, Any], layout: Layout) -> dict[str, Any]:
    value = {"input": _text(row, layout, "input"), "target": label_text(_value(row, layout.columns["target"][0]))}
    if "pair" in layout.columns:
        value["pair"] = _text(row, layout, "pair")
    return value


def label_text(value: Any) -> str:
    """A label as text: numbers and truth values as JSON writes them, lists as their sorted labels.

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
        raise RowError(f"the label is the number {value}, not a class")
    if isinstance(value, list):
        return LABEL_SEPARATOR.join(sorted({label_text(item) for item in value}))
    raise RowError(f"the label is {_type_name(value)}, not text, a whole number or a truth value")


def _convert_completion(row: Mapping[str, Any], layout: Layout) -> dict[str, Any]:
    answer = _value(row, layout.columns["target"][0])
    if isinstance(answer, int | float) and not isinstance(answer, bool):
        answer = str(answer)
    if not isinstance(answer, str):
        raise RowError(f"{layout.columns['target'][0]!r} is {_type_name(answer)}, not text")
    value = {"input": _text(row, layout, "input"), "target": answer}
    if "pair" in layout.columns:
        value["pair"] = _text(row, layout, "pair")
    return value


def _convert_chat(row: Mapping[str, Any], layout: Layout) -> dict[str, Any]:
    name = layout.columns["messages"][0]
    turns = read_turns(_value(row, name), name)
    last = max((at for at, turn in enumerate(turns) if turn["role"] == "assistant"), default=None)
    if last is None:
        raise RowError(f"{name!r} has no assistant turn, so there is nothing to learn")
    # Turns after the last answer are read by no one and answered by no one.
    turns = turns[: last + 1]
    return {"input": _joined(turns[:-1]), "target": turns[-1]["content"], "messages": turns}


def read_turns(value: Any, name: str) -> list[dict[str, str]]:
    """Turns as role and content, from OpenAI's `role`/`content` or ShareGPT's `from`/`value`.

    Raises:
        RowError: it is no list of such turns.
    """
    if not isinstance(value, list) or not value:
        raise RowError(f"{name!r} is {_type_name(value)}, not a list of turns" if value != [] else f"{name!r} is empty")
    return [_read_turn(turn, name) for turn in value]


def _read_turn(turn: Any, name: str) -> dict[str, str]:
    if not isinstance(turn, Mapping):
        raise RowError(f"a turn of {name!r} is {_type_name(turn)}, not an object with role and content")
    role, content = turn.get("role") or turn.get("from"), turn.get("content")
    if content is None:
        content = turn.get("value")
    if isinstance(content, list) and all(isinstance(part, Mapping) and part.get("type") == "text" for part in content):
        content = "".join(str(part.get("text", "")) for part in content)
    if not isinstance(role, str):
        raise RowError(f"a turn of {name!r} has no role")
    if not isinstance(content, str):
        raise RowError(f"the content of a {role} turn of {name!r} is {_type_name(content)}, not text")
    return {"role": ROLES.get(role.lower(), role), "content": content}


def _joined(turns: Sequence[Mapping[str, str]]) -> str:
    return "\n\n".join(turn["content"] for turn in turns)


def _convert_preference(row: Mapping[str, Any], layout: Layout) -> dict[str, Any]:
    chosen = _value(row, layout.columns["target"][0])
    rejected = _value(row, layout.columns["rejected"][0])
    prompt = _value(row, layout.columns["input"][0]) if "input" in layout.columns else None
    if isinstance(chosen, list) and isinstance(rejected, list):
        return _from_turns(prompt, read_turns(chosen, "chosen"), read_turns(rejected, "rejected"))
    for name, text in (("chosen", chosen), ("rejected", rejected)):
        if not isinstance(text, str):
            raise RowError(f"{name} is {_type_name(text)}, not text")
    if isinstance(prompt, list):
        prompt = _joined(read_turns(prompt, "prompt"))
    if prompt is None and "input" in layout.columns:
        raise RowError(f"{layout.columns['input'][0]!r} is missing or null")
    if prompt is None:
        prompt, chosen, rejected = _split_dialogue(chosen, rejected)
    if not isinstance(prompt, str):
        raise RowError(f"the prompt is {_type_name(prompt)}, not text")
    return {"input": prompt, "target": chosen, "rejected": rejected}


def _split_dialogue(chosen: str, rejected: str) -> tuple[str, str, str]:
    """Two transcripts that share all but the last `Assistant:` answer, as Anthropic's HH-RLHF has them."""
    marker = "\n\nAssistant:"
    head, found, answer = chosen.rpartition(marker)
    if found and rejected.startswith(head + found):
        return head + found, answer, rejected[len(head + found) :]
    return "", chosen, rejected


def _from_turns(prompt: Any, chosen: list[dict[str, str]], rejected: list[dict[str, str]]) -> dict[str, Any]:
    shared = 0
    while shared < min(len(chosen), len(rejected)) - 1 and chosen[shared] == rejected[shared]:
        shared += 1
    if shared:
        prompt = _joined(chosen[:shared])
    elif isinstance(prompt, list):
        prompt = _joined(read_turns(prompt, "prompt"))
    return {"input": prompt or "", "target": _joined(chosen[shared:]), "rejected": _joined(rejected[shared:])}


CONVERTERS: Mapping[str, Callable[[Mapping[str, Any], Layout], dict[str, Any]]] = {
    "label": _convert_label,
    "completion": _convert_completion,
    "chat": _convert_chat,
    "preference": _convert_preference,
}


def _text(row: Mapping[str, Any], layout: Layout, part: str) -> str:
    names = layout.columns[part]
    texts = []
    for place, name in enumerate(names):
        text = row.get(name) if place else _value(row, name)
        if place and text is None:
            continue
        if not isinstance(text, str):
            raise RowError(f"{name!r} is {_type_name(text)}, not text")
        texts.append(text)
    return texts[0] if len(names) == 1 else "\n\n".join([texts[0], *(text for text in texts[1:] if text)])


def _value(row: Mapping[str, Any], name: str) -> Any:
    value = row.get(name)
    if value is None:
        state = "null" if name in row else "missing"
        raise RowError(f"{name!r} is {state} (columns: {', '.join(map(repr, list(row)[:20]))})")
    return value


def _type_name(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "a truth value", int: "a number", float: "a number"}
    return "null" if value is None else names.get(type(value), f"of type {type(value).__name__}")
