"""Calls of tools as the common chat formats write them, to one form, and to text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson


class CallError(Exception):
    """A value that is no call of a tool; its text says why."""


def read_calls(value: Any) -> list[dict[str, Any]]:
    """Calls as chat templates read them: `{"type": "function", "function": {"name", "arguments"}}`, with `id` if given.

    Read are OpenAI's `tool_calls` and older `function_call`, bare `{"name", "arguments"}`, lists of these, and their
    JSON. Arguments that are the JSON text of an object become the object, as templates expect it. Elsewhere keys that
    are null are left out: columnar files give every object the keys of all others.

    Raises:
        CallError: it is something else.
    """
    if isinstance(value, str):
        value = _parsed(value, "the call is")
    calls = value if isinstance(value, list) else [value]
    if not calls:
        raise CallError("it lists no call")
    return [_read_call(call) for call in calls]


def _read_call(call: Any) -> dict[str, Any]:
    function = (call.get("function") or call) if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise CallError("a call is no object with a function's name and arguments")
    name, arguments = function["name"], function.get("arguments")
    if isinstance(arguments, str):
        arguments = _parsed(arguments, f"arguments of {name!r} are") if arguments.strip() else {}
    else:
        arguments = _without_nulls(arguments or {})
    if not isinstance(arguments, Mapping):
        raise CallError(f"arguments of {name!r} are no JSON object")
    known = {"id": call["id"]} if isinstance(call.get("id"), str) else {}
    return {**known, "type": "function", "function": {"name": name, "arguments": arguments}}


def _parsed(text: str, what: str) -> Any:
    try:
        return orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError) as error:
        raise CallError(f"{what} no JSON") from error


def read_tools(value: Any) -> str | None:
    """The tools that a chat may call, a list of JSON schemas or its JSON, as JSON; None where there are none.

    Nulls are left out as in calls.

    Raises:
        CallError: it is something else.
    """
    tools = _parsed(value or "null", "it is") if isinstance(value, str) else _without_nulls(value)
    if not tools:
        return None
    if not isinstance(tools, list) or not all(isinstance(tool, Mapping) for tool in tools):
        raise CallError("it is no list of tools, each an object")
    return as_json(tools)


def as_json(value: Any) -> str:
    """A value as JSON.

    Raises:
        CallError: it holds what JSON cannot: bytes, half a character, a number of more than 64 bits.
    """
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError as error:
        raise CallError(f"it holds what JSON cannot ({error})") from error


def call_text(call: Mapping[str, Any]) -> str:
    """One call as a line of text.

    >>> call_text({"type": "function", "function": {"name": "add", "arguments": {"a": 1}}})
    '{"name":"add","arguments":{"a":1}}'
    """
    function = call["function"]
    return orjson.dumps({"name": function["name"], "arguments": function["arguments"]}).decode()


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
