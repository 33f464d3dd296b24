"""A chat as any common format writes it to turns with role and content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from .tool_calls import CallError, as_json, call_text, read_calls

ROLES = {
    "human": "user",
    **dict.fromkeys(("gpt", "bot", "chatgpt", "model", "function_call"), "assistant"),
    **dict.fromkeys(("function", "observation"), "tool"),
}
"""Role names of other formats; every other role stays as it is."""
CALLS = ("tool_calls", "function_call")
"""Keys of a turn that calls tools."""

Turn = dict[str, str | None]
"""role, content, and more: what else a chat template reads of a turn (`tool_calls`, or `tool_call_id` and `name`), as
JSON, or None."""


class RowError(Exception):
    """A row that cannot become an example; its text is the reason."""


def holds_turns(value: Any) -> bool:
    """Whether a value looks like turns, if perhaps bad ones."""
    return isinstance(value, list | dict) or (isinstance(value, str) and value.startswith("[{"))


def read_turns(value: Any, name: str) -> list[Turn]:
    """Turns of column `name`: OpenAI's `role`/`content`, ShareGPT's `from`/`value`, lists of both, or their JSON.

    Calls of tools and their results are read as either writes them.

    Raises:
        RowError: it is no list of such turns, or has none.
    """
    if isinstance(value, str) and holds_turns(value):
        value = _parsed(value, name)
    if isinstance(value, Mapping) and value and all(isinstance(part, list) for part in value.values()):
        value = [dict(zip(value, parts, strict=False)) for parts in zip(*value.values(), strict=False)]
    if not isinstance(value, list):
        raise RowError(f"{name!r} is {type_name(value)}, not a list of turns")
    if not value:
        raise RowError(f"{name!r} has no turns")
    return [_read_turn(turn, name) for turn in value]


def _parsed(text: str, name: str) -> Any:
    try:
        return orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError) as error:
        raise RowError(f"{name!r} is text that starts like a list of turns but is not JSON") from error


def _read_turn(turn: Any, name: str) -> Turn:
    if not isinstance(turn, dict):
        raise RowError(f"a turn of {name!r} is {type_name(turn)}, not an object with role and content")
    said, content = turn.get("role"), turn.get("content")
    if type(said) is str and type(content) is str and len(turn) == 2 and said != "function_call":
        return {"role": ROLES.get(said.lower(), said), "content": content, "more": None}
    said = turn.get("from") if said is None else said
    content = turn.get("value") if content is None else content
    if not isinstance(said, str):
        raise RowError(f"a turn of {name!r} has no role (its keys: {', '.join(map(repr, turn))})")
    role = ROLES.get(said.lower(), said)
    calls = next((turn[key] for key in CALLS if turn.get(key)), None)
    if said.lower() == "function_call" and calls is None:
        calls, content = content, ""
    if isinstance(content, list) and all(isinstance(part, Mapping) and part.get("type") == "text" for part in content):
        content = "".join(str(part.get("text") or "") for part in content)
    content = "" if content is None and calls else content
    try:
        if role == "tool" and isinstance(content, list | Mapping):
            content = as_json(content)
        more = _more(turn, role, calls)
    except CallError as error:
        what = "call" if calls else "result"
        raise RowError(f"the tool {what} of the {role} turn of {name!r} cannot be read: {error}") from error
    if not isinstance(content, str):
        raise RowError(f"the content of the {said} turn of {name!r} is {type_name(content)}, not text")
    return {"role": role, "content": content, "more": more}


def _more(turn: Mapping[str, Any], role: str, calls: Any) -> str | None:
    known = ("tool_call_id", "name") if role == "tool" else ()
    found = {key: turn[key] for key in known if isinstance(turn.get(key), str)}
    more = {"tool_calls": read_calls(calls)} if calls else found
    return as_json(more) if more else None


def turn_text(turn: Turn) -> str:
    """What a turn says: its content, and a line for each tool that it calls."""
    calls = more_of(turn).get("tool_calls", ())
    return "\n".join([*([turn["content"]] if turn["content"] or not calls else ()), *map(call_text, calls)])


def more_of(turn: Turn) -> dict[str, Any]:
    """The content of `more`."""
    more: dict[str, Any] = orjson.loads(turn["more"]) if turn["more"] else {}
    return more


def joined(turns: Sequence[Turn]) -> str:
    """What the turns say, an empty line between them."""
    return "\n\n".join(map(turn_text, turns))


def type_name(value: Any) -> str:
    """What a value is, in words.

    >>> type_name([1]), type_name(None)
    ('a list', 'null')
    """
    names = {dict: "an object", list: "a list", str: "text", bool: "a truth value", int: "a number", float: "a number"}
    return "null" if value is None else names.get(type(value), f"of type {type(value).__name__}")
