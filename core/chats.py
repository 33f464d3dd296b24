"""A chat to the text that a chat template makes of it: what comes before each answer, and the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from .errors import ModelError
from .turns import Turn, more_of, turn_text

FILLER = "\u2042"
"""An answer that stands for any."""
LEFT_OUT = "the chat template does not write {what}; use a model whose template does, or set prompts.chat: plain"


def plainly(turns: Sequence[Turn], tools: str | None) -> tuple[str, str]:
    """Turns, an answer last, without a template: the text before the answer, and the answer."""
    *context, last = turns
    lines = [f"{str(turn['role']).capitalize()}: {turn_text(turn)}\n" for turn in context]
    return "".join([*([f"Tools: {tools}\n"] if tools else []), *lines]) + "Assistant:", f" {turn_text(last)}\n"


def templated(turns: Sequence[Turn], tools: str | None, tokenizer: Any) -> Chat:
    """A chat and the template of a tokenizer; tools as JSON."""
    messages = [{"role": turn["role"], "content": turn["content"], **more_of(turn)} for turn in turns]
    return Chat(messages, orjson.loads(tools) if tools else None, tokenizer)


@dataclass(frozen=True, slots=True)
class Chat:
    """One chat, and the template that writes it."""

    messages: list[dict[str, Any]]
    """As chat templates expect them."""
    tools: list[Any] | None
    tokenizer: Any

    def render(self, size: int) -> tuple[str, str]:
        """What the template makes of the first turns, an answer last: the text before it, and it.

        Raises:
            ModelError: it leaves out calls of tools, so that a model would learn to say nothing.
        """
        before, answer = self._parted(self.messages[:size])
        for call in self.messages[size - 1].get("tool_calls", ()):
            if call["function"]["name"] not in answer:
                raise ModelError(LEFT_OUT.format(what=f"calls of tools, such as {call['function']['name']!r}"))
        return before, answer

    def without_end(self, answer: str) -> str:
        """The last answer without what the template writes behind every answer."""
        _, plain = self._parted([*self.messages[:-1], {"role": "assistant", "content": FILLER}])
        return answer.removesuffix(plain.rpartition(FILLER)[2])

    def require_tools(self) -> None:
        """Refuse a template that leaves out the tools."""
        if self._written(self.messages) == replace(self, tools=None)._written(self.messages):
            raise ModelError(LEFT_OUT.format(what="the tools that a chat may call"))

    def _parted(self, messages: list[dict[str, Any]]) -> tuple[str, str]:
        before, whole = self._written(messages[:-1], add_generation_prompt=True), self._written(messages)
        if not whole.startswith(before):
            raise ModelError("the chat template rewrites earlier turns when one is added; set prompts.chat: plain")
        return before, whole[len(before) :]

    def _written(self, messages: list[dict[str, Any]], **options: Any) -> str:
        from jinja2 import TemplateError

        options |= {"tools": self.tools} if self.tools else {}
        try:
            text: str = self.tokenizer.apply_chat_template(messages, tokenize=False, **options)
        except TemplateError as error:
            roles = ", ".join(message["role"] for message in self.messages)
            told = f"the chat template refuses the roles {roles} ({error}); set prompts.chat: plain"
            raise ModelError(told) from error
        return text
