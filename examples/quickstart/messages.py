"""The narrow task: support-desk messages and the intent of each, as customers would type them.

A message is a sentence frame around a key phrase, with small talk before or after it. The key phrase decides the
intent. Test messages use frames and small talk that no training message uses, so the test asks for more than
remembering templates; every key phrase of the test does occur in training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from .prose import misspell
from .world import words

INTENTS: Mapping[str, tuple[str, ...]] = {
    "refund": (
        "my money back for the {product}",
        "a refund for order {number}",
        "the refund you promised me",
        "being paid back for the {product}",
        "the money you still owe me",
        "a return and refund of the {product}",
    ),
    "delivery": (
        "the parcel that has not arrived",
        "the courier who never came",
        "tracking of order {number} that does not move",
        "the late delivery of my {product}",
        "how long shipping to {city} takes",
        "a {product} that is still on its way",
    ),
    "cancel": (
        "how to cancel order {number}",
        "stopping the order before it ships",
        "calling off my order of a {product}",
        "an order that I do not want any more",
        "changing my mind about the {product}",
        "the {product} that I ordered twice, cancel one",
    ),
    "login": (
        "a password that I forgot",
        "the reset link that does not work",
        "my account that is locked",
        "signing in on my {device}",
        "the app that keeps logging me out",
        "the screen that says wrong password",
    ),
    "payment": (
        "my card that was declined",
        "paying with {method}",
        "the payment that failed twice",
        "which cards you accept",
        "adding a new card",
        "my {method} payment that is pending",
    ),
    "damaged": (
        "the {product} that arrived broken",
        "a crack in my {product}",
        "a scratch on the {product}",
        "the crushed box and the damaged {product}",
        "a {product} that came in pieces",
        "the faulty {product}",
    ),
    "address": (
        "my new delivery address",
        "moving to {city} and my new address",
        "the wrong street on order {number}",
        "the wrong postcode on my order",
        "sending it to my office in {city}",
        "delivering to my new house",
    ),
    "invoice": (
        "an invoice for order {number}",
        "the receipt for my {product}",
        "a copy of the invoice",
        "the tax number on my bill",
        "a bill for my company",
        "a mistake on the receipt",
    ),
    "discount": (
        "the promo code for the {product}",
        "a student discount",
        "the coupon that was not applied",
        "how to use a voucher",
        "a cheaper price for the {product}",
        "the sale on the {product}",
    ),
    "human": (
        "talking to a real person",
        "a call with your manager",
        "speaking to an agent",
        "a phone number that I can call",
        "somebody human who calls me back",
        "this bot that is no help",
    ),
}
"""Intent → its key phrases."""

WRITERS = ("I", "we", "people", "my {relative} and I", "some of us", "they")
DOINGS = (
    "want to hear about",
    "must talk about",
    "asked about",
    "called because of",
    "worry about",
    "still think of",
    "complain of",
    "wonder about",
    "cannot sleep for",
    "would like",
    "were told of",
    "care for",
)
TRAIN_FRAMES = (
    *(f"{who} {do} {{key}}" for who in WRITERS for do in DOINGS),
    "I am writing about {key}",
    "I have a question about {key}",
    "can you help me with {key}",
    "this is about {key}",
    "I need to know more about {key}",
    "please check {key} for me",
    "I wait for news about {key}",
    "nobody answered me about {key}",
    "what can you do about {key}",
    "we talked about {key} before",
    "my friend told me to ask about {key}",
    "I want to hear from you on {key}",
    "{key} is why I write",
    "let me ask you about {key}",
    "do you know anything of {key}",
    "please explain {key} to me",
    "it concerns {key}",
    "sorry to bother you with {key}",
    "I am tired of {key}",
    "we have to discuss {key}",
    "there is one thing: {key}",
    "I would like to talk about {key}",
    "{key}, that is all I ask",
    "here is my request, {key}",
    "what I mean is {key}",
    "all I want to say is {key}",
    "once more {key}",
    "{key} keeps me busy",
    "{key} and nothing else",
    "think of {key}",
    "so it was {key}",
    "hear me out, {key}",
    "{key} has to be seen to",
    "do something, {key}",
    "could you look into {key}",
    "who knows about {key}",
    "is there anything new with {key}",
    "the problem is {key}",
    "this is {key} once again",
    "I am in trouble with {key}",
)
TEST_FRAMES = (
    "it is {key} again",
    "my problem is {key}",
    "is there any news on {key}",
    "could somebody look at {key}",
    "I have some trouble with {key}",
    "who can tell me something about {key}",
)

TRAIN_TALK = (
    "hello, how are you today",
    "I bought a {product} for my {relative} {when}",
    "my order has the number {number}",
    "I have been your customer for {years} years",
    "I called {when} and waited for {years} hours",
    "my {relative} in {city} is not happy",
    "I saw your shop in {city} {when}",
    "sorry, my {device} is slow",
    "the {product} is for a party in {city}",
    "it is the same every {day}",
    "my name is {person} and I live in {city}",
    "{person} at the office told me to write",
    "I will be at home on {day}",
    "we use the {product} and the {product} every {day}",
    "thanks for your time",
    "this is my second message",
    "I found your shop through {person}",
    "it rains in {city} today",
    "my {device} was new {when}",
    "I am at work until {day}",
    "the {product} stands in the kitchen",
    "there are {years} of us at home",
    "my customer number is {number}",
    "thank you from {city}",
    "{person} sent me the {product} {when}",
    "my {relative} has to have it by {day}",
    "I mailed you {when} with my {device}",
    "this takes {years} weeks already",
    "{years} months ago we got a {product} and a {product}",
    "{person} and I are in {city} now",
)
TEST_TALK = (
    "good morning from {city}",
    "{person} gave me this {product} {when}",
    "I wrote to you {when} from my {device}",
    "my {relative} needs it on {day}",
    "you can see it under {number}",
    "I think that {years} days are too many",
    "last year I had a {product} and a {product}",
    "we are going to {city} with {person}",
)

SLOTS: Mapping[str, Sequence[str]] = {
    "product": words(
        "kettle blender jacket phone laptop chair lamp watch camera headset backpack mixer toaster tent bike sofa desk "
        "mirror"
    ),
    "city": words("Leeds Boston Lyon Porto Munich Oslo Dublin Austin Rome Paris"),
    "method": ("paypal", "visa", "mastercard", "a gift card"),
    "device": words("phone tablet laptop browser"),
    "relative": words("mother father sister brother friend neighbour boss aunt"),
    "when": ("yesterday", "last week", "this morning", "two days ago", "last month", "some time ago"),
    "day": words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday"),
    "person": words("Tom Ann Sam Eva Max Lily Ben Kate Leo Mia Jack Rose"),
    "years": words("two three four five six seven"),
}


def message(random: Random, intent: str, *, test: bool = False) -> str:
    """One message with the given intent, in the training or in the held-out wording."""
    frames, talk = (TEST_FRAMES, TEST_TALK) if test else (TRAIN_FRAMES, TRAIN_TALK)
    core = random.choice(frames).replace("{key}", random.choice(INTENTS[intent]))
    beside = random.choice(talk)
    parts = random.choice(([beside, core], [core, beside]))
    text = ". ".join(_fill(part, random) for part in parts) + random.choice(("", ".", "!", "?"))
    text = text.lower() if random.random() < 0.5 else text
    return misspell(text, random) if random.random() < 0.5 else text


def _fill(text: str, random: Random) -> str:
    for name, values in SLOTS.items():
        while f"{{{name}}}" in text:
            text = text.replace(f"{{{name}}}", random.choice(values), 1)
    return text.replace("{number}", str(random.randint(1000, 9999)))
