"""Texts to the private data and secrets in them, and to the same texts with typed placeholders.

What is found is never shown: findings carry the type and the place, reports carry the masked text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

Check = Callable[[str], bool]

CREDENTIAL = (
    r"(?i)\b(?:api[_-]?key|secret[_-]?key|access[_-]?token|auth[_-]?token|password|passwd)\b['\"]?\s*[=:]\s*"
    r"['\"]?[A-Za-z0-9_\-/+.!@#$%^&*]{12,}"
)
PHONE = r"(?<![\w.+-])(?:\+\d{1,3}[ .-]?)?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]\d{2,8}){1,4}(?![\w-])"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One span of private data."""

    type: str
    """Such as email or aws-key; the placeholder is its name in capitals."""
    start: int
    end: int
    is_secret: bool
    """A key or token, as against data about a person."""


def luhn_holds(text: str) -> bool:
    """The checksum of card numbers (ISO/IEC 7812).

    >>> luhn_holds("4111 1111 1111 1111"), luhn_holds("4111 1111 1111 1112")
    (True, False)
    """
    digits = [int(character) for character in text if character.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def iban_holds(text: str) -> bool:
    """The checksum of bank accounts (ISO 13616, mod 97).

    >>> iban_holds("DE89 3704 0044 0532 0130 00"), iban_holds("DE88 3704 0044 0532 0130 00")
    (True, False)
    """
    plain = re.sub(r"\s", "", text).upper()
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(character, 36)) for character in plain[4:] + plain[:4])) % 97 == 1


def is_phone(text: str) -> bool:
    """Seven to fifteen digits with the punctuation of a phone number, and no date or version.

    >>> is_phone("+49 30 901820"), is_phone("(555) 123-4567"), is_phone("2024-01-15"), is_phone("123456789")
    (True, True, False, False)
    """
    digits = re.sub(r"\D", "", text)
    if not 7 <= len(digits) <= 15 or re.fullmatch(r"\d{4}[-. ]\d{1,2}[-. ]\d{1,2}|\d{1,2}[-. ]\d{1,2}[-. ]\d{4}", text):
        return False
    return text.startswith("+") or bool(re.fullmatch(r"\(?\d{3}\)?[-. ]\d{3}[-. ]\d{4}", text))


def looks_random(text: str) -> bool:
    """Letters of both cases or digits mixed, as generated keys have them and words do not."""
    value = re.split(r"[=:\s'\"]+", text.strip("'\""))[-1]
    kinds = [any(map(test, value)) for test in (str.isupper, str.islower, str.isdigit)]
    return sum(kinds) >= 2 and len(set(value)) >= 8 and not re.search(r"(?i)example|your|xxxx|1234567890", value)


def always(text: str) -> bool:  # noqa: ARG001
    """The form alone is proof enough."""
    return True


@dataclass(frozen=True, slots=True)
class Pattern:
    """How one type of private data looks."""

    type: str
    is_secret: bool
    hints: tuple[str, ...]
    """One of these stands in the case-folded text of every match (none: anything may match); cheap to look for."""
    needs: str
    """What stands in every match that passes the check, in syntax that RE2 and Python share; cheaper than the form."""
    form: str
    check: Check = always
    reach: tuple[int, int] | None = None
    """Most characters of a match in front of its hint, and from it on, where that spares searching the whole text."""


