"""Chats that call tools: one form of every format's calls, and what templates, curation and scoring make of them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tunegate.core.errors import ModelError
from tunegate.core.formats import load_examples, original_rows
from tunegate.core.models import load_tokenizer
from tunegate.core.prompts import PromptConfig, render_prompts
from tunegate.core.tool_calls import read_calls
from tunegate.core.turns import RowError, read_turns
from tunegate.curate import CurateConfig, curate_dataset
from tunegate.evaluate import EvaluateConfig
from tunegate.evaluate.scoring.request import Request
from tunegate.evaluate.task.answers import score_answers

TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"properties": {"city": {}}}}}]
CALL = {"name": "weather", "arguments": {"city": "Paris"}}
ASKED, RESULT, SAID = "Weather in Paris?", '{"degrees":12}', "It is 12 degrees."
AS_TEXT = {"function": {**CALL, "arguments": '{"city": "Paris"}'}}
FORMATS: dict[str, list[dict[str, Any]]] = {
    "arguments as text": [
        {"role": "user", "content": ASKED, "tool_calls": None},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [AS_TEXT],
        },
        {"role": "tool", "content": RESULT, "tool_calls": None},
        {"role": "assistant", "content": SAID, "tool_calls": None},
    ],
    "one function": [
        {"role": "user", "content": ASKED},
        {"role": "assistant", "content": "", "function_call": CALL},
        {"role": "function", "content": {"degrees": 12}},
        {"role": "assistant", "content": SAID},
    ],
    "from and value": [
        {"from": "human", "value": ASKED},
        {"from": "function_call", "value": json.dumps(CALL)},
        {"from": "observation", "value": RESULT},
        {"from": "gpt", "value": SAID},
    ],
}
TEMPLATE = (
    "{% if tools %}<tools>{{ tools | tojson }}</s>{% endif %}"
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}"
    "{% for call in m.tool_calls or [] %}<call>{{ call.function | tojson }}</call>{% endfor %}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
WRITTEN = '<call>{"name": "weather", "arguments": {"city": "Paris"}}</call>'


@pytest.fixture
def tokenizer(quickstart_base: Path) -> Any:
    """A tokenizer whose template writes tools."""
    found = load_tokenizer(quickstart_base)
    found.chat_template = TEMPLATE
    return found


def rows(turns: list[dict[str, Any]], **more: Any) -> list[dict[str, Any]]:
    """One chat as a row."""
    return [{"messages": turns, **more}]


@pytest.mark.parametrize("name", FORMATS)
def test_calls_of_every_format_become_the_same_turns(name: str, tmp_path: Path) -> None:
    """From lines, from JSON in a column, and from Parquet, where every call has the keys of all others."""
    (tmp_path / "chats.jsonl").write_text(json.dumps(rows(FORMATS[name])[0]) + "\n")
    other = {"role": "assistant", "tool_calls": [{"name": "clock", "arguments": json.dumps({"zone": None})}]}
    columnar = [{**turn, "content": RESULT} if turn.get("role") == "function" else turn for turn in FORMATS[name]]
    both = [*rows(columnar), *rows([{"role": "user", "content": "t"}, other])]
    pq.write_table(pa.Table.from_pylist(both), tmp_path / "chats.parquet")
    text = json.dumps(FORMATS[name])
    read = [load_examples(data) for data in (tmp_path / "chats.jsonl", tmp_path / "chats.parquet", rows(text))]

    for examples in read:
        assert examples.bad_rows == ()
        assert examples.inputs[0] == f'{ASKED}\n\n{{"name":"weather","arguments":{{"city":"Paris"}}}}\n\n{RESULT}'
        assert examples.targets[0] == SAID
        roles = [turn["role"] for turn in examples.table["messages"][0].as_py()]
        assert roles == ["user", "assistant", "tool", "assistant"]
    assert len({examples.ids[0] for examples in read}) == 1
    assert read[1].targets[1] == '{"name":"clock","arguments":{"zone":null}}'


@pytest.mark.parametrize(
    ("calls", "reason"),
    [
        ([{"id": "1"}], "a call is no object with a function's name and arguments"),
        ("{", "the call is no JSON"),
        ([{"name": "f", "arguments": "{a: 1}"}], "arguments of 'f' are no JSON"),
        ([{"name": "f", "arguments": [1]}], "arguments of 'f' are no JSON object"),
    ],
)
def test_a_call_that_is_none_is_a_bad_row(calls: Any, reason: str) -> None:
    """A model would learn to write what no program can read."""
    good = FORMATS["one function"]
    examples = load_examples([*rows(good), *rows([good[0], {"role": "assistant", "tool_calls": calls}])])

    assert [bad.reason for bad in examples.bad_rows] == [
        f"the tool call of the assistant turn of 'messages' cannot be read: {reason}"
    ]


@given(arguments=st.dictionaries(st.text(max_size=3), st.none() | st.integers(-9, 9) | st.text(max_size=3)))
def test_arguments_written_as_text_are_kept_exactly(arguments: dict[str, Any]) -> None:
    """Null is a value there."""
    (call,) = read_calls([{"name": "f", "arguments": json.dumps(arguments)}])

    assert call == {"type": "function", "function": {"name": "f", "arguments": arguments}}


@pytest.mark.parametrize(
    ("turn", "what"),
    [
        ({"role": "tool", "content": {"raw": b"x"}}, "result of the tool"),
        ({"role": "assistant", "tool_calls": [{"name": "f", "arguments": {"a": 2**70}}]}, "call of the assistant"),
    ],
)
def test_what_json_cannot_hold_is_a_bad_row(turn: dict[str, Any], what: str) -> None:
    """Columnar files and frames may hold more than JSON does."""
    with pytest.raises(
        RowError, match=f"^the tool {what} turn of 'messages' cannot be read: it holds what JSON cannot"
    ):
        read_turns([turn], "messages")


def test_tools_are_part_of_a_chat_and_chats_without_them_keep_their_id() -> None:
    """Given as JSON schemas or as their JSON; a column of names alone is none of tools."""
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    plain, named = load_examples(rows(turns)), load_examples(rows(turns, tools=["weather"]))
    given = [load_examples(rows(turns, tools=tools)) for tools in (TOOLS, json.dumps(TOOLS))]

    assert plain.ids == named.ids == [hashlib.blake2b(b"chat\0user\0a\0assistant\0b", digest_size=8).hexdigest()]
    assert given[0].table["tools"].to_pylist() == [orjson.dumps(TOOLS).decode()]
    assert given[0].ids == given[1].ids != plain.ids
    broken = load_examples([*rows(turns, tools=TOOLS), *rows(turns, tools="[")])
    assert [bad.reason for bad in broken.bad_rows] == ["'tools' cannot be read: it is no JSON"]


def test_a_template_writes_tools_and_calls(tokenizer: Any) -> None:
    """The call is what is learned; it is known without the end that every answer has."""
    turns = FORMATS["one function"]
    whole, called = load_examples([*rows(turns, tools=TOOLS), *rows(turns[:2], tools=TOOLS)]), f"{WRITTEN}</s>\n"
    answered, calling = render_prompts(whole, PromptConfig(), tokenizer)

    assert calling.prompt == f"<tools>{json.dumps(TOOLS)}</s><user>{ASKED}</s>\n<assistant>"
    assert (calling.answer, calling.called) == (called, WRITTEN)
    assert answered.prompt == f"{calling.prompt}{called}<tool>{RESULT}</s>\n<assistant>"
    assert (answered.answer, answered.called) == (f"{SAID}</s>\n", None)
    assert [answered.prompt[start:end] for start, end in answered.earlier] == [called]


def test_without_a_template_tools_and_calls_are_lines() -> None:
    """The tools come first."""
    (made,) = render_prompts(load_examples(rows(FORMATS["one function"][:2], tools=TOOLS)), PromptConfig(chat="plain"))

    assert made.prompt == f"Tools: {orjson.dumps(TOOLS).decode()}\nUser: {ASKED}\nAssistant:"
    assert made.answer == f" {orjson.dumps(CALL).decode()}"


@pytest.mark.parametrize(
    ("left_out", "told"), [("tools %}<tools>", "the tools that a chat may call"), ("m.tool_calls", "calls of tools")]
)
def test_a_template_that_leaves_out_tools_is_refused(left_out: str, told: str, tokenizer: Any) -> None:
    """A model would be asked to call what it never read of, or learn to say nothing."""
    tokenizer.chat_template = TEMPLATE.replace(left_out, left_out.replace("tool", "other", 1))
    examples = load_examples(rows(FORMATS["one function"], tools=TOOLS))

    with pytest.raises(ModelError, match=rf"does not write {told}.*set prompts\.chat: plain"):
        render_prompts(examples, PromptConfig(), tokenizer)


def test_a_turn_that_calls_a_tool_is_not_empty() -> None:
    """Nor are its roles out of order; what says nothing and calls nothing still is."""
    turns = FORMATS["one function"]
    silent = [turns[0], {"role": "assistant", "content": " "}]
    curation = curate_dataset([*rows(turns), *rows(turns[:2]), *rows(silent)])

    assert [(finding.row, finding.rule) for finding in curation.findings if finding.rule == "empty-turn"] == [
        (2, "empty-turn")
    ]
    assert not [finding for finding in curation.findings if finding.rule == "chat-roles"]


def test_chats_with_other_tools_are_no_copies_and_ask_something_else() -> None:
    """Without a tool the right answer is another."""
    turns, other = FORMATS["one function"][:2], [{"name": "clock"}]
    said = [turns[0], {"role": "assistant", "content": "I cannot look that up."}]
    curation = curate_dataset([*rows(turns, tools=TOOLS), *rows(turns, tools=other), *rows(said, tools=other)])

    assert [(finding.rule, finding.row) for finding in curation.findings if finding.rule != "length-outlier"] == [
        ("several-answers", 1),
        ("several-answers", 2),
    ]


def test_masked_arguments_stay_json() -> None:
    """A card number that is no text in JSON becomes one."""
    arguments = '{"card": 4111111111111111, "mail": "jo@example.org", "n": 3}'
    call = {"function": {"name": "pay", "arguments": arguments}}
    turns = [{"role": "user", "content": "pay"}, {"role": "assistant", "content": None, "tool_calls": [call]}]
    config = CurateConfig.model_validate({"rules": {"private-data": "redact"}})
    (kept,) = original_rows(curate_dataset(rows(turns), config=config).kept_examples)
    written = kept["messages"][1]["tool_calls"][0]["function"]["arguments"]

    assert json.loads(written) == {"card": "[CARD]", "mail": "[EMAIL]", "n": 3}
    assert load_examples([kept]).bad_rows == ()


def test_an_answer_that_calls_is_compared_as_the_template_writes_it(tokenizer: Any) -> None:
    """What a model writes ends where the template ends an answer, and is right if it is the call."""
    examples = load_examples(rows(FORMATS["one function"][:2], tools=TOOLS))
    asked: list[Request] = []

    def ask(requests: list[Request]) -> list[str]:
        asked.extend(requests)
        return [WRITTEN for _ in requests]

    found, _, report = score_answers(examples, EvaluateConfig(), PromptConfig(), tokenizer, ask)

    assert json.loads(asked[0].options)["until"] == ["</s>"]
    assert report["exact_match"] == 1.0
    assert {row["target"] for row in found} == {WRITTEN}
