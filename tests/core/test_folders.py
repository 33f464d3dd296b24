"""A folder is its data files, every one of them: read, named as unread because it is surely no data, or an error."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tunegate.core import console
from tunegate.core.errors import DataError
from tunegate.core.formats import load_examples, write_examples


def row(text: str) -> str:
    return f'{{"label": "x",  "text": "{text}"}}\n'


def fill(folder: Path, **files: str) -> Path:
    """Files by their name, `__` for a slash and `_` before the suffix for a dot."""
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_jsonl", ".jsonl").replace("_csv", ".csv")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


@given(names=st.sets(st.sampled_from(["a", "b/c", "b/d/e", "more_test", "0", "my-train", "z.part"]), min_size=1))
def test_every_row_of_every_file_is_read_in_order(tmp_path_factory: pytest.TempPathFactory, names: set[str]) -> None:
    """A folder is read as if its files had been named, sorted, and its rows keep their bytes."""
    folder = tmp_path_factory.mktemp("data")
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.jsonl").write_text(row(name))
    files = sorted(folder.rglob("*.jsonl"), key=lambda file: file.relative_to(folder).parts)

    examples = load_examples(folder)
    write_examples(examples, folder / "all.out")

    assert examples.table["file"].to_pylist() == [str(file) for file in files]
    assert examples.format == "jsonl"
    assert (folder / "all.out").read_text() == "".join(file.read_text() for file in files)


def test_files_of_several_formats_are_refused(tmp_path: Path) -> None:
    """No file is left out because others have another format: rows would be lost without a word."""
    fill(tmp_path, a_jsonl=row("a"), b_jsonl=row("b"), c_csv="text,label\nc,x\n")

    with pytest.raises(DataError, match=r"c\.csv is csv and .*a\.jsonl is jsonl"):
        load_examples(tmp_path)


def test_a_bad_line_is_set_aside_alone(tmp_path: Path) -> None:
    """A line that is no JSON costs that line, with its file and number, not the folder."""
    fill(tmp_path, a_jsonl=row("a"), b_jsonl=row("b") + "{oops\n" + row("c"))

    examples = load_examples(tmp_path)

    assert examples.inputs == ["a", "b", "c"]
    assert [(bad.file, bad.line) for bad in examples.bad_rows] == [(str(tmp_path / "b.jsonl"), 2)]


def test_files_of_other_columns_are_named(tmp_path: Path) -> None:
    """Files that do not go together are told by file and column, of lines by line too."""
    fill(tmp_path / "lines", a_jsonl=row("a"), b_jsonl='{"text": "b", "intent": "x"}\n')
    (tmp_path / "tables").mkdir()
    tables = [{"text": "a", "label": "x"}, {"text": "b", "label": 1}]
    for name, held in zip("ab", tables, strict=True):
        pq.write_table(pa.Table.from_pylist([held]), tmp_path / "tables" / f"{name}.parquet")

    with pytest.raises(DataError, match=r"b\.jsonl:1: no usable row; the first of 1: 'label' is missing"):
        load_examples(tmp_path / "lines")
    with pytest.raises(DataError, match=r"b\.parquet: its column 'label' is int64, in .*a\.parquet it is string"):
        load_examples(tmp_path / "tables")


def test_what_is_no_data_is_left_unread_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only what surely holds no rows is passed over, and every such file is named."""
    fill(tmp_path, a_jsonl=row("a"), LICENSE="free")
    for name in (".DS_Store", "README.md", "notes.txt", "dataset_infos.json"):
        (tmp_path / name).write_text("{}")
    fill(tmp_path / ".cache", a_jsonl=row("hidden"))
    console.enable()
    try:
        assert load_examples(tmp_path).inputs == ["a"]
    finally:
        console.enable(False)

    assert (
        capsys.readouterr().err
        == f"{tmp_path}: left unread: .DS_Store, .cache, LICENSE, README.md, dataset_infos.json, notes.txt\n"
    )


@pytest.mark.parametrize("name", ["rows", "rows.xlsx", "rows.jsonl.bak", "model.safetensors"])
def test_a_file_that_may_hold_rows_is_an_error(tmp_path: Path, name: str) -> None:
    """A file that is neither of a known format nor surely no data is never passed over."""
    fill(tmp_path, a_jsonl=row("a"))
    (tmp_path / name).write_text(row("b"))

    with pytest.raises(DataError, match=f"{name}: its name does not tell the format"):
        load_examples(tmp_path)


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    """A linked folder's rows count; a link to nothing is an error, since its rows are missing."""
    fill(tmp_path / "far", a_jsonl=row("a"))
    folder = fill(tmp_path / "data", b_jsonl=row("b"))
    (folder / "linked").symlink_to(tmp_path / "far")
    (folder / "circle").symlink_to(folder)

    assert load_examples(folder).inputs == ["b", "a"]
    (folder / "lost.jsonl").symlink_to(tmp_path / "nothing")
    with pytest.raises(DataError, match=r"lost\.jsonl: neither a file nor a folder"):
        load_examples(folder)


def test_splits_are_told_by_whole_names(tmp_path: Path) -> None:
    """Files called exactly after splits are never mixed with others unasked; parts of names mean nothing."""
    for folder, others in (("two", {"dev__b_jsonl": row("b")}), ("some", {"more_test_jsonl": row("b")})):
        fill(tmp_path / folder, train_jsonl=row("a"), **others)
    (tmp_path / "shards").mkdir()
    for number in range(2):
        (tmp_path / "shards" / f"train-0000{number}-of-00002.jsonl").write_text(row(str(number)))

    assert load_examples(tmp_path / "shards").inputs == ["0", "1"]
    assert load_examples(f"{tmp_path / 'two'}:validation").inputs == ["b"]
    assert load_examples(f"{tmp_path / 'some'}:train").inputs == ["a"]
    with pytest.raises(
        DataError, match=r"two: name one of its splits, such as .*two:train \(splits: train, validation\)"
    ):
        load_examples(tmp_path / "two")
    with pytest.raises(DataError, match=r"\(splits: train, and files of no split: more_test.jsonl\)"):
        load_examples(tmp_path / "some")
    with pytest.raises(DataError, match=r"no file is named after the split 'test'"):
        load_examples(f"{tmp_path / 'two'}:test")


def test_an_empty_folder_is_one_clear_error(tmp_path: Path) -> None:
    """Where nothing is left to read, the error says what there is."""
    (tmp_path / "README.md").write_text("nothing yet")

    with pytest.raises(DataError, match=r"there is no data file in it \(only: README.md\)"):
        load_examples(tmp_path)


def test_a_plain_folder_leaves_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Local files are read where they are; nothing is copied to the home folder."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    load_examples(fill(tmp_path / "data", a_jsonl=row("a")))

    assert list(tmp_path.iterdir()) == [tmp_path / "data"]
