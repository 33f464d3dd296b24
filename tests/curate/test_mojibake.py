"""What RE2 and short texts say about mojibake is what ftfy says about the whole text."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from ftfy import fix_encoding
from ftfy.badness import BADNESS_RE, MOJIBAKE_CATEGORIES, is_bad
from hypothesis import given, settings
from hypothesis import strategies as st
from tunegate.core.formats import load_examples
from tunegate.curate import CurateConfig
from tunegate.curate.context import Context
from tunegate.curate.rules import mojibake
from tunegate.curate.rules.mojibake import find_mojibake, mend, wider_pattern

CLASSES = {
    name: [chr(code) for code in range(0x80, 0x10000) if re.match(f"[{characters}]", chr(code))]
    for name, characters in MOJIBAKE_CATEGORIES.items()
}
ONE = st.sampled_from(sorted(CLASSES)).flatmap(lambda name: st.sampled_from(CLASSES[name]))
"""A character of one of ftfy's classes, each class as often."""
SPECIAL = st.sampled_from(
    [*" \n\ta Z?\x1a\xa0\u2003", "вЂ", "ГўВЂВ", "β€", "ā€", "à quele", "Œ", "œ", "√", "≈", "‚Ä", "а", "中", "\u0301"]
)
ENCODED = st.builds(
    lambda text, encoding: text.encode().decode(encoding, "ignore"),
    st.text(st.sampled_from("éàüñ€“’Ωя中🙂\xa0 "), min_size=1, max_size=3),
    st.sampled_from(["latin-1", "cp1252", "cp1251", "mac-roman", "cp1250", "cp1253", "cp437"]),
)
ASCII = st.builds(
    lambda word, times: word * times, st.sampled_from(["plain words ", "x", " \n", "? ", "\x1a"]), st.integers(1, 40)
)
TEXT = st.lists(ONE | SPECIAL | ENCODED | ASCII, max_size=9).map("".join).filter(lambda text: "\0" not in text)


@settings(max_examples=2000, deadline=None)
@given(text=TEXT)
def test_the_pattern_for_re2_matches_what_ftfy_calls_bad(text: str) -> None:
    """No text that ftfy calls bad is passed over."""
    pattern = wider_pattern(BADNESS_RE.pattern, BADNESS_RE.flags)
    assert pattern is not None

    if is_bad(text):
        assert pc.match_substring_regex(pa.array([text]), pattern).to_pylist() == [True]


@settings(max_examples=2000, deadline=None)
@given(text=TEXT)
def test_mending_does_not_depend_on_ascii_far_away(text: str) -> None:
    """What is cut out of a text before ftfy sees it changes nothing in what it mends."""
    if "\ufffd" not in text:
        assert mend(text) == fix_encoding(text)


@pytest.mark.parametrize(
    ("pattern", "flags"),
    [
        ("a$", re.VERBOSE),
        (r"\bé", re.VERBOSE),
        (r"[\w]é", re.VERBOSE),
        ("(?<!a)é", re.VERBOSE),
        ("é", 0),
        ("é", re.VERBOSE | re.IGNORECASE),
    ],
)
def test_a_pattern_that_may_mean_something_else_is_left_to_python(pattern: str, flags: int) -> None:
    """Look-around, word boundaries, ends of lines and flags are not handed to RE2."""
    assert wider_pattern(pattern, re.compile(pattern, flags).flags) is None


def test_without_a_pattern_the_same_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version of ftfy whose pattern cannot be told costs time, no finding."""
    texts = ["cafÃ© here", "plain", "naïve", "lost \ufffd", "itâ€™s " + "long " * 30 + "and â€œsoâ€\x9d", "¿Qué?"]
    examples = load_examples([{"text": text, "label": "x"} for text in texts])
    usual = list(find_mojibake(examples, CurateConfig(), Context()))
    monkeypatch.setattr(mojibake, "wider_pattern", lambda *_: None)

    assert list(find_mojibake(examples, CurateConfig(), Context())) == usual
    assert [finding.row for finding in usual] == [0, 3, 4]
