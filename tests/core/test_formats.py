"""Data comes in from every format with its place, and goes out byte for byte."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
import zstandard
from tunegate.core.errors import DataError
from tunegate.core.formats import load_examples, original_rows, write_examples

ROWS = [
    {"text": "where is my card?", "label": "card", "n": 1},
    {"text": 'he said "né"\nand left', "label": "other", "n": 2},
    {"text": "", "label": "other", "n": 3},
]
JSONL = b"".join(orjson.dumps(row) + b"\n" for row in ROWS)
CSV = 'text,label,n\r\nwhere is my card?,card,1\r\n"he said ""né""\nand left",other,2\r\n,other,3\r\n'.encode()
TABLE = pa.Table.from_pylist(ROWS).cast(
    pa.schema([("text", pa.string()), ("label", pa.dictionary(pa.int32(), pa.string())), ("n", pa.int16())])
)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", JSONL),
        ("spaced.jsonl", b'{ "text" : "x" ,"label":1.0}\n{"label":"\\u00e9", "text":"y"}\n'),
        ("crlf.jsonl", JSONL.replace(b"\n", b"\r\n")),
        ("a.csv", CSV),
        ("mark.csv", b"\xef\xbb\xbf" + CSV),
        ("a.tsv", b'text\tlabel\nx\ty\n"a\nb"\tz\n'),
        ("a.json", b'[\n{"text":"x","label":"y"},\n{"text":"z","label":3}\n]\n'),
        ("wrapped.json", b'{"version":1,"rows":[\n{"text":"x","label":"y"}\n]}\n'),
    ],
)
def test_text_formats_come_out_byte_for_byte(tmp_path: Path, name: str, content: bytes) -> None:
    """Writing what was read gives the same bytes: line ends, quoting, spacing and byte order mark included."""
    (tmp_path / name).write_bytes(content)

    write_examples(load_examples(tmp_path / name), tmp_path / f"out-{name}")

    assert (tmp_path / f"out-{name}").read_bytes() == content


def unzstd(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().stream_reader(data).read()


@pytest.mark.parametrize(
    ("suffix", "pack", "unpack"),
    [(".gz", gzip.compress, gzip.decompress), (".zst", zstandard.compress, unzstd)],
)
@pytest.mark.parametrize(("name", "content"), [("a.jsonl", JSONL), ("a.csv", CSV)])
def test_compressed_text_is_read_and_written(
    tmp_path: Path, name: str, content: bytes, suffix: str, pack: Callable[..., bytes], unpack: Callable[..., bytes]
) -> None:
    """`.gz` and `.zst` are looked through on the way in, also in several members, and made again on the way out."""
    half = content.index(b"\n") + 5
    path = tmp_path / (name + suffix)
    path.write_bytes(pack(content[:half]) + pack(content[half:]))

    write_examples(load_examples(path), tmp_path / ("out-" + path.name))

    assert unpack((tmp_path / ("out-" + path.name)).read_bytes()) == content


def write_parquet(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path)


def write_arrow_stream(table: pa.Table, path: Path) -> None:
    with pa.ipc.new_stream(str(path), table.schema) as writer:
        writer.write_table(table)


def write_feather(table: pa.Table, path: Path) -> None:
    feather.write_feather(table, str(path))


@pytest.mark.parametrize(
    ("name", "write"),
    [("a.parquet", write_parquet), ("a.arrow", write_arrow_stream), ("a.feather", write_feather)],
)
def test_columnar_formats_keep_schema_and_types(
    tmp_path: Path, name: str, write: Callable[[pa.Table, Path], None]
) -> None:
    """Parquet, Arrow streams and Feather come out with the same schema, types and values."""
    write(TABLE, tmp_path / name)
    examples = load_examples(tmp_path / name)

    write_examples(examples, tmp_path / f"out-{name}")
    back = load_examples(tmp_path / f"out-{name}")

    assert back.source.schema.equals(TABLE.schema)
    assert back.source.to_pylist() == ROWS
    assert back.table.drop_columns("file") == examples.table.drop_columns("file")


def test_batches_may_have_dictionaries_of_their_own(tmp_path: Path) -> None:
    """An Arrow stream may change a column's dictionary between batches; the file that is written holds one."""
    batches = [
        pa.record_batch({"text": ["a", "b"], "label": pa.array(labels).dictionary_encode()})
        for labels in (["x", "y"], ["z", "x"])
    ]
    with pa.ipc.new_stream(str(tmp_path / "a.arrow"), batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)

    write_examples(load_examples(tmp_path / "a.arrow"), tmp_path / "b.arrow")

    assert load_examples(tmp_path / "b.arrow").targets == ["x", "y", "z", "x"]


