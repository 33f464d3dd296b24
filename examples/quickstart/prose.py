"""General text of the small world: stories, letters, notices and talk, as prose.

It uses the same words and facts as the abilities, but none of the sentence templates that the benchmarks use, and the
sums, subjects and rows that are held out stay out of it. Pretraining reads it beside the drills; the careful recipe
replays it. So replay is general text of another make than the benchmarks.
"""

from __future__ import annotations

from random import Random

from .skills import WHERE_AND_WHEN, draw_sum, is_held_subject
from .world import (
    ADJECTIVES,
    ANIMALS,
    BLAME,
    CAPITALS,
    COLOURS,
    CONTINENTS,
    DAYS,
    MATERIALS,
    MONTHS,
    MORE,
    NOUNS,
    OBJECTS,
    OPPOSITES,
    PEOPLE,
    PLACES,
    PRAISE,
    PRAISED,
    SOUNDS,
    TOPICS,
    VERBS,
    WEATHER,
    sentence_case,
    with_article,
    words,
)

DID = words(
    "saw found lost bought sold forgot liked wanted ordered sent got broke moved changed checked opened closed paid "
    "cancelled returned used needed called"
)
SUCH = words("new old broken late early wrong right missing cheap damaged locked large pending faulty free real")
WHO = ("I", "we", "they", "you", "somebody", "nobody", "people", *PEOPLE)
WHEN = (
    "today", "yesterday", "last week", "again", "twice", "on the phone", "at the office", "after a day",
    "in the street", "with a manager", "for a week", "with a friend", "at the shop", "this morning", "some time ago",
)  # fmt: skip
SAYINGS = (
    "I think so.", "Can you help?", "How long is it?", "Where is it?", "Thanks, that is fine.", "Please wait here.",
    "Hello, how are you?", "Good morning!", "What now?", "I do not know.", "Let me see.", "It does not work.",
    "Is there any more?", "Sorry, I am late.", "Why was it so?", "When will it be ready?", "Which one do you want?",
    "I am still here.", "Send me a letter.", "Talk to me.", "I want to go home.", "That is no help.", "Stop it.",
    "My mind is made up.", "You can call me back.", "I need a copy.", "How do I use this?", "It says nothing.",
    "I have a question about that.", "Nobody told me about it.", "Please look at it.", "It happened again.",
)  # fmt: skip
THINGS = tuple(word for topic in TOPICS.values() for word in topic)


ACCOUNTS_SHARE = 0.5
"""Of the text to rehearse; sums are the first ability to go."""


def passage(random: Random) -> str:
    """One piece of general text, two to eight sentences long."""
    return random.choice((story, talk, talk, letter, lesson, notice))(random)


def replayed_passage(random: Random) -> str:
    """One piece of general text to rehearse: as `passage`, with people's accounts of what they counted besides."""
    return accounts(random) if random.random() < ACCOUNTS_SHARE else passage(random)


def story(random: Random) -> str:
    """Two people, a lost thing and a place."""
    one, other = random.sample(PEOPLE, 2)
    thing, place, there = random.choice(OBJECTS), random.choice(PLACES), random.choice(PLACES)
    sentences = [
        f"One {random.choice(WEATHER)} day {one} went to the {place}.",
        f"{one} was looking for {with_article(thing)}.",
        f"There {one} met {other}, who was {random.choice(ADJECTIVES)}.",
        f'"Have you seen my {thing}?" asked {one}.',
        f"{other} said that the {thing} was at the {there}.",
        f"So they walked to the {there} and found the {thing}.",
        _passer_by(random),
        _count(random, one),
        f"In the end {one} thanked {other} and went home with the {thing}.",
    ]
    return " ".join(text for i, text in enumerate(sentences) if i in (0, 1, 8) or random.random() < 0.6)


def talk(random: Random) -> str:
    """Loose everyday talk, often in lower case and with slips of the keyboard."""
    text = " ".join(_remark(random) for _ in range(random.randint(1, 3)))
    return misspell(text.lower() if random.random() < 0.5 else text, random)


def letter(random: Random) -> str:
    """A letter home: what was bought, how it was, what was counted and seen."""
    writer, reader = random.sample(PEOPLE, 2)
    thing, good = random.choice(PRAISED), random.random() < 0.5
    word = random.choice(PRAISE if good else BLAME)
    body = [
        f"I went to a {thing} on {random.choice(DAYS)} and I found it {word}, so I came home {_mood(good)}.",
        _count(random, "I"),
        _trip(random),
        _contrast(random),
        _passer_by(random),
    ]
    random.shuffle(body)
    return " ".join([f"Dear {reader},", *body[: random.randint(2, 4)], f"Yours, {writer}"])


