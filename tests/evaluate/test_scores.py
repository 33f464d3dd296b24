"""A scores file is whole, ours and of this version, or it is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tunegate.core.errors import IntegrityError
from tunegate.core.results import SCORE_COLUMNS, Scores, TaskInfo
from tunegate.evaluate import read_scores, write_scores
from tunegate.evaluate.score_files import METADATA_KEY, score_table


def row(**changes: Any) -> dict[str, Any]:
    return {
        "task": "task",
        "subject": "",
        "metric": "accuracy",
        "filter": "none",
        "doc_hash": "d",
        "prompt_hash": "p",
        "target_hash": "t",
        "cluster": "",
        "value": 1.0,
        "weight": 1.0,
        "prompt": "x",
        "prediction": "y",
        "target": "y",
        "choices": ["y", "n"],
        "logprobs": [-0.5, -1.0],
        "contaminated": False,
        **changes,
    }


def scores(rows: list[dict[str, Any]]) -> Scores:
    info = TaskInfo(name="task", role="task", metric="accuracy", scale="binary", chance=0.5)
    return Scores(
        rows=score_table(rows),
        tasks=(info,),
        model="m",
        model_hash="h",
        settings={"seed": 0, "prompts": {"template": None}},
        extras={"task": {"confusion": {"labels": ["y", "n"]}}},
    )


@given(values=st.lists(st.tuples(st.text(max_size=5), st.floats(allow_nan=False)), min_size=1, max_size=8))
def test_scores_come_back_as_they_were(
    values: list[tuple[str, float]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Rows, tasks, settings and extras, whatever text and numbers they hold."""
    path = tmp_path_factory.mktemp("scores") / "base.parquet"
    written = scores([row(doc_hash=text, value=value, prompt=text) for text, value in values])
    write_scores(written, path)

    assert read_scores(path) == written


def test_equal_items_are_counted() -> None:
    """Two rows of one document, target, metric and filter are told apart by their occurrence."""
    table = score_table([row(), row(metric="f1"), row(), row(doc_hash="e"), row()])

    assert table["occurrence"].to_pylist() == [0, 0, 1, 0, 2]
    assert table.schema.names == list(SCORE_COLUMNS)


@pytest.mark.parametrize("kept", [0, 10, 600])
def test_a_truncated_file_is_refused(kept: int, tmp_path: Path) -> None:
    """Half a file is no result, wherever it was cut."""
    path = tmp_path / "base.parquet"
    write_scores(scores([row()]), path)
    path.write_bytes(path.read_bytes()[:kept])

    with pytest.raises(IntegrityError, match="not a whole scores file"):
        read_scores(path)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    """The message says which stage makes it."""
    with pytest.raises(IntegrityError, match="no such file; run tunegate evaluate first"):
        read_scores(tmp_path / "base.parquet")


def test_a_foreign_parquet_file_is_refused(tmp_path: Path) -> None:
    """A table that tunegate did not write is no scores file, even with the right columns."""
    path = tmp_path / "base.parquet"
    pq.write_table(score_table([row()]), path)

    with pytest.raises(IntegrityError, match="not scores that tunegate wrote"):
        read_scores(path)


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    """Nothing measured is no measurement."""
    path = tmp_path / "base.parquet"
    write_scores(scores([]), path)

    with pytest.raises(IntegrityError, match="0 rows"):
        read_scores(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"schema_version": 99}, "written with schema version 99"), ({"rows": 2}, "1 rows where 2 were measured")],
)
def test_a_file_that_contradicts_itself_is_refused(change: dict[str, int], message: str, tmp_path: Path) -> None:
    """Another version, or another number of rows than was measured."""
    path = tmp_path / "base.parquet"
    write_scores(scores([row()]), path)
    table = pq.read_table(path)
    about = {**json.loads(table.schema.metadata[METADATA_KEY]), **change}
    pq.write_table(table.replace_schema_metadata({METADATA_KEY: json.dumps(about)}), path)

    with pytest.raises(IntegrityError, match=message):
        read_scores(path)


def test_other_columns_are_refused(tmp_path: Path) -> None:
    """A column of another type is another layout."""
    path = tmp_path / "base.parquet"
    write_scores(scores([row()]), path)
    table = pq.read_table(path)
    place = table.schema.get_field_index("value")
    pq.write_table(table.set_column(place, "value", pa.array([1])), path)

    with pytest.raises(IntegrityError, match="its columns are not those of scores"):
        read_scores(path)
