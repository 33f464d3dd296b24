"""Texts to the private data and secrets in them, and to the same texts with typed placeholders.

What is found is never shown: findings carry the type and the place, reports carry the masked text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
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
    """One of these stands in every match (none: anything may match), which spares most texts the search."""
    form: str
    check: Check = always

    @property
    def compiled(self) -> re.Pattern[str]:
        """The form, compiled once by `re`'s own cache."""
        return re.compile(self.form)


PATTERNS = (
    Pattern(
        "private-key",
        True,
        ("-----BEGIN",),
        r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]+-----|$)",
    ),
    Pattern("aws-key", True, ("AKIA", "ASIA"), r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    Pattern(
        "github-token", True, ("gh", "github_pat_"), r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})"
    ),
    Pattern("gitlab-token", True, ("glpat-",), r"\bglpat-[A-Za-z0-9_-]{20,}"),
    Pattern("slack-token", True, ("xox",), r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    Pattern("google-key", True, ("AIza",), r"\bAIza[0-9A-Za-z_-]{35}"),
    Pattern("hub-token", True, ("hf_",), r"\bhf_[A-Za-z0-9]{30,}"),
    Pattern("model-api-key", True, ("sk-",), r"\bsk-(?:ant-|proj-|or-)?[A-Za-z0-9_-]{20,}", looks_random),
    Pattern("payment-key", True, ("_live_", "_test_"), r"\b[sr]k_(?:live|test)_[0-9a-zA-Z]{16,}"),
    Pattern("json-web-token", True, ("eyJ",), r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    Pattern("credential", True, ("=", ":"), CREDENTIAL, looks_random),
    Pattern(
        "email", False, ("@",), r"(?<![\w.%+-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b"
    ),
    Pattern("iban", False, (), r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", iban_holds),
    Pattern(
        "card", False, (), r"(?<![\w.-])[3-6]\d{3}([ -]?)(?:\d{4}\1\d{4}\1\d{4}|\d{6}\1\d{5})(?![\w-])", luhn_holds
    ),
    Pattern("phone", False, ("+",), r"(?<![\w.+-])\+\d{8,15}(?!\w)", is_phone),
    Pattern("phone", False, (), PHONE, is_phone),
)
"""In the order in which they win where two overlap."""

LIKELY = (
    r"@|-----BEGIN|\d[\d ().-]{5,}\d|[A-Z]{2}\d{2}[ A-Z0-9]{10}|AKIA|ASIA|gh[pousr]_|github_pat|glpat-|xox[abprs]-|"
    r"AIza|hf_|sk-|[sr]k_(?:live|test)|eyJ|(?i:api[_-]?key|secret[_-]?key|access[_-]?token|auth[_-]?token|passw)"
)
"""RE2 pattern that matches wherever any of PATTERNS does."""


def find_private(text: str) -> list[Found]:
    """Private data and secrets of a text, by place; where two overlap, the earlier row of PATTERNS wins."""
    found: list[Found] = []
    for pattern in PATTERNS:
        if pattern.hints and not any(hint in text for hint in pattern.hints):
            continue
        for match in pattern.compiled.finditer(text):
            free = all(match.end() <= other.start or match.start() >= other.end for other in found)
            if free and pattern.check(match[0]):
                span = Found(type=pattern.type, start=match.start(), end=match.end(), is_secret=pattern.is_secret)
                found.append(span)
    return sorted(found, key=lambda span: span.start)


def mask(text: str) -> str:
    """The text with a typed placeholder for every span of private data.

    >>> mask("Write to jo@example.org or +49 30 901820.")
    'Write to [EMAIL] or [PHONE].'
    """
    parts, end = [], 0
    for span in find_private(text):
        parts += [text[end : span.start], f"[{span.type.upper().replace('-', '_')}]"]
        end = span.end
    return "".join([*parts, text[end:]])
