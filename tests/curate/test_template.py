"""Boilerplate is taken from whole columns as it is taken from each text."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tunegate.curate.folding import fold
from tunegate.curate.template import Template, strip_column, strip_template

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
def test_a_column_is_stripped_as_each_of_its_texts(plainly: bool, texts: list[str]) -> None:
    """Compiled or not, the same words stay and the same codes tell what went."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TUNEGATE_NO_JIT", str(int(plainly)))
        column = pa.chunked_array([texts[:2], texts[2:]], type=pa.large_string())
        bare, codes = strip_column(column, TEMPLATE)
    expected, numbers = strip_template(texts, TEMPLATE)

    assert [fold(text) for text in bare.to_pylist()] == expected
    assert codes.tolist() == numbers.tolist()
