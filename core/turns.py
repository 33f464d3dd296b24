"""A chat as any common format writes it to turns with role and content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

ROLES = {"human": "user", "gpt": "assistant", "bot": "assistant", "chatgpt": "assistant", "model": "assistant"}
"""Role names of other formats; every other role stays as it is."""

Turn = dict[str, str]


class RowError(Exception):
    """A row that cannot become an example; its text is the reason."""


def holds_turns(value: Any) -> bool:
    """Whether a value looks like turns, if perhaps bad ones."""
    return isinstance(value, list | dict) or (isinstance(value, str) and value.startswith("[{"))


def read_turns(value: Any, name: str) -> list[Turn]:
    """Turns of column `name`: OpenAI's `role`/`content`, ShareGPT's `from`/`value`, lists of both, or their JSON.

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
    role, content = turn.get("role"), turn.get("content")
    if type(role) is str and type(content) is str:
        return {"role": ROLES.get(role.lower(), role), "content": content}
    role = turn.get("from") if role is None else role
    content = turn.get("value") if content is None else content
    if isinstance(content, list) and all(isinstance(part, Mapping) and part.get("type") == "text" for part in content):
        content = "".join(str(part.get("text") or "") for part in content)
    if not isinstance(role, str):
        raise RowError(f"a turn of {name!r} has no role (its keys: {', '.join(map(repr, turn))})")
    if content is None and turn.get("tool_calls"):
        raise RowError(
            f"the {role} turn of {name!r} calls a tool ('tool_calls'), which is not read; write it as content"
        )
    if not isinstance(content, str):
        raise RowError(f"the content of the {role} turn of {name!r} is {type_name(content)}, not text")
    return {"role": ROLES.get(role.lower(), role), "content": content}


def joined(turns: Sequence[Turn]) -> str:
    """The contents, an empty line between them."""
    return "\n\n".join(turn["content"] for turn in turns)


def type_name(value: Any) -> str:
    """What a value is, in words.

    >>> type_name([1]), type_name(None)
    ('a list', 'null')
    """
    names = {dict: "an object", list: "a list", str: "text", bool: "a truth value", int: "a number", float: "a number"}
    return "null" if value is None else names.get(type(value), f"of type {type(value).__name__}")
