"""A bad row is kept aside, a broken file is one clear error, and nothing is ever lost."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tunegate.core import streams
from tunegate.core.errors import DataError
from tunegate.core.formats import load_examples, original_rows, write_examples
from tunegate.core.records import Examples

GOOD = b'{"text":"good","label":"x"}'


def load_bytes(folder: Path, name: str, content: bytes, **options: Any) -> Examples:
    (folder / name).write_bytes(content)
    return load_examples(folder / name, **options)


@pytest.mark.parametrize(
    ("line", "reason", "kept"),
    [
        (b'{"text":"a"', "not JSON (unexpected end of data at character 12)", '{"text":"a"'),
        (b'{"text":"a","label":NaN}', "not JSON", '{"text":"a","label":NaN}'),
        (b'["a","x"]', "the line is JSON, but not an object", ["a", "x"]),
        (b'{"text":"\xff","label":"x"}', "byte 0xff at 10 is not UTF-8", '{"text":"\\xff","label":"x"}'),
        (b'{"text":"\\ud800","label":"x"}', "not JSON (no low surrogate", '{"text":"\\ud800","label":"x"}'),
        (b'{"text":"a\\u0000b","label":"x"}', "the input holds a NUL character at 2", {"text": "a\0b", "label": "x"}),
        (b'{"text":"a\0b","label":"x"}', "not JSON (unexpected control character", '{"text":"a\0b","label":"x"}'),
        (b'{"text":null,"label":"x"}', "'text' is null (columns: 'text', 'label')", {"text": None, "label": "x"}),
        (b'{"label":"x"}', "'text' is missing (columns: 'label')", {"label": "x"}),
        (b'{"text":5,"label":"x"}', "'text' is a number, not text", {"text": 5, "label": "x"}),
        (b'{"text":"a","label":{}}', "'label' is an object, not a label", {"text": "a", "label": {}}),
        (b'{"text":"a","label":0.5}', "'label' is the number 0.5, not a class", {"text": "a", "label": 0.5}),
        (b'{"prompt":"a","completion":"x"}', "'text' is missing (columns: 'prompt', 'completion')", None),
    ],
)
def test_a_bad_line_is_kept_aside(tmp_path: Path, line: bytes, reason: str, kept: Any) -> None:
    """Each way to be bad is told by file, line and reason, with what the line held; the others go on."""
    examples = load_bytes(tmp_path, "a.jsonl", b"\n".join([GOOD, GOOD, line, GOOD]))
    (bad,) = examples.bad_rows

    assert (bad.file, bad.line) == (str(tmp_path / "a.jsonl"), 3)
    assert bad.reason.startswith(reason)
    assert bad.row == (orjson.loads(line) if kept is None else kept)
    assert examples.table["line"].to_pylist() == [1, 2, 4]


@pytest.mark.parametrize(
    ("name", "content", "bad"),
    [
        ("a.csv", b"text,label\na,x\nb\nc,d,e\nf,y\n", [(3, "1 fields, the header has 2"), (4, "3 fields, the")]),
        ("a.csv", b'text,label\n"a,x\nb,y\nc,z\n', [(2, "not csv (a quote is opened and never closed)")]),
        ("a.csv", b'text,label\n"a"b,x\nc,z\n', [(2, "not csv (',' expected after '\"')")]),
        ("a.csv", b"text,label\na\xe9,x\nc,z\n", [(2, "byte 0xe9 at 2 is not UTF-8; re-save the file as UTF-8")]),
        ("a.csv", b"text,label\na\0,x\nc,z\n", [(2, "the input holds a NUL character at 2")]),
        ("a.tsv", b'text\tlabel\n"a\tx\nb\ty\nc"\tz\n', [(2, "not tsv (a quote is opened and closed only lines")]),
        ("a.json", b'[{"text":"a","label":"x"},7,{"text":"b"}]', [(2, "the element is not an object"), (3, "'label'")]),
    ],
)
def test_a_bad_record_is_kept_aside(tmp_path: Path, name: str, content: bytes, bad: list[tuple[int, str]]) -> None:
    """A record with a stray quote, a byte that is no UTF-8 or too many fields costs that record alone."""
    examples = load_bytes(tmp_path, name, content)

    assert [row.line for row in examples.bad_rows] == [line for line, _ in bad]
    assert all(row.reason.startswith(reason) for row, (_, reason) in zip(examples.bad_rows, bad, strict=True))
    assert len(examples) >= 1


def test_rows_in_memory_are_kept_aside_too() -> None:
    """Rows that are no dicts or hold lone surrogates are bad rows in a form that JSON can carry."""
    examples = load_examples([{"text": "a", "label": "x"}, 5, {"text": "\ud800", "label": "x"}])

    assert [(row.line, row.row) for row in examples.bad_rows] == [
        (2, 5),
        (3, "{'text': '\\ud800', 'label': 'x'}"),
    ]


def test_text_that_is_no_utf8_in_a_table_is_kept_aside(tmp_path: Path) -> None:
    """Arrow's readers let such bytes through; here they cost their row."""
    text = pa.array([b"a", b"b\xff", b"c"], pa.binary()).cast(pa.string(), safe=False)
    pq.write_table(pa.table({"text": text, "label": ["x", "y", "z"]}), tmp_path / "a.parquet")
    examples = load_examples(tmp_path / "a.parquet")

    assert examples.inputs == ["a", "c"]
    assert [(bad.line, bad.row) for bad in examples.bad_rows] == [(2, "b'b\\xff'")]


