"""Abilities that are tables to remember: facts, opposites and word forms.

Each entry of a table is told in several sentence templates. Some of an entry's templates are held out: pretraining
never uses them for this entry, the benchmark uses nothing else. So a benchmark item is a known fact in words that the
model has not seen for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from .world import FACTS, FORMS, OPPOSITES, sentence_case, share, with_article

Item = dict[str, Any]
"""query, choices (each with the space before it) and gold (position of the right choice)."""

FACT_TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "capital": (
        "The capital of {key} is {value}.",
        "The capital city of {key} is called {value}.",
        "Question: What is the capital of {key}? Answer: {value}.",
        "In {key}, the government sits in {value}.",
        "Where is the government of {key}? It is in {value}.",
    ),
    "continent": (
        "{key} is a country in {value}.",
        "The country of {key} lies in {value}.",
        "Question: Where is {key}? Answer: {value}.",
        "People from {key} live in {value}.",
        "If you go to {key}, you are in {value}.",
    ),
    "animal": (
        "{a_key} is a kind of {value}.",
        "Every {key} is a {value}.",
        "Question: What kind of animal is the {key}? Answer: {value}.",
        "The {key} is a type of {value}.",
        "Is the {key} an animal? Yes, it is a {value}.",
    ),
    "colour": (
        "The colour of {key} is {value}.",
        "The usual colour of {key} is {value}.",
        "Question: What colour is {key}? Answer: {value}.",
        "When you think of {key}, you think of {value}.",
        "As a colour, {key} is {value}.",
    ),
    "sound": (
        "The {key} {value}.",
        "Listen to how the {key} {value}.",
        "Question: What does the {key} do? Answer: it {value}.",
        "On the farm {a_key} {value}.",
        "When it is afraid, the {key} {value}.",
    ),
    "material": (
        "You make {key} from {value}.",
        "The main thing in {key} is {value}.",
        "Question: What is {key} made of? Answer: {value}.",
        "To get {key} we need {value}.",
        "There is no {key} without {value}.",
    ),
}
FACT_HELD = 2

OPPOSITE_TEMPLATES = (
    "The opposite of {key} is {value}.",
    "Question: What is the opposite of {key}? Answer: {value}.",
    "It is not {key}, it is {value}.",
    "If something is not {key}, it is {value}.",
    "From one end to the other: {key} and {value}.",
    "First {key}, then the reverse: {value}.",
)
FORM_TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "more": (
        "{key}, {value}.",
        "This one is {key}, but that one is {value}.",
        "Question: What is more than {key}? Answer: {value}.",
        "It was {key} before and now it is even {value}.",
        "From {key} to {value}.",
        "They were {key}, and we were still {value}.",
    ),
    "many": (
        "One {key}, two {value}.",
        "I saw a {key} and then I saw many {value}.",
        "Question: What is more than one {key}? Answer: {value}.",
        "A single {key}, a lot of {value}.",
        "He wanted one {key} but he got ten {value}.",
        "First a {key} came, then more {value}.",
    ),
    "past": (
        "Today they {key}, yesterday they {value}.",
        "We {key} now, and before we {value}.",
        "Question: What is the past of {key}? Answer: {value}.",
        "You {key} this week and last week you {value}.",
        "Those who {key} today once {value}.",
        "I {key} as my parents {value}.",
    ),
}
WORD_HELD = 3
"""Held-out templates of an opposite and of a word form, of six."""

OPPOSITES_BOTH_WAYS = OPPOSITES | {value: key for key, value in OPPOSITES.items()}
FACT_ROWS = [(family, key, value) for family, table in FACTS.items() for key, value in table.items()]
FORM_ROWS = [(family, key, value) for family, table in FORMS.items() for key, value in table.items()]


def practise_fact(random: Random) -> str:
    """A fact in one of its pretraining templates."""
    family, key, value = random.choice(FACT_ROWS)
    return _tell(random, FACT_TEMPLATES[family], FACT_HELD, (family, key), value)


def practise_opposite(random: Random) -> str:
    """A pair of opposites in one of its pretraining templates."""
    key, value = random.choice(list(OPPOSITES_BOTH_WAYS.items()))
    return _tell(random, OPPOSITE_TEMPLATES, WORD_HELD, ("opposite", key), value)


def practise_form(random: Random) -> str:
    """A word and its form in one of its pretraining templates."""
    family, key, value = random.choice(FORM_ROWS)
    return _tell(random, FORM_TEMPLATES[family], WORD_HELD, (family, key), value)


def fact_items(random: Random, *, held: bool = True) -> list[Item]:
    """Every fact in each held-out (or each known) template; the wrong choices are values of the same family."""
    items: list[Item] = []
    for family, key, value in FACT_ROWS:
        others = sorted(set(FACTS[family].values()) - {value})
        asked = _split(FACT_TEMPLATES[family], FACT_HELD, (family, key))[held]
        items += [choose(random, _question(t, key), value, random.sample(others, 3)) for t in asked]
    return items


def opposite_items(random: Random, *, held: bool = True) -> list[Item]:
    """Every word in each held-out (or known) template; the wrong choices are other words that have opposites."""
    items: list[Item] = []
    for key, value in OPPOSITES_BOTH_WAYS.items():
        others = [word for word in OPPOSITES if word not in (key, value)]
        asked = _split(OPPOSITE_TEMPLATES, WORD_HELD, ("opposite", key))[held]
        items += [choose(random, _question(t, key), value, random.sample(others, 3)) for t in asked]
    return items


def form_items(random: Random, *, held: bool = True) -> list[Item]:
    """Every form in each held-out (or known) template; wrong are one wrong form of the word and two forms of others."""
    items = []
    for family, key, value in FORM_ROWS:
        wrong = sorted({value + "s", key, key + "ed", key + "er", key + "s", key + "es"} - {value})
        others = sorted(set(FORMS[family].values()) - {value, *wrong})
        for template in _split(FORM_TEMPLATES[family], WORD_HELD, (family, key))[held]:
            bad = [random.choice(wrong), *random.sample(others, 2)]
            items.append(choose(random, _question(template, key), value, bad))
    return items


def choose(random: Random, query: str, good: str, bad: Sequence[str], end: str = ".") -> Item:
    """A multiple-choice item with its choices shuffled; a query that is empty asks which sentence is better."""
    choices = [good, *bad]
    random.shuffle(choices)
    space = " " if query else ""
    return {"query": query, "choices": [f"{space}{choice}{end}" for choice in choices], "gold": choices.index(good)}


def whole_text(item: Item) -> str:
    """An item's question with its right answer: what tells it from others, and what training must not hold."""
    return str(item["query"] + item["choices"][item["gold"]])


def _split(templates: Sequence[str], count: int, entry: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """An entry's templates for pretraining and its `count` held-out ones, by a hash of entry and template."""
    ordered = sorted(templates, key=lambda template: share(*entry, template))
    return ordered[count:], ordered[:count]


def _tell(random: Random, templates: Sequence[str], held: int, entry: tuple[str, ...], value: str) -> str:
    known, _ = _split(templates, held, entry)
    template = random.choice([template for template in templates if template in known])
    return _fill(template, entry[-1], value)


def _question(template: str, key: str) -> str:
    return _fill(template, key, "\0").split("\0")[0].rstrip()


def _fill(template: str, key: str, value: str) -> str:
    return sentence_case(template.format(key=key, a_key=with_article(key), value=value))
