"""Each rule finds what it is for, and leaves what only looks like it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tunegate.core.errors import DataError
from tunegate.core.formats import load_examples
from tunegate.core.records import Kind
from tunegate.curate import CurateConfig, curate_dataset, list_rules
from tunegate.curate.rules.length import settled_deviations


def rules_of(rows: list[dict[str, Any]], kind: Kind, **config: Any) -> list[set[str]]:
    """Per row, the ids of the rules that found something in it."""
    curation = curate_dataset(load_examples(rows, kind=kind), config=CurateConfig.model_validate(config))
    found: list[set[str]] = [set() for _ in rows]
    for finding in curation.findings:
        found[finding.row].add(finding.rule)
    return found


def answer(text: str, prompt: str = "Explain how tides work.") -> list[dict[str, Any]]:
    return [{"prompt": prompt, "completion": text}]


LONG = "The moon pulls the water of the sea. It rises and falls twice a day as the earth turns below it. " * 3

ANSWERS = [
    ("The moon pulls the sea.", set()),
    ("", {"empty-target"}),
    (" \n\t", {"empty-target"}),
    ("N/A", {"placeholder"}),
    ("Lorem ipsum dolor sit amet.", {"placeholder"}),
    ("None of the planets do.", set()),
    ("Explain how tides work!", {"repeats-prompt"}),
    ("As an AI language model, I cannot tell.", {"refusal"}),
    ("I'm sorry, but I can't assist with that.", {"refusal"}),
    ("I am sorry to hear that your dog is ill.", set()),
    ("First you take the boat, and then the", {"unfinished"}),
    ("```python\nprint(1)\n", {"unfinished"}),
    ("```python\nprint(1)\n```", set()),
    (LONG + "Then the wind blows over the long waves of the wide", {"unfinished"}),
    ("Steps:\n1. take a\n2. mix of", set()),
    ("it goes up and down " * 60, {"repetition"}),
    (LONG.strip(), set()),
    ("The cafÃ© is open.", {"mojibake"}),
    ("The caf\ufffd is open.", {"mojibake"}),
    ("The café is open – «naïve» señor.", set()),
    ("An invisible\u200b space.", {"control-characters"}),
    ("A family: \U0001f468\u200d\U0001f469\u200d\U0001f467.", set()),
    ("Fish &amp; chips<br>", {"markup"}),
    ("Use the HTML tag <br> here.", set()),
    ("a < b and b > c", set()),
    ("https://example.com/a", {"url-only"}),
    ("See https://example.com/a for more.", set()),
    ("Call +49 30 901820 now.", {"private-data"}),
    ("Write to jürgen@bücher.example.de.", {"private-data"}),
    ("The key is npm_a1B2a1B2a1B2a1B2a1B2a1B2a1B2a1B2a1B2.", {"secret"}),
    ("Pay to DE89 3704 0044 0532 0130 00.", {"private-data"}),
    ("Card 4111 1111 1111 1111.", {"private-data"}),
    ("Card 4111 1111 1111 1112.", set()),
    ("It was 14000-3920-1000=9080 on 2024-01-15.", set()),
    ("Use AKIAIOSFODNN7EXAMPLE here.", {"secret"}),
    ("api_key = 'q8Zx7Lm2Vb9Kt4Rw'", {"secret"}),
    ("The password: remember it.", set()),
]


@pytest.mark.parametrize(("text", "expected"), ANSWERS)
def test_rules_about_answers(text: str, expected: set[str]) -> None:
    """One answer at a time: what is found, and nothing else."""
    assert rules_of(answer(text), "completion") == [expected]


def test_findings_never_repeat_a_secret() -> None:
    """Neither reason nor evidence holds what was found."""
    key = "ghp_" + "a1B2" * 10
    curation = curate_dataset(load_examples(answer(f"token {key} of jo@example.org"), kind="completion"))

    assert {finding.rule for finding in curation.findings} == {"secret", "private-data"}
    assert key not in repr(curation.findings)
    assert "jo@" not in repr(curation.findings)


def test_labels_outside_the_schema_are_dropped_and_near_misses_flagged() -> None:
    """A rare label that looks like a frequent one is named with it; the schema is the last word."""
    labels = ["Billing"] * 6 + ["biling", "x"]
    rows = [{"text": f"row {word}", "label": label} for word, label in zip("abcdefgh", labels, strict=True)]
    plain = rules_of(rows, "label", rules={"rare-class": "off"})
    strict = rules_of(rows, "label", rules={"rare-class": "off"}, quality={"labels": ["Billing"]})

    assert plain == [set()] * 6 + [{"label-near-miss"}, set()]
    assert strict == [set()] * 6 + [{"label-schema", "label-near-miss"}, {"label-schema"}]


def chat(*roles: str) -> list[dict[str, Any]]:
    return [{"messages": [{"role": role, "content": f"turn {at}"} for at, role in enumerate(roles)]}]


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        (("user", "assistant"), set()),
        (("system", "user", "assistant", "user", "assistant"), set()),
        (("user", "assistant", "tool", "assistant"), set()),
        (("assistant",), {"chat-roles"}),
        (("user", "assistant", "assistant"), {"chat-roles"}),
        (("user", "system", "assistant"), {"chat-roles"}),
        (("user", "wizard", "assistant"), {"chat-roles"}),
    ],
)
def test_turns_out_of_order_are_flagged(roles: tuple[str, ...], expected: set[str]) -> None:
    """System first, then user and assistant in turn, an answer last."""
    found = rules_of(chat(*roles), "chat")[0] - {"empty-input"}

    assert found == expected


def test_an_empty_turn_is_dropped() -> None:
    """The right row is named, also after longer chats."""
    rows = chat("user", "assistant", "user", "assistant") + chat("user", "assistant")
    rows[1]["messages"][0]["content"] = " "

    assert "empty-turn" not in rules_of(rows, "chat")[0]
    assert "empty-turn" in rules_of(rows, "chat")[1]


def test_equal_choices_prefer_nothing() -> None:
    """Chosen and rejected that fold to one text are dropped."""
    rows = [
        {"prompt": "How?", "chosen": "Like this.", "rejected": "like this"},
        {"prompt": "How much?", "chosen": "Two.", "rejected": "Three."},
    ]

    assert rules_of(rows, "preference") == [{"equal-choices"}, set()]


def test_length_outliers_are_judged_within_their_class() -> None:
    """A long row among short ones is flagged; a class of long rows is not."""
    rows = [{"text": f"is item {n} in stock", "label": "short"} for n in range(100, 150)]
    rows += [{"text": f"story {n} " + "and then it went on " * 40, "label": "long"} for n in range(100, 150)]
    rows += [{"text": "a much longer question than all the others " * 8, "label": "short"}]
    config = {"rules": {"near-duplicate": "off", "label-error": "off"}}
    found = rules_of(rows, "label", **config)

    assert [at for at, row in enumerate(found) if "length-outlier" in row] == [100]


def test_another_script_than_the_majority_is_flagged() -> None:
    """Cyrillic rows among Latin ones."""
    rows = [{"text": f"question number {n} about cards", "label": "a"} for n in range(30)]
    rows += [{"text": "где моя карта", "label": "a"}, {"text": "où est ma carte déjà", "label": "a"}]
    found = rules_of(rows, "label", rules={"near-duplicate": "off"})

    assert [at for at, row in enumerate(found) if "language" in row] == [30]


def test_too_long_counts_tokens_of_the_models_own_tokenizer(quickstart_base: Any) -> None:
    """Rows beyond the window are flagged with their token count."""
    from tunegate.core.models import load_tokenizer

    rows = [{"text": "the cat sat", "label": "a"}, {"text": "the cat sat on the mat " * 200, "label": "a"}]
    config = CurateConfig.model_validate({"quality": {"max_tokens": 200}})
    curation = curate_dataset(load_examples(rows), config=config, tokenizer=load_tokenizer(quickstart_base))

    assert [finding.row for finding in curation.findings if finding.rule == "too-long"] == [1]


def test_a_cap_keeps_the_same_rows_in_any_order() -> None:
    """The choice is seeded by content, not by place."""
    words = ["tide", "moon", "sea", "wind", "rain", "snow", "hail", "storm", "sun", "cloud"]
    rows = [{"text": f"{word} today", "label": "weather"} for word in words]
    config = CurateConfig.model_validate({"cap": {"per": "label", "rows": 4}})
    kept = [
        sorted(curate_dataset(load_examples(order), config=config).kept_examples.inputs) for order in (rows, rows[::-1])
    ]

    assert kept[0] == kept[1]
    assert len(kept[0]) == 4


def test_an_input_of_marks_or_a_trial_word_is_a_placeholder() -> None:
    """As inputs `-`, `...` and `test` ask for nothing; as answers, or within a sentence, they may be right."""
    inputs = ["-", " ... ", "Test!", "--/--", "?", "test my card please", "3 - 2", ":)", "\u20ac"]
    found = rules_of([{"text": text, "label": str(at % 2)} for at, text in enumerate(inputs)], "label")
    asked = {"prompt": "Which shell command checks a condition, and which sign names the last folder?"}
    answers = rules_of([{**asked, "completion": "test"}, {**asked, "completion": "-"}], "completion")

    assert ["placeholder" in rules for rules in found] == [True] * 5 + [False] * 4
    assert not any("placeholder" in rules for rules in answers)


def test_actions_can_be_changed_per_rule() -> None:
    """Off finds nothing, flag keeps the row, drop lets it go."""
    rows = [*answer("N/A"), *answer("Fine.", "And you?")]
    kept = {
        action: len(curate_dataset(rows, config=CurateConfig.model_validate({"rules": {"placeholder": action}})).kept)
        for action in ("off", "flag", "drop")
    }

    assert kept == {"off": 2, "flag": 2, "drop": 1}
    assert rules_of(rows, "completion", rules={"placeholder": "off"}) == [set(), set()]


def test_an_unknown_rule_is_an_error_that_lists_the_known_ones() -> None:
    """A misspelt rule id never passes silently."""
    with pytest.raises(DataError, match=r"no rule 'placeholer'.*placeholder"):
        curate_dataset(answer("a"), config=CurateConfig.model_validate({"rules": {"placeholer": "off"}}))


def test_every_rule_is_documented_once() -> None:
    """Ids are unique, and every rule says in a sentence what it is about."""
    rules = list_rules()

    assert len({rule["id"] for rule in rules}) == len(rules)
    assert all(rule["says"].endswith(".") for rule in rules)


@pytest.mark.parametrize(
    ("text", "is_link"),
    [
        ("https://a.org/b?c=d", True),
        ("  http://a.org\n", True),
        ("\twww.a.org ", True),
        ("see https://a.org", False),
        ("https://a.org and more", False),
        ("http://", False),
        ("what is www.a.org", False),
    ],
)
def test_a_text_that_is_one_link_is_told(text: str, is_link: bool) -> None:
    """White space around the link does not count; words do."""
    rows = [{"text": text, "label": "a"}, {"text": "plain words", "label": "a"}]
    found = [finding.row for finding in curate_dataset(rows).findings if finding.rule == "url-only"]

    assert found == ([0] if is_link else [])


@settings(deadline=None)
@given(kinds=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2), st.integers(1, 40)), min_size=1, max_size=20))
def test_values_that_occur_often_are_judged_as_if_each_stood_alone(kinds: list[tuple[int, int, int]]) -> None:
    """How often a value occurs is the same as naming it so often."""
    values, classes, counts = (np.array(column) for column in zip(*kinds, strict=True))

    each = settled_deviations(np.repeat(values, counts), np.repeat(classes, counts), 3.0)

    assert np.repeat(settled_deviations(values, classes, 3.0, counts), counts).tolist() == each.tolist()