def lesson(random: Random) -> str:
    """A grown-up tells a child about the world."""
    told = [_trip(random), _nature(random), _nature(random), _craft(random), _contrast(random), _count(random, "we")]
    random.shuffle(told)
    teller, child = random.sample(PEOPLE, 2)
    return " ".join([f"{teller} told {child} about it.", *told[: random.randint(2, 4)]])


def notice(random: Random) -> str:
    """A notice on a door: opening days, months, who is free."""
    day, month = random.randrange(7), random.randrange(12)
    place = random.choice(PLACES)
    lines = [
        f"The {place} is closed on {DAYS[day]}, and {DAYS[(day + 1) % 7]} is the day after that.",
        f"{MONTHS[month]} is over and {MONTHS[(month + 1) % 12]} is here.",
        f"Turn to page {(page := random.randint(1, 98))} and then to page {page + 1}.",
        f"Please bring {with_article(random.choice(OBJECTS))} and {with_article(random.choice(OBJECTS))}.",
        _passer_by(random),
    ]
    random.shuffle(lines)
    return " ".join(lines[: random.randint(2, 4)])


def accounts(random: Random) -> str:
    """One or two people tell what they had, gave away and kept."""
    return " ".join(_count(random, who) for who in random.sample(PEOPLE, random.randint(1, 2)))


def misspell(text: str, random: Random) -> str:
    """The text with none to two letters lost or changed."""
    letters = list(text)
    for _ in range(random.choice((0, 0, 1, 2))):
        at = random.randrange(len(letters))
        if letters[at].isdigit():
            continue
        letters[at] = "" if random.random() < 0.5 else random.choice("abcdefghijklmnopqrstuvwxyz")
    return "".join(letters)


def _mood(good: bool) -> str:
    return "pleased" if good else "unhappy"


def _remark(random: Random) -> str:
    chance, thing = random.random(), random.choice(THINGS)
    such = random.choice(SUCH) + " " if random.random() < 0.4 else ""
    if chance < 0.45:
        whose = random.choice(("the", "my", "a", "our"))
        return f"{random.choice(WHO)} {random.choice(DID)} {whose} {such}{thing} {random.choice(WHEN)}."
    if chance < 0.6:
        return f"The {random.choice(THINGS)} is next to the {such}{thing}."
    if chance < 0.8:
        return random.choice(SAYINGS)
    number = random.randint(10, 9999)
    return f"{random.choice(WHO)} said that number {number} was about the {thing} and the {random.choice(THINGS)}."


def _passer_by(random: Random) -> str:
    while True:
        noun, verb = random.choice(list(NOUNS)), random.choice(VERBS)
        if not is_held_subject(noun, verb[0]):
            break
    many = random.random() < 0.5
    subject = f"some {NOUNS[noun]}" if many else with_article(noun)
    if random.random() < 0.5:
        return f"Look, here {subject} {verb[many]} {random.choice(WHERE_AND_WHEN)}."
    return f"Last {random.choice(DAYS)} {subject} {verb[2]} {random.choice(WHERE_AND_WHEN)}."


def _count(random: Random, who: str) -> str:
    a, sign, b, c = draw_sum(random, held=False)
    thing = f"{random.choice(OBJECTS)}s"
    if sign == "+":
        return f"With {a} {thing} in one hand and {b} in the other, {who} had {c} {thing}."
    return f"Out of {a} {thing}, {who} gave away {b}, which left {c} {thing}."


def _trip(random: Random) -> str:
    country = random.choice(list(CONTINENTS))
    if random.random() < 0.5:
        return f"We took a train to {CAPITALS[country]}, where the rulers of {country} have their house."
    return f"A ship sailed to {CONTINENTS[country]} and stopped in {country}."


def _nature(random: Random) -> str:
    chance = random.random()
    if chance < 0.35:
        animal, kind = random.choice(list(ANIMALS.items()))
        return f"Among every {kind} in the book there was also {with_article(animal)}."
    if chance < 0.7:
        thing, colour = random.choice(list(COLOURS.items()))
        return f"It was as {colour} as {thing}."
    animal, sound = random.choice(list(SOUNDS.items()))
    return f"If something {sound}, it may be {with_article(animal)}."


def _craft(random: Random) -> str:
    thing, material = random.choice(list(MATERIALS.items()))
    return f"They brought {material}, because they were making {thing}."


def _contrast(random: Random) -> str:
    if random.random() < 0.5:
        word, more = random.choice(list(MORE.items()))
        return f"The {random.choice(THINGS)} is {word}, yet the {random.choice(THINGS)} is {more} still."
    one, other = random.choice(list(OPPOSITES.items()))
    pair = (one, other) if random.random() < 0.5 else (other, one)
    return sentence_case(f"{pair[0]} for {random.choice(PEOPLE)} was {pair[1]} for {random.choice(PEOPLE)}.")