def test_every_format_gives_the_same_examples(tmp_path: Path) -> None:
    """One dataset has one sequence of content ids, whatever the format it is stored in."""
    examples = load_examples(ROWS)
    for written in ("jsonl", "json", "csv", "tsv", "parquet", "arrow"):
        path = tmp_path / f"a.{written}"
        write_examples(examples, path, format=written)
        again = load_examples(path)

        assert again.format == written
        assert (again.inputs, again.targets, again.ids) == (examples.inputs, examples.targets, examples.ids)


def test_a_row_knows_its_file_and_line(tmp_path: Path) -> None:
    """Lines are physical ones: blank lines count, and a record that spans lines stands at its first."""
    (tmp_path / "a.csv").write_bytes(b'text,label\n\n"a\nb",x\nc,y\n')
    (tmp_path / "b.jsonl").write_bytes(b'\xef\xbb\xbf{"text":"a","label":"x"}\n\n  \n{"text":"c","label":"y"}')

    assert load_examples(tmp_path / "a.csv").table["line"].to_pylist() == [3, 5]
    assert load_examples(tmp_path / "b.jsonl").table["line"].to_pylist() == [1, 4]
    assert load_examples(tmp_path / "b.jsonl").table["file"].to_pylist() == [str(tmp_path / "b.jsonl")] * 2


