"""What is supervised, what is cut, and that begin and end of text are there exactly once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tunegate.core.errors import ModelError
from tunegate.core.formats import load_examples
from tunegate.core.models import load_tokenizer
from tunegate.core.prompts import Prompt, PromptConfig, render_prompts
from tunegate.train import TrainConfig
from tunegate.train.encoding import Row, encode_labels, encode_prompts, encode_texts

TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}"
    "{% if m.role == 'assistant' %}{{ eos_token }}\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


@pytest.fixture(scope="module")
def tokenizer(quickstart_base: Path) -> Any:
    """The quickstart's: begin and end of text are one token, number 0."""
    return load_tokenizer(quickstart_base)


def encode(prompts: list[Prompt], tokenizer: Any, *, length: int = 256, **config: Any) -> Any:
    origins = [f"f:{n}" for n in range(1, len(prompts) + 1)]
    return encode_prompts(prompts, origins, tokenizer, length=length, config=TrainConfig(**config))


def answer_of(row: Row, tokenizer: Any) -> str:
    return str(tokenizer.decode(row.ids[row.supervised].tolist()))


def test_only_the_answer_and_one_end_are_supervised(tokenizer: Any) -> None:
    """The prompt is masked, the answer and exactly one end-of-text token are not; the row begins with one BOS."""
    (row,) = encode([Prompt(prompt="What is it?\nAnswer:", answer=" a parcel")], tokenizer).rows

    assert answer_of(row, tokenizer) == " a parcel<|endoftext|>"
    assert row.ids[0] == 0
    assert row.ids[1] != 0
    assert (row.ids == 0).sum() == 2
    assert tokenizer.decode(row.ids[~row.supervised].tolist()) == "<|endoftext|>What is it?\nAnswer:"


def test_the_answer_is_tokenised_as_the_model_will_read_it(tokenizer: Any) -> None:
    """Prompt and answer are tokenised as one text: the ids are those of the whole."""
    (row,) = encode([Prompt(prompt="copy: red", answer=" red green")], tokenizer).rows

    assert row.ids.tolist() == [*tokenizer("copy: red red green")["input_ids"], 0]


@pytest.mark.parametrize(
    ("policy", "kept", "counted"),
    [("drop", None, "dropped_long"), ("cut_prompt", " a b", "truncated"), ("cut_answer", None, "dropped_long")],
)
def test_long_rows_follow_the_policy(tokenizer: Any, policy: str, kept: str | None, counted: str) -> None:
    """A prompt that is too long is dropped, or cut from its left; cutting the answer leaves this row nothing."""
    prompt = Prompt(prompt="word " * 40 + "end:", answer=" a b")
    encoding = encode([prompt], tokenizer, length=16, truncation=policy)

    if kept is None:
        assert encoding.rows == ()
    else:
        (row,) = encoding.rows
        assert len(row) == 16
        assert row.ids[0] == 0
        assert answer_of(row, tokenizer) == kept + "<|endoftext|>"
    assert encoding.counts[counted if policy != "cut_answer" else "fully_masked"] == 1


def test_cutting_the_answer_keeps_its_beginning(tokenizer: Any) -> None:
    """`cut_answer` keeps the prompt and as much of the answer as fits."""
    (row,) = encode([Prompt(prompt="say:", answer=" yes" * 40)], tokenizer, length=16, truncation="cut_answer").rows

    assert len(row) == 16
    assert answer_of(row, tokenizer).startswith(" yes yes")


def test_an_answer_that_cannot_fit_is_dropped_and_counted(tokenizer: Any) -> None:
    """With `cut_prompt`, an answer longer than the limit leaves no room for a prompt."""
    encoding = encode([Prompt(prompt="say:", answer=" yes" * 80)], tokenizer, length=16)

    assert encoding.rows == ()
    assert encoding.counts["dropped_long"] == 1


def chat(tokenizer: Any, messages: list[dict[str, str]], **config: Any) -> Any:
    examples = load_examples([{"messages": messages}])
    return render_prompts(examples, PromptConfig(**config), tokenizer)


