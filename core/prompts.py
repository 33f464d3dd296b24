"""Examples to the text a causal model reads and the text it is to answer: one rule for training and evaluation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .chats import plainly, templated
from .config import Config
from .errors import ModelError
from .records import Examples
from .turns import Turn

DEFAULT_TEMPLATES: Mapping[str, tuple[str, str]] = {
    "label": ("{input}\nLabel:", " {target}"),
    "completion": ("{input}\n", "{target}"),
    "preference": ("{input}\n", "{target}"),
}
"""Per kind: prompt and answer. A space before an answer belongs to it, as most tokenizers merge it into the word."""


class PromptConfig(Config):
    """How examples become prompts."""

    template: str | None = None
    """Prompt with `{input}` and, for text pairs, `{pair}`; none: the kind's default."""
    answer: str | None = None
    """Answer with `{target}`; none: the kind's default."""
    chat: Literal["tokenizer", "plain"] = "tokenizer"
    """Chats by the tokenizer's own chat template, or as plain `User: … Assistant: …` lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One example as text."""

    prompt: str
    """What the model reads."""
    answer: str
    """What it is to write; only this is supervised."""
    has_specials: bool = False
    """Whether the prompt already holds the model's special tokens (a chat template writes them)."""
    called: str | None = None
    """Where the answer calls tools, how the template writes that, without what ends every answer; else None."""
    earlier: tuple[tuple[int, int], ...] = ()
    """Spans of `prompt` (characters) that earlier assistant turns wrote; for training on every turn."""


def render_prompts(examples: Examples, config: PromptConfig, tokenizer: Any = None) -> list[Prompt]:
    """One prompt and answer per example, in order.

    Raises:
        ModelError: chats, and the tokenizer has no chat template, or one that refuses the roles or leaves out tools.
    """
    if examples.kind == "chat":
        _require_template(config, tokenizer)
        chats = _chats(examples)
        rendered = [_render_row(examples, row, chat, config, tokenizer) for row, chat in enumerate(chats)]
        first = next((chat for chat in chats if chat[1]), None)
        if first and config.chat == "tokenizer":  # what a template leaves out, it always does
            templated(*first, tokenizer).require_tools()
        return rendered
    default_prompt, default_answer = DEFAULT_TEMPLATES[examples.kind]
    if "pair" in examples.table.column_names and config.template is None:
        default_prompt = default_prompt.replace("{input}", "{input}\n{pair}")
    template, answer = config.template or default_prompt, config.answer or default_answer
    pairs = examples.table["pair"].to_pylist() if "pair" in examples.table.column_names else [""] * len(examples)
    return [
        Prompt(prompt=fill(template, input=text, pair=pair or ""), answer=fill(answer, target=target))
        for text, pair, target in zip(examples.inputs, pairs, examples.targets, strict=True)
    ]


def fill(template: str, **values: str) -> str:
    """Replace `{name}` by its value; other braces stay, since data and templates are full of them.

    >>> fill('{"q": "{input}"}', input="2+2")
    '{"q": "2+2"}'
    """
    return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), template)


def _chats(examples: Examples) -> list[tuple[list[Turn], str | None]]:
    turns = examples.table["messages"].to_pylist()
    has_tools = "tools" in examples.table.column_names
    return list(zip(turns, examples.table["tools"].to_pylist() if has_tools else [None] * len(turns), strict=True))


def _require_template(config: PromptConfig, tokenizer: Any) -> None:
    if config.chat == "tokenizer" and not getattr(tokenizer, "chat_template", None):
        raise ModelError(
            "the tokenizer has no chat template; use an instruction-tuned model, or set prompts.chat: plain"
        )


def _render_row(
    examples: Examples, row: int, chat: tuple[list[Turn], str | None], config: PromptConfig, tokenizer: Any
) -> Prompt:
    """A chat as a prompt; what its template refuses is told with its place."""
    try:
        return _render_chat(*chat, config, tokenizer)
    except ModelError as error:
        file, line = (examples.table[name][row].as_py() for name in ("file", "line"))
        raise ModelError(f"{file}:{line}: {error}") from error


def _render_chat(turns: list[Turn], tools: str | None, config: PromptConfig, tokenizer: Any) -> Prompt:
    plain = config.chat == "plain"
    if plain:
        rendered = [plainly(turns[: n + 1], tools) for n in _assistant_turns(turns)]
    else:
        chat = templated(turns, tools, tokenizer)
        rendered = [chat.render(n + 1) for n in _assistant_turns(turns)]
    prompt, answer = rendered[-1]
    spans = [(len(before), len(before) + len(said)) for before, said in rendered[:-1]]
    # A template may shorten earlier turns once they are past; such turns cannot be supervised where they stand.
    earlier = [
        span
        for span, (before, said) in zip(spans, rendered[:-1], strict=True)
        if prompt.startswith(before + said.rstrip("\n"))
    ]
    return Prompt(
        prompt=prompt,
        answer=answer.rstrip("\n") if plain else answer,
        has_specials=not plain,
        called=None if plain or not turns[-1]["more"] else chat.without_end(answer),
        earlier=tuple(earlier),
    )


def _assistant_turns(turns: list[Turn]) -> list[int]:
    last = len(turns) - 1
    return [n for n, turn in enumerate(turns) if turn["role"] == "assistant" and n < last] + [last]