def test_a_damaged_table_is_never_touched(tmp_path: Path) -> None:
    """Offsets that point outside the file would read foreign memory; they are found before any value is."""
    offsets, data = pa.py_buffer(struct.pack("<3i", 0, 1_000_000, 2)), pa.py_buffer(b"ab")
    table = pa.table({"text": pa.StringArray.from_buffers(2, offsets, data), "label": ["x", "y"]})
    with pa.ipc.new_file(str(tmp_path / "a.arrow"), table.schema) as writer:
        writer.write_table(table)

    with pytest.raises(DataError, match=r"a.arrow:1: the column 'text' is damaged"):
        load_examples(tmp_path / "a.arrow")


@pytest.mark.parametrize("size", [10_000_000])
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_a_line_may_be_long(tmp_path: Path, name: str, size: int) -> None:
    """A line of 10 MB is a row like any other."""
    text = b"x" * size
    content = b'text,label\n"%s",a\nb,c\n' % text if name == "a.csv" else b'{"text":"%s","label":"a"}\n' % text + GOOD

    assert [len(text) for text in load_bytes(tmp_path, name, content).inputs] == [size, 1 if name == "a.csv" else 4]


def rows_of(count: int) -> bytes:
    return b"".join(b'{"text":"row %d of many","label":"%d"}\n' % (n, n * n % 97) for n in range(count))


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".zst", zstandard.compress)])
def test_a_truncated_file_is_an_error_unless_allowed(tmp_path: Path, suffix: str, pack: Any) -> None:
    """A compressed file that ends early names the line; with allow_partial its whole lines are kept, the rest aside."""
    packed = pack(rows_of(50_000))
    name = "a.jsonl" + suffix

    with pytest.raises(DataError, match=rf"{name}:\d+: the \w+ stream ends early.*--allow-partial"):
        load_bytes(tmp_path, name, packed[: len(packed) * 2 // 3])
    examples = load_examples(tmp_path / name, allow_partial=True)

    assert examples.inputs == [f"row {n} of many" for n in range(len(examples))]
    assert len(examples) > 10_000
    assert [bad.line for bad in examples.bad_rows] == [len(examples) + 1]
    assert rows_of(50_000).splitlines()[len(examples)].decode().startswith(examples.bad_rows[0].row)


def test_a_damaged_file_is_an_error_unless_allowed(tmp_path: Path) -> None:
    """Flipped bytes inside a gzip stream are found by its checksum or its codes."""
    packed = bytearray(gzip.compress(rows_of(50_000)))
    packed[len(packed) // 2 : len(packed) // 2 + 64] = b"\xff" * 64

    with pytest.raises(DataError, match="the gzip stream is damaged"):
        load_bytes(tmp_path, "a.jsonl.gz", bytes(packed))
    assert len(load_examples(tmp_path / "a.jsonl.gz", allow_partial=True)) > 10_000


def test_a_broken_array_keeps_its_whole_elements(tmp_path: Path) -> None:
    """A JSON array that ends early is an error; with allow_partial the elements before the end are kept."""
    content = b'[{"text":"a","label":"x"}, {"text":"b","label":"y"}, {"text":"c","la'

    with pytest.raises(DataError, match=r"a.json:3: not JSON .*--allow-partial"):
        load_bytes(tmp_path, "a.json", content)
    examples = load_examples(tmp_path / "a.json", allow_partial=True)

    assert examples.inputs == ["a", "b"]
    assert [(bad.line, bad.row) for bad in examples.bad_rows] == [(3, '{"text":"c","la')]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.jsonl", b"", "there is no row in it"),
        ("empty.parquet", b"", "there is no row in it"),
        ("blank.jsonl", b"\n \n", "there is no row in it"),
        ("header.csv", b"text,label\n", "there is no row in it"),
        ("random.jsonl", bytes(range(256)) * 40, ":1: this is a binary file, not text"),
        ("random.csv", bytes(range(256)) * 40, ":1: this is a binary file, not text"),
        ("sheet.csv", b"PK\x03\x04 and so on", "this is a zip or Excel file; save the sheet as CSV"),
        ("utf16.csv", "text,label\na,b\n".encode("utf-16"), "this is UTF-16 text; save it as UTF-8"),
        ("mac.csv", b"text,label\ra,b\r", "lines end in a bare carriage return"),
        (
            "semicolon.csv",
            b"text;label\na;b\n",
            "the header 'text;label' is one column, its fields are separated by semi",
        ),
        ("tabs.csv", b"text\tlabel\na\tb\n", "separated by tabs; name the file .tsv"),
        ("commas.tsv", b"text,label\na,b\n", "separated by commas; name the file .csv"),
        ("twice.csv", b"text,label,text\na,b,c\n", "the column 'text' occurs 2 times; rename one"),
        ("no.parquet", b"PAR1 but no more", "not a whole Parquet file"),
        ("no.arrow", b"ARROW1 but no more", "not a whole Arrow file"),
        ("object.json", b'{"text":"a",\n"label":"b"}', "a JSON file must hold one list of objects, this has no list"),
        ("lists.json", b'{"a":[{}],"b":[{}]}', "an object with 2 lists ('a', 'b')"),
        ("nulls.jsonl", b'{"text":null,"label":1}\n' * 3, ":1: no usable row; the first of 3: 'text' is null"),
        ("notes.txt", b"hello", "its name does not tell the format; end it in one of .jsonl"),
    ],
)
def test_a_hopeless_file_is_one_clear_error(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    """A file without a usable row is one error that names it and says what to do."""
    with pytest.raises(DataError) as caught:
        load_bytes(tmp_path, name, content)

    assert str(caught.value).startswith(str(tmp_path / name))
    assert message in str(caught.value)


def test_a_hopeless_file_among_others_may_be_allowed(tmp_path: Path) -> None:
    """With allow_partial an unreadable file costs that file; without, the run."""
    (tmp_path / "a.jsonl").write_bytes(GOOD)
    (tmp_path / "b.jsonl").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "c.jsonl").write_bytes(b"")

    with pytest.raises(DataError, match=r"b.jsonl:1: this is a binary file"):
        load_examples(str(tmp_path / "*.jsonl"))
    examples = load_examples(str(tmp_path / "*.jsonl"), allow_partial=True)

    assert examples.inputs == ["good"]
    assert [Path(bad.file).name for bad in examples.bad_rows] == ["b.jsonl"]


@pytest.mark.parametrize("data", ["nothing.jsonl", "*.nothing", [], 5, {"text": ["a"]}, "folder/that/is/not/there"])
def test_no_data_is_one_clear_error(data: Any) -> None:
    """What is no data at all is a DataError, not a traceback."""
    with pytest.raises(DataError):
        load_examples(data)


CHATS = [
    {"id": n, "messages": [{"role": "user", "content": f"q{n}é"}, {"role": "assistant", "content": "a" * n}]}
    for n in range(40)
]


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One small dataset in every format."""
    folder = tmp_path_factory.mktemp("whole")
    names = [f"a.{written}" for written in ("jsonl", "json", "csv", "tsv", "parquet", "arrow", "jsonl.gz", "csv.zst")]
    for name in names:
        write_examples(load_examples(CHATS), folder / name, format=name.split(".")[1])
    return {name: (folder / name).read_bytes() for name in names}


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_mutilated_file_is_rows_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, whole_files: dict[str, bytes], data: st.DataObject
) -> None:
    """Whatever happens to a file, it gives sound examples that can be written and read again, or a DataError."""
    name = data.draw(st.sampled_from(sorted(whole_files)))
    content = bytearray(whole_files[name])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        content[at : at + data.draw(st.sampled_from([0, 1, 50, 10_000]))] = data.draw(st.binary(max_size=4))
    folder = tmp_path_factory.mktemp("mutilated")
    try:
        examples = load_bytes(folder, name, bytes(content), allow_partial=data.draw(st.booleans()))
    except DataError:
        return
    write_examples(examples, folder / f"again-{name}")
    again = load_examples(folder / f"again-{name}", kind=examples.kind, columns=examples.columns)

    examples.table.validate(full=True)
    assert len(original_rows(examples)) == len(examples)
    assert (again.ids, again.bad_rows) == (examples.ids, ())
    assert len(orjson.dumps([bad.row for bad in examples.bad_rows])) >= 2


ODD_LINES = st.one_of(
    st.binary(max_size=30),
    st.sampled_from([GOOD, b"", b" ", b"\r", b"{}", b"[]", b"null", b'"', b'{"text":"a","label":"b"}\r', b"\0"]),
    st.builds(lambda text: orjson.dumps({"text": text, "label": text}), st.text(max_size=8)),
).map(lambda line: line.replace(b"\n", b""))


@settings(max_examples=200, deadline=None)
@given(lines=st.lists(ODD_LINES, max_size=12), ends=st.booleans())
def test_every_line_is_an_example_or_a_bad_row(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], ends: bool
) -> None:
    """Whatever the lines are, each that is not blank is one example or one bad row, at its own line."""
    content = b"\n".join([GOOD, *lines]) + (b"\n" if ends else b"")
    examples = load_bytes(tmp_path_factory.mktemp("odd"), "a.jsonl", content)
    places = sorted([*examples.table["line"].to_pylist(), *(bad.line for bad in examples.bad_rows)])

    assert places == [number for number, line in enumerate(content.split(b"\n"), 1) if line.strip()]
    raw = examples.source["raw"].to_pylist()
    assert [content.split(b"\n")[line - 1] for line in examples.table["line"].to_pylist()] == raw


CELLS = st.sampled_from(["a", "", '"', ",", "\n", "\r\n", "é", "x y", '""', "\t", "'", "\\"])


@settings(max_examples=200, deadline=None)
@given(pieces=st.lists(CELLS, max_size=40), file_format=st.sampled_from(["csv", "tsv"]))
def test_no_byte_of_a_delimited_file_is_lost(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[str], file_format: str
) -> None:
    """However records are broken, examples and bad rows together are the file's lines that are not blank, in order."""
    delimiter = "," if file_format == "csv" else "\t"
    head = f"text{delimiter}label\ngood{delimiter}x\n"
    content = (head + "".join(pieces)).encode()
    examples = load_bytes(tmp_path_factory.mktemp("odd"), f"a.{file_format}", content)
    rows = list(zip(examples.table["line"].to_pylist(), examples.source["raw"].to_pylist(), strict=True))
    rows += [(bad.line, bad.row.encode()) for bad in examples.bad_rows]

    found = b"\n".join(raw for _, raw in sorted(rows)).replace(b"\r", b"").split(b"\n")
    given_lines = content.replace(b"\r", b"").split(b"\n")[1:]
    assert [line for line in found if line] == [line for line in given_lines if line]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pieces=st.lists(CELLS, max_size=40), chunk=st.integers(30, 60), name=st.sampled_from(["a.csv", "a.tsv", "a.jsonl"])
)
def test_chunks_do_not_show(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, pieces: list[str], chunk: int, name: str
) -> None:
    """Wherever the file is cut while it is read, examples and bad rows are the same."""
    head = {"a.csv": b"text,label\ngood,x\n", "a.tsv": b"text\tlabel\ngood\tx\n", "a.jsonl": GOOD + b"\n"}[name]
    folder = tmp_path_factory.mktemp("cut")
    content = head + "".join(pieces).encode()
    at_once = load_bytes(folder, name, content)
    with monkeypatch.context() as patch:
        patch.setattr(streams, "CHUNK", chunk)
        in_pieces = load_examples(folder / name)

    assert in_pieces.table.to_pylist() == at_once.table.to_pylist()
    assert in_pieces.source.to_pylist() == at_once.source.to_pylist()
    assert in_pieces.bad_rows == at_once.bad_rows