def test_globs_and_lists_of_paths_are_one_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A glob is its files in sorted order; a list of paths is read in its own order; names stay as given."""
    monkeypatch.chdir(tmp_path)
    for name in "cab":
        Path(f"{name}.csv").write_text(f"text,label\n{name},x\n")

    assert load_examples("?.csv").inputs == ["a", "b", "c"]
    assert load_examples(["c.csv", Path("a.csv")]).table["file"].to_pylist() == ["c.csv", "a.csv"]
    write_examples(load_examples("?.csv"), "all.csv")
    assert Path("all.csv").read_text() == "text,label\na,x\nb,x\nc,x\n"


def test_kept_rows_can_be_written_alone(tmp_path: Path) -> None:
    """A subset is written with its own bytes, in its own order, under the one header."""
    (tmp_path / "a.csv").write_bytes(CSV)

    write_examples(load_examples(tmp_path / "a.csv").take(np.array([2, 0])), tmp_path / "b.csv")

    assert (tmp_path / "b.csv").read_bytes() == b"text,label,n\r\n,other,3\r\nwhere is my card?,card,1\r\n"


def test_original_rows_keep_all_fields(tmp_path: Path) -> None:
    """What the ledger shows of a row are its original fields, canonical or not, as JSON can hold them."""
    (tmp_path / "a.csv").write_bytes(CSV)
    rows = original_rows(load_examples(tmp_path / "a.csv"), [1])

    assert rows == [{"text": 'he said "né"\nand left', "label": "other", "n": "2"}]
    assert original_rows(load_examples(ROWS)) == ROWS
    assert original_rows(load_examples(TABLE), [0]) == ROWS[:1]


def test_tables_and_frames_are_read_as_they_are() -> None:
    """A pandas frame, a Dataset, an Arrow table and dicts give the same examples; Examples pass through."""
    import datasets
    import pandas as pd

    examples = load_examples(ROWS)
    for data in (pd.DataFrame(ROWS), datasets.Dataset.from_list(ROWS), TABLE, iter(ROWS)):
        assert load_examples(data).ids == examples.ids
    assert load_examples(examples) is examples


def test_class_numbers_are_read_as_class_names(tmp_path: Path) -> None:
    """A column that `datasets` knows to hold classes gives their names; the file keeps its numbers."""
    import datasets

    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"])})
    data = datasets.Dataset.from_dict({"text": ["a", "b", "c"], "label": [1, 0, -1]}, features=features)
    data.to_parquet(tmp_path / "a.parquet")

    for given in (data, tmp_path / "a.parquet"):
        examples = load_examples(given)
        assert examples.targets == ["pos", "neg"]
        assert examples.source["label"].to_pylist() == [1, 0]
        assert [bad.line for bad in examples.bad_rows] == [3]


def test_saved_datasets_name_their_split(tmp_path: Path) -> None:
    """A folder of `save_to_disk` is read; one with several splits is asked for by `folder:split`."""
    import datasets

    data = datasets.Dataset.from_list(ROWS)
    data.select([2, 0]).save_to_disk(tmp_path / "one")
    datasets.DatasetDict({"train": data, "test": data.select([1])}).save_to_disk(tmp_path / "two")

    assert load_examples(tmp_path / "one").inputs == ["", "where is my card?"]
    assert load_examples(f"{tmp_path / 'two'}:test").inputs == [ROWS[1]["text"]]
    with pytest.raises(DataError, match=r"two: name one of its splits, such as .*two:train \(splits: train, test\)"):
        load_examples(tmp_path / "two")
    (tmp_path / "two" / "dataset_dict.json").write_text('{"splits')
    with pytest.raises(DataError, match=r"two:train: not a whole saved dataset \(dataset_dict.json: "):
        load_examples(f"{tmp_path / 'two'}:train")
    next((tmp_path / "one").glob("*.arrow")).write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"one: not a whole saved dataset"):
        load_examples(tmp_path / "one")


def test_hub_ids_go_through_the_datasets_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder whose dataset card names its files is read by the library; an unreachable id is one clear error."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    write_parquet(pa.Table.from_pylist(ROWS), tmp_path / "some.parquet")
    write_parquet(pa.Table.from_pylist(ROWS[:1]), tmp_path / "other.parquet")
    (tmp_path / "README.md").write_text("---\nconfigs:\n- config_name: default\n  data_files: some.parquet\n---\n")

    assert load_examples(tmp_path).ids == load_examples(ROWS).ids
    with pytest.raises(DataError, match=r"nobody/nothing: neither a data file here nor a dataset that can be fetched"):
        load_examples("nobody/nothing")


def test_files_of_unlike_layout_are_refused(tmp_path: Path) -> None:
    """One input is written as one file, so its files must share format and header."""
    (tmp_path / "a.csv").write_text("text,label\na,x\n")
    (tmp_path / "b.csv").write_text('"text","label"\nb,y\n')
    (tmp_path / "c.csv").write_text("label,text\ny,b\n")
    (tmp_path / "d.jsonl").write_bytes(JSONL)

    assert load_examples([tmp_path / "a.csv", tmp_path / "b.csv"]).inputs == ["a", "b"]
    with pytest.raises(DataError, match=r"c.csv: its columns \['label', 'text'\] are not those of the files before it"):
        load_examples([tmp_path / "a.csv", tmp_path / "c.csv"])
    with pytest.raises(DataError, match=r"d.jsonl is jsonl and .*a.csv is csv"):
        load_examples([tmp_path / "a.csv", tmp_path / "d.jsonl"])


@pytest.mark.parametrize(
    ("name", "content", "written"),
    [
        ("lines.json", JSONL, "jsonl"),
        ("array.jsonl", b'[{"text":"a","label":"b"}]', "json"),
        ("pretty.jsonl", b'[\n {"text":"a",\n "label":"b"}\n]', "json"),
        ("noname.jsonl.gz", JSONL, "jsonl"),
    ],
)
def test_content_outranks_the_name(tmp_path: Path, name: str, content: bytes, written: str) -> None:
    """JSON lines in a `.json`, an array in a `.jsonl` and plain text in a `.gz` are read as what they are."""
    (tmp_path / name).write_bytes(content)

    assert load_examples(tmp_path / name).format == written


@pytest.mark.parametrize("wanted", ["yaml", "parquet"])
def test_a_format_that_cannot_hold_the_rows_is_refused(tmp_path: Path, wanted: str) -> None:
    """Rows of mixed types have no Parquet form, and unknown formats no writer; no file is left behind."""
    examples = load_examples([{"text": "a", "label": 1}, {"text": "b", "label": "x"}])

    with pytest.raises(DataError, match="write jsonl" if wanted == "parquet" else "yaml: unknown format"):
        write_examples(examples, tmp_path / "out", format=wanted)
    assert list(tmp_path.iterdir()) == []


def test_columnar_data_may_be_larger_than_one_block(tmp_path: Path) -> None:
    """Line numbers and order go on across the blocks in which large inputs are read."""
    rows: list[dict[str, Any]] = [{"text": f"text {n} " + "x" * 200, "label": n % 7} for n in range(70_000)]
    table = pa.Table.from_pylist(rows)
    write_parquet(table, tmp_path / "a.parquet")
    (tmp_path / "a.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))

    for name in ("a.parquet", "a.jsonl"):
        examples = load_examples(tmp_path / name)
        assert examples.table["line"].to_pylist() == list(range(1, 70_001))
        assert examples.targets[:8] == ["0", "1", "2", "3", "4", "5", "6", "0"]
        assert examples.inputs[-1] == rows[-1]["text"]
