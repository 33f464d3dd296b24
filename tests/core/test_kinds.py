"""Kind and columns are recognised where they are plain, and asked for where they are not."""

from __future__ import annotations

from typing import Any

import pytest
from tunegate.core.errors import DataError
from tunegate.core.formats import load_examples

USER = {"role": "user", "content": "hi"}
BOT = {"role": "assistant", "content": "hello"}
OTHER = {"role": "assistant", "content": "go away"}


@pytest.mark.parametrize(
    ("row", "kind", "columns", "parts"),
    [
        ({"text": "a", "label": "b"}, "label", {"input": "text", "target": "label"}, ("a", "b")),
        ({"Utterance": "a", "Intent": "b"}, "label", {"input": "Utterance", "target": "Intent"}, ("a", "b")),
        ({"body": "a", "title": "t", "label": True}, "label", {"input": "body", "target": "label"}, ("a", "true")),
        ({"text": "a", "label": "b", "label_id": 3}, "label", {"input": "text", "target": "label"}, ("a", "b")),
        ({"text": "a", "label": 3, "label_text": "b"}, "label", {"input": "text", "target": "label_text"}, ("a", "b")),
        ({"text": "a", "labels": ["y", "x"]}, "label", {"input": "text", "target": "labels"}, ("a", "x|y")),
        ({"input": "a", "category": 1.0}, "label", {"input": "input", "target": "category"}, ("a", "1")),
        ({"prompt": "a", "completion": "b"}, "completion", {"input": "prompt", "target": "completion"}, ("a", "b")),
        ({"question": "a", "answer": 4}, "completion", {"input": "question", "target": "answer"}, ("a", "4")),
        (
            {"instruction": "a", "input": "x", "output": "b", "category": "c"},
            "completion",
            {"input": "instruction + input", "target": "output"},
            ("a\n\nx", "b"),
        ),
        (
            {"instruction": "a", "context": "", "response": "b"},
            "completion",
            {"input": "instruction + context", "target": "response"},
            ("a", "b"),
        ),
        ({"messages": [USER, BOT, USER]}, "chat", {"messages": "messages"}, ("hi", "hello")),
        (
            {"messages": '[{"role":"user","content":"hi"},{"role":"assistant","content":"b"}]'},
            "chat",
            None,
            ("hi", "b"),
        ),
        ({"prompt": [USER], "completion": [BOT]}, "chat", {"messages": "prompt + completion"}, ("hi", "hello")),
        ({"text": "a", "summary": "b"}, "completion", {"input": "text", "target": "summary"}, ("a", "b")),
        ({"prompt": "p", "chosen": "c", "rejected": "r"}, "preference", None, ("p", "c")),
        (
            {"messages": [USER, BOT], "chosen": [USER, BOT], "rejected": [USER, OTHER]},
            "preference",
            None,
            ("hi", "hello"),
        ),
        ({"chosen": [USER, BOT], "rejected": [USER, OTHER]}, "preference", None, ("hi", "hello")),
        ({"prompt": [USER], "chosen": [BOT], "rejected": [OTHER]}, "preference", None, ("hi", "hello")),
        (
            {"chosen": "\n\nHuman: p\n\nAssistant: c", "rejected": "\n\nHuman: p\n\nAssistant: r"},
            "preference",
            None,
            ("\n\nHuman: p\n\nAssistant:", " c"),
        ),
    ],
)
def test_usual_columns_are_recognised(
    row: dict[str, Any], kind: str, columns: dict[str, str] | None, parts: tuple[str, str]
) -> None:
    """The column names that datasets use tell kind, input and target, without case and beside other columns."""
    examples = load_examples([{"id": 7, **row}])

    assert examples.kind == kind
    assert columns is None or examples.columns == columns
    assert (examples.inputs[0], examples.targets[0]) == parts


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("premise", "hypothesis"),
        ("text", "text_pair"),
        ("Sentence1", "Sentence2"),
        ("text_1", "text_2"),
        ("question", "passage"),
        ("query", "text"),
    ],
)
def test_text_pairs_keep_both_texts(first: str, second: str) -> None:
    """Two texts with a label are input and pair, in whatever order their columns stand."""
    examples = load_examples([{"id": 3, second: "b", first: "a", "label": 0}])

    assert examples.columns == {"input": first, "pair": second, "target": "label"}
    assert (examples.inputs, examples.table["pair"].to_pylist()) == (["a"], ["b"])


