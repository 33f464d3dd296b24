"""What whole columns are searched for by patterns is what each row alone would be searched for."""

from __future__ import annotations

import re

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from tunegate.core.texts import text_bytes
from tunegate.curate.rules.private import PATTERNS, Found, find_private, mask
from tunegate.curate.rules.private_data import TYPES, mask_spans, private_spans
from tunegate.curate.rules.suspects import NEEDLES, possible_patterns, screened
from tunegate.curate.scanning import replace_rows
from tunegate.curate.screen import CONTROL, FENCE, MARKUP, NON_ASCII, _screen_plainly, as_needles

PIECES = [
    "@.a@" + "b-c." * 7 + "d" * 24, "jo@" + ("d" * 63 + ".") * 8 + "e" * 30, "jo@example.org", "x" * 70 + "@a.bc",
    "@", "a@b", "+49 30 901820", "+4930901820", "(555) 123-4567", "555-123-4567",
    "٥٥٥-١٢٣-٤٥٦٧", "4111 1111 1111 1111", "4111111111111111", "378282246310005", "3782 822463 10005", "2024-01-15",
    "DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "AKIAIOSFODNN7EXAMPLE", "ghp_" + "a1B2" * 10,
    "glpat-" + "a1B2" * 6, "xoxb-1234567890ab", "AIza" + "a1B2_" * 7, "hf_" + "a1B2" * 8, "sk-proj-" + "a1B2" * 7,
    "sk_live_" + "a1B2" * 5, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefgh_-1", "password: q8Zx7Lm2Vb9Kt4Rw",
    "pa\u017fswd=q8Zx7Lm2Vb9Kt4Rw", "ap\u0131_\u212aey = 'q8Zx7Lm2Vb9Kt4Rw'", "AP\u0130KEY:'q8Zx7Lm2Vb9Kt4Rw'",
    "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----", "<b>",
    "npm_" + "a1B2" * 9, "jürgen@bücher.example.de", "ü@übung.de", "用户@例子.中国",
    "Größe", "\x00\x1b", "```", "_", "-", ".", "+", "\n", "0", "7",
]  # fmt: skip
TEXT = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=6).map("".join) | st.lists(
    st.sampled_from(PIECES), max_size=5
).map(" ".join)
COLUMN = st.lists(TEXT, max_size=8)


def plainly(text: str) -> list[Found]:
    """Every pattern over the whole text, nothing skipped."""
    found: list[Found] = []
    for pattern in PATTERNS:
        for match in re.finditer(pattern.form, text):
            free = all(match.end() <= other.start or match.start() >= other.end for other in found)
            if free and pattern.check(match[0]):
                found.append(
                    Found(type=pattern.type, start=match.start(), end=match.end(), is_secret=pattern.is_secret)
                )
    return sorted(found, key=lambda span: span.start)


def as_chunks(texts: list[str]) -> pa.ChunkedArray:
    return pa.chunked_array([texts[:3], texts[3:]], type=pa.large_string())


@settings(max_examples=300, deadline=None)
@given(texts=COLUMN)
def test_no_search_in_front_of_a_pattern_loses_what_it_finds(texts: list[str]) -> None:
    """Hints, needs and leads only spare time: one text or a column, the same spans as every pattern over every text."""
    expected = [(row, span) for row, text in enumerate(texts) for span in plainly(text)]

    assert [(row, span) for row, text in enumerate(texts) for span in find_private(text)] == expected
    spans = private_spans(as_chunks(texts))
    places = zip(spans.rows.tolist(), spans.starts.tolist(), spans.stops.tolist(), spans.types.tolist(), strict=True)
    assert [(row, TYPES[kind], texts[row].encode()[start:stop].decode()) for row, start, stop, kind in places] == [
        (row, span.type, texts[row][span.start : span.end]) for row, span in expected
    ]
    assert mask_spans(as_chunks(texts), spans).to_pylist() == [mask(text) for text in texts]


@settings(max_examples=300, deadline=None)
@given(texts=COLUMN)
def test_the_screen_misses_no_private_data(texts: list[str]) -> None:
    """Where a pattern finds something, its bit is set, compiled or not."""
    piece = as_chunks(texts).combine_chunks()
    plain = _screen_plainly(*text_bytes(piece), as_needles(NEEDLES))
    for bits in (screened(as_chunks(texts)), plain):
        possible = possible_patterns(bits)
        for text, patterns in zip(texts, possible.tolist(), strict=True):
            for at, pattern in enumerate(PATTERNS):
                found = any(pattern.check(match[0]) for match in re.finditer(pattern.form, text))
                assert not found or patterns >> at & 1


@settings(max_examples=100, deadline=None)
@given(texts=COLUMN)
def test_features_are_those_of_each_text(texts: list[str]) -> None:
    """Each bit says whether one of its bytes occurs, wherever the chunks are cut, compiled or not."""
    named = NON_ASCII | CONTROL | MARKUP | FENCE
    expected = [
        NON_ASCII * (not text.isascii())
        | CONTROL * bool(re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text))
        | MARKUP * ("<" in text or "&" in text)
        | FENCE * ("`" in text)
        for text in texts
    ]
    bits, plain = (
        screened(as_chunks(texts)),
        _screen_plainly(*text_bytes(as_chunks(texts).combine_chunks()), as_needles(NEEDLES)),
    )

    assert (bits & named).tolist() == (plain & named).tolist() == expected
    assert not (bits & ~plain).any()


@settings(deadline=None)
@given(texts=st.lists(st.text(max_size=3), max_size=6), rows=st.sets(st.integers(0, 5)))
def test_replaced_rows_alone_change(texts: list[str], rows: set[int]) -> None:
    """New values stand at the rows given, wherever the chunks are cut; all others stay."""
    places = sorted(row for row in rows if row < len(texts))
    expected = [f"new {row}" if row in places else text for row, text in enumerate(texts)]

    found = replace_rows(as_chunks(texts), places, [f"new {row}" for row in places])

    assert found.to_pylist() == expected
