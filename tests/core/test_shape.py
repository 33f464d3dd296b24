"""What `describe_data` tells of some data is what is in it."""

from __future__ import annotations

from pathlib import Path

from tunegate.core.shape import describe_data


def test_a_file_is_described(tmp_path: Path) -> None:
    """Kind, columns, sizes, classes by frequency, a sample and the first bad row, all exact."""
    path = tmp_path / "a.csv"
    path.write_text("id,text,intent\n1,ab,x\n2,abcd,y\n3\n4,abcdef,y\n")
    shape = describe_data(path)

    assert (shape.kind, shape.format, shape.rows, shape.bad_rows) == ("label", "csv", 3, 1)
    assert (shape.columns, shape.all_columns) == ({"input": "text", "target": "intent"}, ("id", "text", "intent"))
    assert list(shape.classes.items()) == [("y", 2), ("x", 1)]
    assert shape.mean_characters == 4.0
    assert shape.sample[0] == ("ab", "x")
    assert shape.first_bad == f"{path}:4: 1 fields, the header has 3"


def test_prompts_have_no_classes() -> None:
    """Only labels are counted."""
    assert describe_data([{"prompt": "a", "completion": "b"}]).classes == {}