def test_a_text_is_no_pair_of_what_stands_beside_it() -> None:
    """Where a column is called text, two other columns are not taken for the texts."""
    examples = load_examples([{"text": "a", "question": "b", "context": "c", "label": 0}])

    assert examples.columns == {"input": "text", "target": "label"}


@pytest.mark.parametrize(
    "turns",
    [
        [{"from": "system", "value": "s"}, {"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}],
        [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
        {"from": ["system", "human", "gpt"], "value": ["s", "q", "a"]},
        [
            {"role": "system", "content": "s"},
            {"role": "user", "content": [{"type": "text", "text": "q"}]},
            {"role": "assistant", "content": "a", "name": "bot"},
            {"role": "user", "content": "thanks"},
        ],
    ],
)
def test_chats_of_every_format_become_the_same_turns(turns: Any) -> None:
    """ShareGPT, OpenAI and column-wise turns give one chat that ends in the answer to be learned, with one id."""
    examples = load_examples([{"conversations": turns}])
    plain = [{"role": role, "content": text} for role, text in [("system", "s"), ("user", "q"), ("assistant", "a")]]

    assert examples.table["messages"].to_pylist() == [[{**turn, "more": None} for turn in plain]]
    assert (examples.inputs, examples.targets) == (["s\n\nq"], ["a"])
    assert examples.ids == load_examples([{"messages": plain}]).ids


@pytest.mark.parametrize(
    ("turns", "reason"),
    [
        ([], "'messages' has no turns"),
        ("hi", "'messages' is text, not a list of turns"),
        (["hi"], "a turn of 'messages' is text, not an object with role and content"),
        ([{"content": "hi"}], "a turn of 'messages' has no role (its keys: 'content')"),
        ([{"role": "user", "content": None}], "the content of the user turn of 'messages' is null, not text"),
        ([USER], "'messages' has no assistant turn, so there is nothing to learn"),
    ],
)
def test_a_chat_that_is_none_is_a_bad_row(turns: Any, reason: str) -> None:
    """Turns without role, text or answer are told, one by one."""
    examples = load_examples([{"messages": [USER, BOT]}, {"messages": turns}])

    assert [bad.reason for bad in examples.bad_rows] == [reason]


def test_columns_and_kind_can_be_given() -> None:
    """What the user names is used, by canonical or everyday words; the word tells the kind where one kind has it."""
    rows = [{"original": "a", "rephrased": "b", "extra": "c", "label": "d"}]

    for columns in ({"prompt": "original", "completion": "rephrased"}, {"input": "original", "answer": "rephrased"}):
        examples = load_examples(rows, columns=columns)
        assert (examples.kind, examples.inputs, examples.targets) == ("completion", ["a"], ["b"])
    examples = load_examples(rows, kind="label", columns={"input": "original + extra"})
    assert (examples.inputs, examples.targets) == (["a\n\nc"], ["d"])
    examples = load_examples([{"prompt": "a", "gold": "b"}], columns={"completion": "gold"})
    assert (examples.inputs, examples.targets) == (["a"], ["b"])
    examples = load_examples(rows, columns={"text": "original", "pair": "rephrased"})
    assert (examples.kind, examples.table["pair"].to_pylist()) == ("label", ["b"])


@pytest.mark.parametrize(
    ("row", "options", "message"),
    [
        ({"a": "x", "b": "y"}, {}, "(columns: 'a', 'b'); set data.kind, data.columns.input and data.columns.target"),
        (
            {"text": "x", "intent": "a", "topic": "b"},
            {"kind": "label"},
            "no column is plainly the label of kind 'label'",
        ),
        ({"text": "x"}, {"kind": "label"}, "(columns: 'text'); set data.columns.label in the recipe (--column label="),
        ({"label": "x"}, {"kind": "label"}, "no column is plainly the text of kind 'label' (columns: 'label')"),
        (
            {"prompt": "x"},
            {"kind": "completion"},
            "no column is plainly the completion of kind 'completion' (columns: 'prompt'); set data.columns.com",
        ),
        (
            {"text": "x", "label": "a"},
            {"kind": "lable"},
            "the kind 'lable' is unknown; allowed: label, completion, chat",
        ),
        ({"a": "x"}, {"kind": "label"}, "(--column text=NAME --column label=NAME)"),
        ({"text": "x"}, {"kind": "chat"}, "set data.columns.messages in the recipe (--column messages=NAME)"),
        (
            {"text": "x", "label": "a"},
            {"columns": {"text": "txt"}},
            "there is no column 'txt' (columns: 'text', 'label')",
        ),
        ({"text": "x", "label": "a"}, {"columns": {"lable": "label"}}, "data.columns.lable is unknown; allowed: "),
        ({"question": "x", "answer": "a", "label": "b"}, {}, "set data.kind: completion or data.kind: label (--kind)"),
        (
            {"prompt": "x", "completion": "a", "label": False},
            {},
            "'label' seems to mark good and bad answers (columns: ",
        ),
        ({"text": "x", "label": 0.1379}, {}, "holds measurements, such as 0.1379, not classes; set data.columns.label"),
    ],
)
def test_what_is_not_plain_is_asked_for(row: dict[str, Any], options: dict[str, Any], message: str) -> None:
    """The error lists the columns and the exact setting that helps."""
    with pytest.raises(DataError) as caught:
        load_examples([row], **options)

    assert message in str(caught.value)


def test_ratings_in_a_csv_are_classes_and_measurements_are_not(tmp_path: Any) -> None:
    """In text formats few different fractions may be ratings; many are measurements, which cannot be classified."""
    ratings, measured = tmp_path / "ratings.csv", tmp_path / "measured.csv"
    ratings.write_text("text,label\n" + "".join(f"text {n},{n % 5}.5\n" for n in range(100)))
    measured.write_text("text,label\n" + "".join(f"text {n},0.{n}7\n" for n in range(100)))

    assert set(load_examples(ratings).targets) == {"0.5", "1.5", "2.5", "3.5", "4.5"}
    with pytest.raises(DataError, match=r"measured.csv: the label column 'label' holds measurements"):
        load_examples(measured)


def test_rows_of_another_kind_have_no_say() -> None:
    """What most rows have decides; the others are bad rows."""
    examples = load_examples([{"prompt": "a", "completion": "b"}, *[{"text": "a", "label": "b"}] * 3])

    assert (examples.kind, len(examples)) == ("label", 3)
    assert [bad.line for bad in examples.bad_rows] == [1]


def test_a_rare_optional_column_still_belongs_to_the_prompt() -> None:
    """An `input` that only few rows have is part of their prompts."""
    rows: list[dict[str, Any]] = [{"instruction": f"do {n}", "output": "done"} for n in range(9)]
    examples = load_examples([*rows, {"instruction": "add", "input": "1 2", "output": "3"}])

    assert examples.inputs == [*(f"do {n}" for n in range(9)), "add\n\n1 2"]


@pytest.mark.parametrize("label", ["nan", "INF", "infinity"])
def test_words_that_python_reads_as_numbers_are_labels(label: str) -> None:
    """`nan` is a language code and `inf` a word; neither is a measurement."""
    assert load_examples([{"text": "a", "label": label}]).targets == [label]
