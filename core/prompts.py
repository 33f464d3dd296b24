"""Examples to the text a causal model reads and the text it is to answer: one rule for training and evaluation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .config import Config
from .errors import ModelError
from .records import Examples

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
    earlier: tuple[tuple[int, int], ...] = ()
    """Spans of `prompt` (characters) that earlier assistant turns wrote; for training on every turn."""


def render_prompts(examples: Examples, config: PromptConfig, tokenizer: Any = None) -> list[Prompt]:
    """One prompt and answer per example, in order.

    Raises:
        ModelError: chats, and the tokenizer has no chat template, or its template refuses the roles.
    """
    if examples.kind == "chat":
        _require_template(config, tokenizer)
        return [_render_chat(messages, config, tokenizer) for messages in examples.table["messages"].to_pylist()]
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


def _require_template(config: PromptConfig, tokenizer: Any) -> None:
    if config.chat == "tokenizer" and not getattr(tokenizer, "chat_template", None):
        raise ModelError(
            "the tokenizer has no chat template; use an instruction-tuned model, or set prompts.chat: plain"
        )


def _render_chat(messages: list[dict[str, str]], config: PromptConfig, tokenizer: Any) -> Prompt:
    plain = config.chat == "plain"
    turns = [(_plain if plain else _templated)(messages[: n + 1], tokenizer) for n in _assistant_turns(messages)]
    prompt, answer = turns[-1]
    spans = [(len(before), len(before) + len(said)) for before, said in turns[:-1]]
    # A template may shorten earlier turns once they are past; such turns cannot be supervised where they stand.
    earlier = [
        span
        for span, (before, said) in zip(spans, turns[:-1], strict=True)
        if prompt.startswith(before + said.rstrip("\n"))
    ]
    return Prompt(
        prompt=prompt,
        answer=answer.rstrip("\n") if plain else answer,
        has_specials=not plain,
        earlier=tuple(earlier),
    )


def _assistant_turns(messages: list[dict[str, str]]) -> list[int]:
    last = len(messages) - 1
    return [n for n, turn in enumerate(messages) if turn["role"] == "assistant" and n < last] + [last]


def _plain(messages: list[dict[str, str]], _tokenizer: Any) -> tuple[str, str]:
    *context, last = messages
    lines = [f"{turn['role'].capitalize()}: {turn['content']}\n" for turn in context]
    return "".join(lines) + "Assistant:", f" {last['content']}\n"


def _templated(messages: list[dict[str, str]], tokenizer: Any) -> tuple[str, str]:
    from jinja2 import TemplateError

    try:
        prompt = tokenizer.apply_chat_template(messages[:-1], tokenize=False, add_generation_prompt=True)
        whole = tokenizer.apply_chat_template(messages, tokenize=False)
    except TemplateError as error:
        roles = ", ".join(turn["role"] for turn in messages)
        raise ModelError(f"the chat template refuses the roles {roles} ({error}); set prompts.chat: plain") from error
    if not whole.startswith(prompt):
        raise ModelError("the chat template rewrites earlier turns when one is added; set prompts.chat: plain")
    return prompt, whole[len(prompt) :]
