"""Abilities that are rules to apply: arithmetic, agreement, order, sentiment, copying and topics.

A hash of an input's key decides once whether it is held out: pretraining never sees a held-out input, the benchmark
sees nothing else. So a benchmark item is a new input to a known rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from .knowledge import Item, choose, whole_text
from .world import (
    ADJECTIVES,
    BLAME,
    DAYS,
    LETTERS,
    MONTHS,
    NOUNS,
    OBJECTS,
    OPPOSITES,
    PRAISE,
    PRAISED,
    TOPICS,
    VERBS,
    sentence_case,
    share,
)

HELD_SHARE = 0.15
LARGEST_NUMBER = 20
PATIENCE = 5_000
"""Draws in a row without a new question after which a rule counts as exhausted."""

SUM_TEMPLATES = (
    "{a} {sign} {b} = {c}.",
    "Question: What is {a} {word} {b}? Answer: {c}.",
    "{a} {word} {b} is {c}.",
)
WHERE_AND_WHEN = ("every day", "in the garden", "at home", "in the morning", "by the river", "after school")
BESIDE = ("near the", "behind the", "next to the", "with the")


def is_held_sum(a: int, b: int) -> bool:
    """Whether the number family of a + b = c is held out: both orders of the sum and both subtractions with it."""
    return share("sum", min(a, b), max(a, b)) < HELD_SHARE


def draw_sum(random: Random, held: bool) -> tuple[int, str, int, int]:
    """Two numbers up to 20 with their sign and result; a difference a - b belongs to the family of b + (a - b)."""
    while True:
        a, b = random.randint(0, LARGEST_NUMBER), random.randint(0, LARGEST_NUMBER)
        if is_held_sum(a, b) == held:
            return (a, "+", b, a + b) if random.random() < 0.5 else (a + b, "-", b, a)


def practise_sum(random: Random) -> str:
    """A sum or difference with its result."""
    return _sum(random.choice(SUM_TEMPLATES), *draw_sum(random, held=False))


def sum_item(random: Random) -> Item:
    """A held-out sum; the wrong choices are off by 1, 2, 3 or 10."""
    a, sign, b, c = draw_sum(random, held=True)
    query = _sum(random.choice(SUM_TEMPLATES), a, sign, b, "\0").split("\0")[0].rstrip()
    near = [str(c + off) for off in (-10, -3, -2, -1, 1, 2, 3, 10) if c + off >= 0]
    return choose(random, query, str(c), random.sample(near, 3))


def _sum(template: str, a: int, sign: str, b: int, c: int | str) -> str:
    return template.format(a=a, sign=sign, b=b, c=c, word={"+": "plus", "-": "minus"}[sign])


def is_held_subject(noun: str, said: str) -> bool:
    """Whether a noun with what is said of it (a verb's first form or an adjective) is held out."""
    return share("agreement", noun, said) < HELD_SHARE


def practise_agreement(random: Random) -> str:
    """A sentence whose verb agrees with its subject."""
    return _agreement(random, held=False)[0]


def agreement_item(random: Random) -> Item:
    """Two sentences that differ in one word, one of them wrong."""
    good, bad = _agreement(random, held=True)
    return choose(random, "", good, [bad], end="")


def _agreement(random: Random, held: bool) -> tuple[str, str]:
    """A right and a wrong sentence."""
    while True:
        noun, verb, state = random.choice(list(NOUNS)), random.choice(VERBS), random.choice(ADJECTIVES)
        kind = random.choice(("simple", "attractor", "determiner", "tense", "be"))
        if is_held_subject(noun, state if kind == "be" else verb[0]) == held:
            break
    many = random.random() < 0.5
    subject, does, wrong = (NOUNS[noun] if many else noun), verb[many], verb[not many]
    adjective = random.choice(ADJECTIVES) + " " if random.random() < 0.4 else ""
    rest = random.choice(WHERE_AND_WHEN)
    if kind == "be":
        beside = f" {_beside(random)}" if random.random() < 0.5 else ""
        forms = ("is", "are")
        return f"The {subject}{beside} {forms[many]} {state}.", f"The {subject}{beside} {forms[not many]} {state}."
    if kind == "determiner":
        these = random.choice((("This", "These"), ("That", "Those")))
        end = f"{adjective}{subject} {does} {rest}."
        return f"{these[many]} {end}", f"{these[not many]} {end}"
    if kind == "tense":
        past, future = f"the {adjective}{subject} {verb[2]} {rest}.", f"the {adjective}{subject} will {verb[1]} {rest}."
        return random.choice(((f"Yesterday {past}", f"Yesterday {future}"), (f"Tomorrow {future}", f"Tomorrow {past}")))
    beside = f" {_beside(random)}" if kind == "attractor" else ""
    start = f"The {adjective}{subject}{beside}"
    return f"{start} {does} {rest}.", f"{start} {wrong} {rest}."


def _beside(random: Random) -> str:
    noun = random.choice(list(NOUNS))
    return f"{random.choice(BESIDE)} {random.choice((noun, NOUNS[noun]))}"


def _draw_order(random: Random, held: bool) -> tuple[list[str], list[str]]:
    """A row of three to five members and what might be taken for its last; kind, start and step decide the hold-out."""
    while True:
        kind = random.choice(("days", "days back", "months", "letters", "up", "down", "steps"))
        length = random.randint(3, 5)
        named = {"days": DAYS, "days back": DAYS[::-1], "months": MONTHS, "letters": LETTERS}.get(kind)
        step = {"down": -1, "steps": random.choice((2, 5, 10))}.get(kind, 1)
        start = random.randrange(len(named)) if named else random.randint(0, 40)
        end = start + step * (length - 1)
        largest = len(LETTERS) - 1 if kind == "letters" else 99
        if kind not in ("days", "days back", "months") and not 0 <= end <= largest:
            continue
        if (share("order", kind, start, step) < HELD_SHARE) == held:
            break
    if named:
        row = [named[(start + i) % len(named)] for i in range(length)]
        return row, [word for word in named if word != row[-1]]
    row = [str(start + step * i) for i in range(length)]
    return row, [str(end + off) for off in (-3, -2, -1, 1, 2, 3, 5, 10) if 0 <= end + off <= 99]


def practise_order(random: Random) -> str:
    """Days, months, letters or numbers in order."""
    return f"Next in line: {', '.join(_draw_order(random, held=False)[0])}."


def order_item(random: Random) -> Item:
    """What comes next in a held-out row."""
    row, others = _draw_order(random, held=True)
    return choose(random, f"Next in line: {', '.join(row[:-1])},", row[-1], random.sample(others, 3))


def _opinion(random: Random) -> tuple[str, bool, tuple[str, str]]:
    thing, good = random.choice(PRAISED), random.random() < 0.5
    word = random.choice(PRAISE if good else BLAME)
    if random.random() < 0.3:
        return f"the {thing} was not {word}", not good, (thing, word)
    return f"the {thing} was {random.choice(('', 'very ', 'really ', 'so '))}{word}", good, (thing, word)


def draw_review(random: Random, held: bool) -> tuple[str, bool]:
    """One or two opinions of one mind, and whether they are good; any held-out pair holds the review out."""
    while True:
        text, good, pair = _opinion(random)
        pairs = [pair]
        if random.random() < 0.4:
            more, same, pair = _opinion(random)
            if same != good:
                continue
            text, pairs = f"{text} and {more}", [*pairs, pair]
        if any(share("sentiment", *pair) < HELD_SHARE for pair in pairs) == held:
            return text, good


def practise_sentiment(random: Random) -> str:
    """A review and whether its writer was pleased."""
    text, good = draw_review(random, held=False)
    return f"Review: {sentence_case(text)}. This person was {'pleased' if good else 'unhappy'}."


def sentiment_item(random: Random) -> Item:
    """Whether the writer of a held-out review was pleased."""
    text, good = draw_review(random, held=True)
    query = f"Review: {sentence_case(text)}. This person was"
    return {"query": query, "choices": [" pleased.", " unhappy."], "gold": 0 if good else 1}


COPIED = (*OBJECTS, *list(OPPOSITES)[:40])


def _draw_words(random: Random, held: bool) -> list[str]:
    while True:
        words = random.sample(COPIED, random.randint(3, 5))
        if (share("copy", *words) < HELD_SHARE) == held:
            return words


def practise_copy(random: Random) -> str:
    """A list of words, or of letters without sense, said twice."""
    if random.random() < 0.6:
        words = _draw_words(random, held=False)
    else:
        words = ["".join(random.choices(LETTERS, k=random.randint(2, 5))).lower() for _ in range(random.randint(2, 3))]
    return f"Say it again: {' '.join(words)}. Again: {' '.join(words)}."


def copy_item(random: Random) -> Item:
    """The next word of a held-out list that is being said again."""
    words = _draw_words(random, held=True)
    said = random.randint(1, len(words) - 1)
    others = [word for word in words if word != words[said]][:2]
    others.append(random.choice([word for word in OBJECTS if word not in words]))
    return choose(random, f"Say it again: {' '.join(words)}. Again: {' '.join(words[:said])}", words[said], others, "")


def _draw_topic(random: Random, held: bool) -> tuple[list[str], str]:
    while True:
        topic = random.choice(list(TOPICS))
        words = random.sample(TOPICS[topic], random.randint(2, 4))
        if (share("topic", *sorted(words)) < HELD_SHARE) == held:
            return words, topic


def practise_topic(random: Random) -> str:
    """A few words and the topic that they share."""
    words, topic = _draw_topic(random, held=False)
    return f"Words: {', '.join(words)}. Topic: {topic}."


def topic_item(random: Random) -> Item:
    """The topic of a held-out set of words."""
    words, topic = _draw_topic(random, held=True)
    others = [other for other in TOPICS if other != topic]
    return choose(random, f"Words: {', '.join(words)}. Topic:", topic, random.sample(others, 3))


def distinct(draw: Callable[[Random], Item], random: Random) -> Iterator[Item]:
    """Items, no question twice, until new ones hardly come."""
    seen: set[str] = set()
    misses = 0
    while misses < PATIENCE:
        item = draw(random)
        misses = misses + 1 if whole_text(item) in seen else 0
        if not misses:
            seen.add(whole_text(item))
            yield item