PATTERNS = (
    Pattern(
        "private-key",
        True,
        ("-----begin",),
        "-----BEGIN",
        r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]+-----|$)",
    ),
    Pattern("aws-key", True, ("akia", "asia"), r"A[KS]IA[0-9A-Z]{16}", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    Pattern(
        "github-token",
        True,
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        r"gh[pousr]_[A-Za-z0-9]{8}|github_pat_",
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})",
    ),
    Pattern("gitlab-token", True, ("glpat-",), "glpat-", r"\bglpat-[A-Za-z0-9_-]{20,}"),
    Pattern("slack-token", True, ("xox",), r"xox[abprs]-", r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    Pattern("google-key", True, ("aiza",), "AIza", r"\bAIza[0-9A-Za-z_-]{35}"),
    Pattern("hub-token", True, ("hf_",), r"hf_[A-Za-z0-9]{8}", r"\bhf_[A-Za-z0-9]{30,}"),
    Pattern(
        "model-api-key",
        True,
        ("sk-",),
        r"sk-[A-Za-z0-9_-]{20}",
        r"\bsk-(?:ant-|proj-|or-)?[A-Za-z0-9_-]{20,}",
        looks_random,
    ),
    Pattern(
        "payment-key",
        True,
        ("k_live_", "k_test_"),
        r"[sr]k_(?:live|test)_",
        r"\b[sr]k_(?:live|test)_[0-9a-zA-Z]{16,}",
    ),
    Pattern(
        "json-web-token",
        True,
        ("eyj",),
        r"eyJ[A-Za-z0-9_-]{8}",
        r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
    ),
    Pattern(
        "credential",
        True,
        ("key", "token", "passw"),
        # Without case, Python takes both dotted and dotless i for i, which RE2 does not.
        "(?i:ap[i\u0130\u0131][_-]?key|secret[_-]?key|access[_-]?token|auth[_-]?token|passw)",
        CREDENTIAL,
        looks_random,
    ),
    Pattern(
        "email",
        False,
        ("@",),
        r"[A-Za-z0-9._%+-]@[A-Za-z0-9-]{1,63}\.",
        r"(?<![\w.%+-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b",
        reach=(64, 1 + 8 * 64 + 24),
    ),
    Pattern(
        "iban",
        False,
        (),
        r"[A-Z]{2}\d{2} ?[A-Z0-9]{4} ?[A-Z0-9]{4}",
        r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b",
        iban_holds,
    ),
    Pattern(
        "card",
        False,
        (),
        r"[3-6]\d{3}[ -]?\d{4}[ -]?\d{2}",
        r"(?<![\w.-])[3-6]\d{3}([ -]?)(?:\d{4}\1\d{4}\1\d{4}|\d{6}\1\d{5})(?![\w-])",
        luhn_holds,
    ),
    Pattern("phone", False, ("+",), r"\+\d{8}", r"(?<![\w.+-])\+\d{8,15}(?!\w)", is_phone),
    Pattern(
        "phone",
        False,
        (),
        r"\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}[ .-]\d{2}|\d{3}\)?[ .-]\d{3}[ .-]\d{4}",
        PHONE,
        is_phone,
    ),
)
"""In the order in which they win where two overlap."""

LIKELY = "|".join(pattern.needs for pattern in PATTERNS).replace(r"\d", r"\p{Nd}")
"""RE2 pattern that matches wherever any of PATTERNS does; a digit of any script is one, as Python has it."""

_NEEDED = [re.compile(pattern.needs) for pattern in PATTERNS]
_FORMS = [re.compile(pattern.form) for pattern in PATTERNS]


def find_private(text: str) -> list[Found]:
    """Private data and secrets of a text, by place; where two overlap, the earlier row of PATTERNS wins."""
    folded = text.casefold()
    hinted = (not pattern.hints or any(hint in folded for hint in pattern.hints) for pattern in PATTERNS)
    return search_patterns(text, [at for at, likely in enumerate(hinted) if likely and _NEEDED[at].search(text)])


def search_patterns(text: str, places: Iterable[int]) -> list[Found]:
    """What the patterns at these places of PATTERNS find in a text, by place in the text."""
    found: list[Found] = []
    for at in places:
        pattern = PATTERNS[at]
        for match in _matches(pattern, _FORMS[at], text):
            free = all(match.end() <= other.start or match.start() >= other.end for other in found)
            if free and pattern.check(match[0]):
                span = Found(type=pattern.type, start=match.start(), end=match.end(), is_secret=pattern.is_secret)
                found.append(span)
    return sorted(found, key=lambda span: span.start)


def _matches(pattern: Pattern, form: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """All matches in turn, as `finditer` gives them."""
    if pattern.reach is None:
        yield from form.finditer(text)
        return
    hint, end = text.find(pattern.hints[0]), 0
    while hint >= 0:
        # One character more than a match can have, so that the end of the window is not taken for that of a word.
        match = form.search(text, max(end, hint - pattern.reach[0]), hint + pattern.reach[1] + 1)
        if match is not None and match.start() < hint:
            yield match
            end = match.end()
        else:  # a match further on may go beyond the window
            end = hint + 1
        hint = text.find(pattern.hints[0], end)


def mask(text: str) -> str:
    """The text with a typed placeholder for every span of private data.

    >>> mask("Write to jo@example.org or +49 30 901820.")
    'Write to [EMAIL] or [PHONE].'
    """
    return mask_spans(text, find_private(text))


def mask_spans(text: str, spans: Iterable[Found]) -> str:
    """The text with typed placeholders for the spans, which are in the order of their places."""
    parts, end = [], 0
    for span in spans:
        parts += [text[end : span.start], f"[{span.type.upper().replace('-', '_')}]"]
        end = span.end
    return "".join([*parts, text[end:]])
