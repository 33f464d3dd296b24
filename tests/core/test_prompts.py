"""One rule turns examples into prompts, for training and evaluation alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tunegate.core.errors import ModelError
from tunegate.core.formats import load_examples
from tunegate.core.models import load_tokenizer
from tunegate.core.prompts import PromptConfig, fill, render_prompts

CHAT = [
    {"role": "system", "content": "be brief"},
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": "hello"},
    {"role": "user", "content": "bye"},
    {"role": "assistant", "content": "see you"},
]
TEMPLATE = (
    "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


@pytest.mark.parametrize(
    ("row", "config", "prompt", "answer"),
    [
        ({"text": "a", "label": "b"}, {}, "a\nLabel:", " b"),
        ({"premise": "a", "hypothesis": "c", "label": "b"}, {}, "a\nc\nLabel:", " b"),
        ({"prompt": "a", "completion": "b"}, {}, "a\n", "b"),
        ({"prompt": "a", "chosen": "b", "rejected": "c"}, {}, "a\n", "b"),
        ({"text": "a", "label": "b"}, {"template": "Q: {input}\nA:", "answer": " {target}."}, "Q: a\nA:", " b."),
        ({"messages": CHAT[1:3]}, {"chat": "plain"}, "User: hi\nAssistant:", " hello"),
    ],
)
def test_each_kind_has_its_prompt(row: dict[str, Any], config: dict[str, str], prompt: str, answer: str) -> None:
    """Default and own templates give exactly this text; the space before an answer belongs to the answer."""
    (made,) = render_prompts(load_examples([row]), PromptConfig.model_validate(config))

    assert (made.prompt, made.answer) == (prompt, answer)


@given(text=st.text())
def test_braces_in_data_stay(text: str) -> None:
    """Filling a template changes nothing but its own placeholder."""
    assert fill("<{input}> {other} {}", input=text) == f"<{text}> {{other}} {{}}"


def test_chats_go_through_the_template_of_the_tokenizer(quickstart_base: Path) -> None:
    """Prompt and answer together are the whole chat as the template writes it; earlier answers are known by place."""
    tokenizer = load_tokenizer(quickstart_base)
    tokenizer.chat_template = TEMPLATE
    (made,) = render_prompts(load_examples([{"messages": CHAT}]), PromptConfig(), tokenizer)

    assert made.prompt == "<system>be brief</s><user>hi</s><assistant>hello</s><user>bye</s><assistant>"
    assert made.answer == "see you</s>"
    assert [made.prompt[start:end] for start, end in made.earlier] == ["hello</s>"]
    assert made.has_specials is True


def test_chats_need_a_template(quickstart_base: Path) -> None:
    """A tokenizer without a chat template is one clear error that names the way out."""
    with pytest.raises(ModelError, match=r"no chat template; .*set prompts.chat: plain"):
        render_prompts(load_examples([{"messages": CHAT}]), PromptConfig(), load_tokenizer(quickstart_base))


def test_braces_in_the_data_are_left_alone() -> None:
    """A text that happens to hold the name of another field stays as it is."""
    assert fill("{input}\n{pair}", input="a {pair} b", pair="X") == "a {pair} b\nX"
