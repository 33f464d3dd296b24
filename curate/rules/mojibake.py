"""Rows to findings about text that was decoded with a wrong encoding, as ftfy judges it.

ftfy looks at every character in Python. What it calls bad is one regular expression, which RE2 can run over whole
columns; and what it mends depends on few characters around those beyond ASCII, so that it need not see long runs of
ASCII between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import chain, zip_longest

import pyarrow as pa
import pyarrow.compute as pc

from ...core.records import Examples, Finding
from ..config import CurateConfig
from ..context import Context
from ..scanning import excerpt, prose_columns, rows_matching, rows_where
from ..screen import NON_ASCII
from .suspects import column_bits

LOST = "\ufffd"
"""What stands where a character was lost."""
CUT = "\0"
"""Stands for ASCII that was cut out; no text of examples holds it."""
LONG_ASCII = re.compile(r"([\x00-\x7f]{8})([\x00-\x19\x1b-\x7f]+)([\x00-\x7f]{8})")
"""ASCII of which eight characters at either end are kept, ftfy's longest pattern has seven; and 0x1A, which has a
meaning for it wherever it stands."""
VERBOSE_PART = re.compile(r"\[\^?(?:\\.|[^\]\\])+\]|\\.|#[^\n]*|\s|.", re.DOTALL)
"""A part of a pattern of Python in verbose form: a class, an escaped character, a comment, white space, any other."""
WIDER = {r"\s": "(?s:.)", r"\w": "(?s:.)", ".": "(?s:.)"}
"""Parts that may mean less to RE2 than to Python, and what means more to both."""
UNSURE = re.compile(r"\$|.*\\[a-wyzA-Z0-9]", re.DOTALL)
"""Parts that may mean something else to RE2: ends of lines, and escapes but `\\x` and those of marks."""


def find_mojibake(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:  # noqa: ARG001
    """Text decoded with the wrong encoding, as ftfy judges it, and replacement characters."""
    for name in prose_columns(examples):
        for row, text in _suspects(examples, name, context):
            lost = text.find(LOST)
            mended = text if lost >= 0 else mend(text)
            if lost < 0 and mended == text:
                continue
            start = lost if lost >= 0 else _first_difference(text, mended)
            reason = f"The {name} was decoded with a wrong encoding" if lost < 0 else f"The {name} lost characters"
            evidence = {"column": name, "was": excerpt(text, start, width=40)}
            if lost < 0:
                evidence["mended"] = excerpt(mended, start, width=40)
            yield Finding(row=row, rule="mojibake", severity="warning", reason=f"{reason}.", evidence=evidence)


def _suspects(examples: Examples, name: str, context: Context) -> Iterator[tuple[int, str]]:
    """(row, text) of all texts that ftfy may call bad, and of those that lost characters."""
    from ftfy.badness import BADNESS_RE

    foreign = (column_bits(examples, name, context) & NON_ASCII) > 0
    pattern = wider_pattern(BADNESS_RE.pattern, BADNESS_RE.flags)
    if pattern is None:
        return rows_where(examples.table[name], foreign)
    return rows_matching(examples.table[name], f"{pattern}|{LOST}", foreign)


@cache
def wider_pattern(pattern: str, flags: int) -> str | None:
    """A pattern of RE2 that matches wherever a verbose one of Python does, and hardly anywhere else.

    None where it cannot be told, because ftfy's pattern has changed; then every text is looked at by Python.

    >>> wider_pattern("[a-z] x # both", re.VERBOSE)
    '[a-z]x'
    """
    if flags != re.VERBOSE | re.UNICODE:
        return None
    parts = [part for part in VERBOSE_PART.findall(pattern) if not part.isspace() and not part.startswith("#")]
    parts = [WIDER.get(part, part) for part in parts]
    try:
        pc.match_substring_regex(pa.array([""]), wider := "".join(parts))
    except pa.ArrowInvalid:
        return None
    return None if any(map(UNSURE.match, parts)) else wider


def mend(text: str) -> str:
    """What ftfy makes of a text that holds no lost characters; the text itself where it finds nothing bad."""
    from ftfy import fix_encoding
    from ftfy.badness import is_bad

    shown = around_foreign(text)
    if not is_bad(shown):
        return text
    pieces = fix_encoding(shown).split(CUT)
    hidden = [match[2] for match in LONG_ASCII.finditer(text)]
    if len(pieces) != len(hidden) + 1:
        return fix_encoding(text)
    return "".join(chain.from_iterable(zip_longest(pieces, hidden, fillvalue="")))


def around_foreign(text: str) -> str:
    r"""The text with long runs of ASCII cut out between its other characters; ftfy looks at a few in a row only.

    >>> around_foreign("caf\u00e9 with as many plain words behind").replace(CUT, "…")
    'café with as…s behind'
    """
    return LONG_ASCII.sub(rf"\1{CUT}\3", text)


def _first_difference(one: str, two: str) -> int:
    """Where two texts begin to differ, by halves: Python compares slices far faster than characters."""
    low, high = 0, min(len(one), len(two))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == two[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
