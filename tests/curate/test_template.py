"""Boilerplate is taken from rows as it is taken from each text, and rows are read as their joined fields are."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tunegate.core.formats import load_examples
from tunegate.curate import CurateConfig
from tunegate.curate.alike import find_alike
from tunegate.curate.duplicates.rows import as_rows
from tunegate.curate.duplicates.shingles import bandless
from tunegate.curate.duplicates.sketches import numbers_of, sketch_texts
from tunegate.curate.duplicates.strip import strip_lines
from tunegate.curate.folding import fold
from tunegate.curate.template import Template, strip_rows, strip_template

OPENING, LONGER = "Below is a question:", "BELOW is — a Question ... that you may answer"
PIECES = [OPENING, LONGER, "Write the answer now.", "now.", "Größe", "字", ":)", "", "a", "### Answer", "be", "below"]
TEXTS = st.lists(
    st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=5).flatmap(
        lambda parts: st.sampled_from([" ", "\n", " \n "]).map(lambda glue: glue.join(parts))
    ),
    min_size=1,
    max_size=8,
)
TEMPLATE = Template(
    lines=frozenset({"### Answer", OPENING}),
    openings=(fold(LONGER) + " ", fold(OPENING) + " ", "größe "),
    closings=(" write the answer now", " 字", " now"),
)


@pytest.mark.parametrize("plainly", [False, True])
@settings(max_examples=150, deadline=None)
@given(texts=TEXTS)
def test_rows_are_stripped_as_each_of_their_texts(plainly: bool, texts: list[str]) -> None:
    """Compiled or not, the same words stay and the same codes tell what went."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TUNEGATE_NO_JIT", str(int(plainly)))
        rows = as_rows(pa.chunked_array([texts[:2], texts[2:]], type=pa.large_string()))
        bare, codes, *_ = strip_rows(rows, TEMPLATE)
    expected, numbers = strip_template(texts, TEMPLATE)

    assert [fold(text) for text in bare.texts(np.arange(len(texts)))] == expected
    assert codes.tolist() == numbers.tolist()
    assert bare.uncut().texts(np.arange(len(texts))) == texts


SPACES = [" ", "\t", "\r", "\x1f", "\x85", "\u00a0", "\u1680", "\u2028", "\u3000", "\u200b", "\u00e9", "\u0301"]
LINE = st.tuples(
    st.text(st.sampled_from(SPACES), max_size=2),
    st.sampled_from(["Answer:", "Größe", "字", "Answer", "", "x", "12345678"]) | st.text(max_size=3),
    st.text(st.sampled_from(SPACES), max_size=2),
).map("".join)
MANY_LINES = st.lists(LINE, min_size=1, max_size=12).map("\n".join)


@settings(max_examples=300, deadline=None)
@given(
    texts=st.lists(MANY_LINES, min_size=1, max_size=6),
    known=st.frozensets(st.sampled_from(["Answer:", "Größe", "字", "12345678"])),
)
def test_known_lines_are_those_that_python_sees(texts: list[str], known: frozenset[str]) -> None:
    """Whatever white space surrounds a line, it goes exactly if it is known; a text of nothing else stays whole."""
    rows = as_rows(pa.chunked_array([texts], type=pa.large_string()))
    bare, ways, marks = strip_lines(rows, known)
    removed = [[line for line in map(str.strip, text.split("\n")) if line in known] * ("\n" in text) for text in texts]

    for text, rest, gone, nothing_else in zip(
        texts, bare.texts(np.arange(len(texts))), removed, marks[:, 0], strict=True
    ):
        lines = [line.strip() for line in text.split("\n")]
        kept = [line for line in lines if line not in known] if gone else lines
        assert nothing_else == (bool(gone) and not any(kept))
        assert [line.strip() for line in rest.split("\n") if line.strip()] == [
            line for line in (lines if nothing_else else kept) if line
        ]
    assert len(set(map(tuple, removed))) == len(set(ways.tolist()))
    assert [way == 0 for way in ways] == [not gone for gone in removed]


