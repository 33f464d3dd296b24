"""A file is whole or absent, and a fingerprint changes with what it stands for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tunegate.core.errors import InputError, IntegrityError
from tunegate.core.store import (
    atomic_path,
    fingerprint,
    hash_files,
    read_json,
    require_writable,
    write_json,
    write_text,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def test_an_exception_leaves_the_old_file(tmp_path: Path) -> None:
    """What stood there before still stands after a failed write, and nothing else is left behind."""
    write_text(tmp_path / "a.txt", "old")

    with pytest.raises(ZeroDivisionError), atomic_path(tmp_path / "a.txt") as fresh:
        fresh.write_text("half" * (1 // 0))

    assert (tmp_path / "a.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
@pytest.mark.parametrize("write", [lambda path: path.write_text("a" * 9999), lambda path: _write_table(path)])
def test_a_full_disk_is_one_line(tmp_path: Path, write: Callable[[Path], object]) -> None:
    """What the system says is told with the path that was asked for, and nothing is left behind."""
    with pytest.raises(InputError, match=r"a\.txt: cannot be written \(No space left on device\); make room"):
        _fill_disk(tmp_path / "a.txt", write)

    assert list(tmp_path.iterdir()) == []


def _fill_disk(path: Path, write: Callable[[Path], object]) -> None:
    with atomic_path(path) as fresh:
        fresh.symlink_to("/dev/full")
        write(fresh)


def _write_table(path: Path) -> None:
    pq.write_table(pa.table({"a": ["a" * 9999]}), str(path))


def test_an_error_about_another_file_stays_what_it_is(tmp_path: Path) -> None:
    """A file that is read while another is written is not taken for the one that is written."""
    with pytest.raises(FileNotFoundError, match="elsewhere"), atomic_path(tmp_path / "out" / "a.txt"):
        (tmp_path / "elsewhere").read_text()


@pytest.mark.parametrize("place", ["file", "file/a", "file/a/b"])
def test_a_file_where_a_folder_must_be_is_told(tmp_path: Path, place: str) -> None:
    """Before any work, and by the write itself."""
    (tmp_path / "file").touch()

    with pytest.raises(InputError, match="is a file; choose another place"):
        require_writable(tmp_path / place)
    with pytest.raises(InputError, match=r"x: cannot be written \((Not a directory|File exists)\)"):
        write_text(tmp_path / place / "x", "text")


def test_a_folder_that_is_yet_to_be_made_is_writable(tmp_path: Path) -> None:
    """Only what exists decides."""
    require_writable(tmp_path / "a" / "b")

    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    """A folder written anew holds nothing of the old one."""
    for names in (["a", "b"], ["c"]):
        with atomic_path(tmp_path / "model") as fresh:
            fresh.mkdir()
            for name in names:
                (fresh / name).touch()

    assert [path.name for path in (tmp_path / "model").iterdir()] == ["c"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@given(value=JSON)
def test_json_comes_back_as_it_went(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    """Reading gives what was written, to the last character."""
    path = tmp_path_factory.mktemp("json") / "a.json"
    write_json(path, value)

    assert read_json(path) == value


@pytest.mark.parametrize(("content", "message"), [(None, "no such file"), (b'{"a": 1', "not a whole JSON file")])
def test_a_missing_or_truncated_result_is_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    """A file that a stage did not finish is an integrity error with a remedy, not a traceback."""
    if content is not None:
        (tmp_path / "a.json").write_bytes(content)

    with pytest.raises(IntegrityError, match=rf"a\.json: {message}"):
        read_json(tmp_path / "a.json")


@given(one=JSON, other=JSON)
def test_fingerprints_tell_values_apart(one: object, other: object) -> None:
    """Equal values have equal fingerprints of 16 hex digits, different ones different."""
    assert (fingerprint(one) == fingerprint(other)) == (repr(_sorted(one)) == repr(_sorted(other)))
    assert len(fingerprint(one)) == 16


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def test_file_hashes_change_with_name_and_bytes(tmp_path: Path) -> None:
    """Renaming a file or changing a byte changes the hash; copying to another folder does not."""
    for folder, name, content in (("a", "x", b"1"), ("b", "x", b"1"), ("c", "y", b"1"), ("d", "x", b"2")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_bytes(content)
    first, copy, renamed, changed = (hash_files(sorted((tmp_path / folder).iterdir())) for folder in "abcd")

    assert first == copy
    assert len({first, renamed, changed}) == 3