@pytest.fixture(scope="module")
def chat_tokenizer(quickstart_base: Path) -> Any:
    made = load_tokenizer(quickstart_base)
    made.chat_template = TEMPLATE
    return made


TALK = [
    {"role": "user", "content": "hello there"},
    {"role": "assistant", "content": "good day"},
    {"role": "user", "content": "what now"},
    {"role": "assistant", "content": "we wait"},
]


def test_a_template_that_writes_specials_gets_none_twice(chat_tokenizer: Any) -> None:
    """BOS of the template is not doubled, its end of turn is the supervised end, the line end behind it is cut."""
    (row,) = encode(chat(chat_tokenizer, TALK), chat_tokenizer).rows

    assert row.ids[:2].tolist() == [0, row.ids[1]]
    assert row.ids[1] != 0
    assert answer_of(row, chat_tokenizer) == "we wait<|endoftext|>"
    assert row.ids[-1] == 0


def test_every_assistant_turn_can_be_supervised(chat_tokenizer: Any) -> None:
    """`turns: all` supervises each assistant turn and its end, and no user turn."""
    (row,) = encode(chat(chat_tokenizer, TALK), chat_tokenizer, turns="all").rows

    assert answer_of(row, chat_tokenizer) == "good day<|endoftext|>\nwe wait<|endoftext|>"


def test_plain_chats_need_no_template(tokenizer: Any) -> None:
    """`chat: plain` writes roles as lines; the answer is the last assistant turn."""
    (prompt,) = chat(tokenizer, TALK, chat="plain")

    assert prompt.prompt == "User: hello there\nAssistant: good day\nUser: what now\nAssistant:"
    assert prompt.answer == " we wait"
    assert [prompt.prompt[a:b] for a, b in prompt.earlier] == [" good day\n"]


def test_a_missing_chat_template_is_told(tokenizer: Any) -> None:
    """Chats and a tokenizer without a template: the message names the remedy."""
    with pytest.raises(ModelError, match=r"no chat template.*chat: plain"):
        chat(tokenizer, TALK)


def test_a_template_that_refuses_a_role_is_told(quickstart_base: Path) -> None:
    """A template's own exception becomes a message about the roles."""
    made = load_tokenizer(quickstart_base)
    made.chat_template = "{{ raise_exception('no system role') }}"
    with pytest.raises(ModelError, match=r"^<rows>:1: the chat template refuses the roles user.*no system role"):
        chat(made, TALK[:2])


def test_general_text_is_supervised_whole(tokenizer: Any) -> None:
    """A replay row predicts every token after the first, is cut at its end, and is marked."""
    rows = encode_texts(["one two three four five six seven eight nine", ""], ["a:1", "a:2"], tokenizer, length=8)

    assert [len(row) for row in rows] == [8]
    assert rows[0].supervised.tolist() == [False] + [True] * 7
    assert rows[0].is_replay


def test_text_pairs_keep_their_segments(small_bert: Path) -> None:
    """A pair is joined as the tokenizer does it, with segment numbers, and cut to the limit."""
    examples = load_examples([{"premise": "hi hello", "hypothesis": "my order", "label": "yes"}] * 2)
    tokenizer = load_tokenizer(small_bert)
    rows = encode_labels(examples, {"yes": 0}, tokenizer, length=32, config=TrainConfig()).rows

    assert rows[0].types is not None
    assert rows[0].types.tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert rows[0].target == (0,)


def test_several_labels_in_one_target(small_bert: Path) -> None:
    """A separator makes a target a set of labels, which may be empty."""
    examples = load_examples([{"text": "hi", "label": "a|b"}, {"text": "hello", "label": "b"}])
    config = TrainConfig(multi_label="|")
    rows = encode_labels(examples, {"a": 0, "b": 1}, load_tokenizer(small_bert), length=32, config=config).rows

    assert [row.target for row in rows] == [(0, 1), (1,)]
