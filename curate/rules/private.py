"""Texts to the private data and secrets in them, and to the same texts with typed placeholders.

What is found is never shown: findings carry the type and the place, reports carry the masked text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from string import ascii_letters, digits

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
    figures = [int(character) for character in text if character.isdigit()]
    if not 13 <= len(figures) <= 19 or len(set(figures)) == 1:
        return False
    doubled = [sum(divmod(2 * figure, 10)) for figure in figures[-2::-2]]
    return (sum(figures[-1::-2]) + sum(doubled)) % 10 == 0


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
    if not 7 <= len(re.sub(r"\D", "", text)) <= 15:
        return False
    if re.fullmatch(r"\d{4}[-. ]\d{1,2}[-. ]\d{1,2}|\d{1,2}[-. ]\d{1,2}[-. ]\d{4}", text):
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


DOMAIN = r"@(?:(?:[^\W_]|-){1,63}\.){1,8}[^\W\d_]{2,24}\b"
_DOMAIN = re.compile(DOMAIN)
LOCAL = ascii_letters + digits + "._%+-"
"""ASCII characters in front of the at sign of an e-mail address; letters of all scripts are others (RFC 6531)."""
_LOCALS = re.compile(r"[\w.%+-]*")
LONGEST_LOCAL = 64


def find_emails(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of e-mail addresses: from each at sign on forwards, and back to where its run of characters starts.

    >>> list(find_emails("to jo@example.org"))
    [(3, 17)]
    """
    end, at = 0, text.find("@")
    while at >= 0:
        backwards = text[max(end, at - LONGEST_LOCAL - 1) : at][::-1]
        run = _LOCALS.match(backwards)
        start = at - (run.end() if run else 0)
        is_cut = start > 0 and (text[start - 1].isalnum() or text[start - 1] in "_.%+-")
        if start < at <= start + LONGEST_LOCAL and not is_cut and (found := _DOMAIN.match(text, at)):
            end = found.end()
            yield start, end
        at = text.find("@", at + 1)


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
    needles: tuple[str, ...] = ()
    """For `screen`: one stands in every match that passes the check, where that has only ASCII letters and digits."""
    number_needles: tuple[str, ...] = ()
    """The same, where the text has digits as `screen.MANY_DIGITS` says."""
    search: Callable[[str], Iterator[tuple[int, int]]] | None = None
    """Start and end of all matches of the form in turn, where there is a faster way to them than the form."""


PATTERNS = (
    Pattern(
        "private-key",
        True,
        ("-----begin",),
        "-----BEGIN",
        r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]+-----|$)",
        needles=("-beg",),
    ),
    Pattern(
        "aws-key",
        True,
        ("akia", "asia"),
        r"A[KS]IA[0-9A-Z]{16}",
        r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
        needles=("akia", "asia"),
    ),
    Pattern(
        "github-token",
        True,
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        r"gh[pousr]_[A-Za-z0-9]{8}|github_pat_",
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})",
        needles=("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "hub_"),
    ),
    Pattern("gitlab-token", True, ("glpat-",), "glpat-", r"\bglpat-[A-Za-z0-9_-]{20,}", needles=("glpa",)),
    Pattern("slack-token", True, ("xox",), r"xox[abprs]-", r"\bxox[abprs]-[A-Za-z0-9-]{10,}", needles=("xox?",)),
    Pattern("google-key", True, ("aiza",), "AIza", r"\bAIza[0-9A-Za-z_-]{35}", needles=("aiza",)),
    Pattern(
        "hub-token",
        True,
        ("hf_", "npm_"),
        r"(?:hf|npm)_[A-Za-z0-9]{8}",
        r"\b(?:hf_[A-Za-z0-9]{30,}|npm_[A-Za-z0-9]{36}\b)",
        needles=("hf_?", "npm_"),
    ),
    Pattern(
        "model-api-key",
        True,
        ("sk-",),
        r"sk-[A-Za-z0-9_-]{20}",
        r"\bsk-(?:ant-|proj-|or-)?[A-Za-z0-9_-]{20,}",
        looks_random,
        needles=("sk-?",),
    ),
    Pattern(
        "payment-key",
        True,
        ("k_live_", "k_test_"),
        r"[sr]k_(?:live|test)_",
        r"\b[sr]k_(?:live|test)_[0-9a-zA-Z]{16,}",
        needles=("k_li", "k_te"),
    ),
    Pattern(
        "json-web-token",
        True,
        ("eyj",),
        r"eyJ[A-Za-z0-9_-]{8}",
        r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
        needles=("eyj?",),
    ),
    Pattern(
        "credential",
        True,
        ("key", "token", "passw"),
        # Without case, Python takes both dotted and dotless i for i, which RE2 does not.
        "(?i:ap[i\u0130\u0131][_-]?key|secret[_-]?key|access[_-]?token|auth[_-]?token|passw)",
        CREDENTIAL,
        looks_random,
        needles=("apik", "api_", "retk", "ret_", "ssto", "ss_t", "thto", "th_t", "assw"),
    ),
    Pattern(
        "email",
        False,
        ("@",),
        r"[^\s@]@[^\s@.]{1,63}\.",
        rf"(?<![\w.%+-])[\w.%+-]{{1,64}}{DOMAIN}",
        needles=("**@?", "**@~"),
        search=find_emails,
    ),
    Pattern(
        "iban",
        False,
        (),
        r"[A-Z]{2}\d{2} ?[A-Z0-9]{4} ?[A-Z0-9]{4}",
        r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b",
        iban_holds,
        needles=("&&00",),
    ),
    Pattern(
        "card",
        False,
        (),
        r"[3-6]\d{3}[ -]?\d{4}[ -]?\d{2}",
        r"(?<![\w.-])[3-6]\d{3}([ -]?)(?:\d{4}\1\d{4}\1\d{4}|\d{6}\1\d{5})(?![\w-])",
        luhn_holds,
        number_needles=("0000",),
    ),
    Pattern(
        "phone",
        False,
        ("+",),
        r"\+\d{8}",
        r"(?<![\w.+-])\+\d{8,15}(?!\w)",
        is_phone,
        needles=("+000",),
    ),
    Pattern(
        "phone",
        False,
        (),
        r"\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}[ .-]\d{2}|\d{3}\)?[ .-]\d{3}[ .-]\d{4}",
        PHONE,
        is_phone,
        needles=("**+0",),
        number_needles=("00 0", "00-0", "0  0", "0 -0"),
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
        spans = (
            (match.span() for match in _FORMS[at].finditer(text)) if pattern.search is None else pattern.search(text)
        )
        for start, end in spans:
            free = all(end <= other.start or start >= other.end for other in found)
            if free and pattern.check(text[start:end]):
                found.append(Found(type=pattern.type, start=start, end=end, is_secret=pattern.is_secret))
    return sorted(found, key=lambda span: span.start)


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
