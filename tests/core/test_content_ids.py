"""A content id tells what a row says, not where it stands."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tunegate.core.blocks import Block, DictRows
from tunegate.core.columns import canonical_block
from tunegate.core.content_ids import content_ids
from tunegate.core.formats import load_examples, write_examples
from tunegate.core.kinds import Layout

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


def test_the_id_is_blake2b_over_kind_and_content() -> None:
    """The hash is the documented one, so that reviewers' overrides outlive a release."""
    expected = hashlib.blake2b("label\0input\0a\0target\0é".encode(), digest_size=8).hexdigest()

    assert load_examples([{"text": "a", "label": "é"}]).ids == [expected]


@settings(max_examples=50, deadline=None)
@given(rows=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=8), seed=st.randoms())
def test_ids_do_not_depend_on_order_or_other_columns(rows: list[tuple[str, str]], seed: Any) -> None:
    """Shuffled rows with new other columns have the ids that they had."""
    rows = [(text, f"a {label}") for text, label in rows]  # a number with a fraction would be refused
    plain = load_examples([{"text": text, "label": label} for text, label in rows])
    order = list(range(len(rows)))
    seed.shuffle(order)
    other = load_examples([{"n": n, "label": rows[n][1], "text": rows[n][0]} for n in order])

    assert other.ids == [plain.ids[n] for n in order]


@settings(max_examples=50, deadline=None)
@given(rows=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=8, unique=True))
def test_different_content_has_different_ids(rows: list[tuple[str, str]]) -> None:
    """Moving a character from input to target, or a text from one part to another, changes the id."""
    rows = [(a, f"a {b}") for a, b in rows]  # a label that is a number with a fraction would be refused
    label = load_examples([{"text": a, "label": b} for a, b in rows])
    completion = load_examples([{"prompt": a, "completion": b} for a, b in rows])

    assert len({*label.ids, *completion.ids}) == 2 * len(rows)


def test_ids_do_not_depend_on_the_file(tmp_path: Path) -> None:
    """The same row in another file, on another line, has the same id."""
    rows = [{"text": "a", "label": "x"}, {"text": "b", "label": "y"}]
    write_examples(load_examples(rows), tmp_path / "one.jsonl")
    write_examples(load_examples(rows[::-1]), tmp_path / "two.csv", format="csv")

    assert load_examples(tmp_path / "one.jsonl").ids == load_examples(tmp_path / "two.csv").ids[::-1]


EDGES = [0, 1, 100, 114, 115, 116, 127, 128, 129, 242, 243, 255, 256, 257, 1000, 100_000]
"""Bytes of a text; with `label`, the parts and their NULs, 27 bytes or so stand around it in blocks of 128."""


def ids_by_hashlib(kind: str, columns: dict[str, list[str]]) -> list[str]:
    heads = [
        [kind, *(text for pair in zip(columns, row, strict=True) for text in pair)]
        for row in zip(*columns.values(), strict=True)
    ]
    return [hashlib.blake2b("\0".join(head).encode(), digest_size=8).hexdigest() for head in heads]


def ids_compiled(kind: str, columns: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The content ids by compiled code, of columns that begin and end in the middle of larger ones."""
    monkeypatch.setattr("tunegate.core.content_ids.HASH_FROM", 0)
    arrays = {part: pa.array(["before", *texts, "after"], pa.large_string())[1:-1] for part, texts in columns.items()}
    return content_ids(kind, arrays).to_pylist()


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.tuples(TEXT, st.integers(0, 300), TEXT), min_size=1, max_size=30))
def test_compiled_code_gives_the_digests_of_hashlib(rows: list[tuple[str, int, str]]) -> None:
    """Whatever rows stand side by side in the lanes, short and long, each has its own digest."""
    columns = {"input": [text * times for text, times, _ in rows], "target": [target for _, _, target in rows]}

    with pytest.MonkeyPatch.context() as patch:
        assert ids_compiled("completion", columns, patch) == ids_by_hashlib("completion", columns)


def test_digests_at_the_edges_of_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts that fill a block of 128 bytes, nearly or just not, in two columns and in three."""
    sizes = [size + by for size in EDGES for by in range(-30, 31, 1) if size + by >= 0]
    columns = {"input": ["x" * size for size in sizes], "target": ["é"] * len(sizes)}

    for _ in range(2):
        assert ids_compiled("label", columns, monkeypatch) == ids_by_hashlib("label", columns)
        columns["pair"] = ["y" * (size % 131) for size in sizes]


VALUES = st.one_of(
    TEXT, st.none(), st.integers(), st.booleans(), st.floats(), st.lists(TEXT, max_size=2), st.just("\0")
)
LAYOUTS = [
    Layout(kind="label", columns={"input": ("a",), "target": ("b",)}),
    Layout(kind="label", columns={"input": ("a",), "target": ("b",), "pair": ("c",)}),
    Layout(kind="completion", columns={"input": ("a", "c"), "target": ("b",)}),
    Layout(kind="preference", columns={"input": ("a",), "target": ("b",), "rejected": ("c",)}),
]


@settings(max_examples=300, deadline=None)
@given(
    layout=st.sampled_from(LAYOUTS),
    rows=st.lists(st.fixed_dictionaries({}, optional={"a": VALUES, "b": VALUES, "c": VALUES}), min_size=1, max_size=4),
)
def test_whole_columns_and_single_rows_give_the_same(layout: Layout, rows: list[dict[str, Any]]) -> None:
    """Reading a block column by column gives exactly what reading each of its rows alone gives."""
    whole = canonical_block(block(rows), layout)
    alone = [canonical_block(block([row]), layout) for row in rows]

    assert whole.table.drop_columns(["file", "line"]).to_pylist() == [
        row for one in alone for row in one.table.drop_columns(["file", "line"]).to_pylist()
    ]
    assert [bad.reason for bad in whole.bad] == [bad.reason for one in alone for bad in one.bad]


def block(rows: list[dict[str, Any]]) -> Block:
    return Block(file="f", lines=range(1, len(rows) + 1), rows=DictRows(rows), source=pa.table({"n": range(len(rows))}))


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (["a", 1], ["a", "1"]),
        ([1, 2], ["1", "2"]),
        ([True, False], ["true", "false"]),
        ([1.0, 2.0], ["1", "2"]),
        ([1, True], ["1", "true"]),
        ([2**70, -1], [str(2**70), "-1"]),
        (["a", None], ["a"]),
    ],
)
def test_labels_of_any_type_are_text(values: list[Any], texts: list[str]) -> None:
    """Numbers and truth values become text, alone or in a column of their kind."""
    rows = [{"a": "t", "b": value} for value in values]

    assert canonical_block(block(rows), LAYOUTS[0]).table["target"].to_pylist() == texts