@pytest.mark.parametrize("plainly", [False, True])
@settings(max_examples=150, deadline=None)
@given(texts=st.lists(TEXTS.map("\n".join), min_size=1, max_size=5), data=st.data())
def test_chosen_rows_are_made_as_all_are(plainly: bool, texts: list[str], data: st.DataObject) -> None:
    """Two fields without a copy are what they are joined; of any rows, wherever the chunks of either field end."""
    cut = data.draw(st.integers(0, len(texts)))
    chosen = sorted(data.draw(st.sets(st.integers(0, len(texts) - 1))))
    one = pa.chunked_array([texts[:cut], texts[cut:]], type=pa.large_string())
    two = pa.chunked_array([texts[::-1]], type=pa.large_string())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TUNEGATE_NO_JIT", str(int(plainly)))
        bare, *_ = strip_rows(as_rows(one, two, glue=" + "), TEMPLATE)
    expected = [
        f"{first} + {second}" for first, second in zip(strip_template(texts, TEMPLATE)[0], texts[::-1], strict=True)
    ]

    assert [fold(text) for text in bare.texts(np.array(chosen, np.int64))] == [fold(expected[row]) for row in chosen]
    assert bare.field(1).texts(np.array(chosen, np.int64)) == [texts[::-1][row] for row in chosen]
    pieces = [sketch_texts(view, bandless(2))[1] for view in (bare, as_rows(expected))]
    assert pieces[0].tolist() == pieces[1].tolist()
    assert numbers_of(bare, np.array(chosen, np.int64)).tolist() == pieces[0][:, chosen].tolist()


BROKEN = st.lists(
    st.sampled_from(["Answer the question.", "now", "what is it", ":)", "—", "é", "ok"]), min_size=1, max_size=4
).flatmap(lambda parts: st.sampled_from([" ", "\n", "\n\n"]).map(lambda glue: glue.join(parts)))


@pytest.mark.parametrize("plainly", [False, True])
@settings(max_examples=150, deadline=None)
@given(texts=st.lists(BROKEN, min_size=1, max_size=10))
def test_one_text_has_one_representative_wherever_its_lines_break(plainly: bool, texts: list[str]) -> None:
    """Rows are one if without boilerplate they are, or with it; the words of a text alone never make it another's."""
    template = Template(lines=frozenset({"Answer the question.", ":)", "ok", "é"}))
    rest, codes = strip_template(texts, template)
    bare = {text: row for row, text in reversed(list(enumerate(zip(rest, codes.tolist(), strict=True))))}
    heads = [bare[text] for text in zip(rest, codes.tolist(), strict=True)]
    whole = {fold(texts[head]): row for row, head in reversed(list(enumerate(heads)))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TUNEGATE_NO_JIT", str(int(plainly)))
        examples = load_examples([{"prompt": text, "completion": "yes"} for text in texts])
        near = find_alike(examples, template, CurateConfig().dedup.model_copy(update={"key": "input"})).near

    assert near.representative.tolist() == [whole[fold(texts[head])] for head in heads]


def test_rows_of_several_fields_are_compared_as_what_they_are_without_boilerplate() -> None:
    """That a row of the same text keeps its boilerplate, since its line ends otherwise, hides no near-duplicate."""
    asks = "card payment was declined twice in the corner shop near my old flat today"
    rows = [f"### Answer! {asks}", f"### Answer\n{asks}", f"### Answer\n{asks} again"]
    examples = load_examples([{"prompt": prompt, "completion": "You can pay in cash."} for prompt in rows])
    template = Template(lines=frozenset({"### Answer"}), openings=(), closings=())
    config = CurateConfig.model_validate({"dedup": {"threshold": 0.9}}).dedup

    near = find_alike(examples, template, config).near

    assert near.representative.tolist() == [0, 0, 2]
    assert near.pairs.tolist() == [[0, 2]]
