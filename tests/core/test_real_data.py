"""Every real dataset loads whole, and goes out as it came in."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from tunegate.core.formats import load_examples, write_examples

GIVEN = {
    "gsm8k_test.jsonl.gz": {"prompt": "original", "completion": "rephrased"},
    "humaneval.jsonl.gz": {"prompt": "original", "completion": "rephrased_python"},
    "mmlu.jsonl.gz": {"prompt": "original", "completion": "rephrased"},
}
"""Columns of files that no honest guess fits."""


@pytest.mark.parametrize(
    ("folder", "kind", "rows", "classes"),
    [
        ("labelled/banking77", "label", 13_083, 77),
        ("labelled/clinc150", "label", 23_700, 151),
        ("labelled/sms_spam", "label", 5_574, 2),
        ("labelled/snips", "label", 14_484, 7),
        ("labelled/sst2_sentences", "label", 9_613, 2),
        ("labelled/label_errors_20news", "label", 18_846, 20),
        ("instruct/gsm8k", "completion", 8_792, None),
        ("instruct/dolly_3k", "completion", 2_996, None),
        ("instruct/self_instruct_seeds", "completion", 427, None),
        ("instruct/gpteacher_toolformer", "completion", 7_673, None),
        ("instruct/rephrased_benchmarks", "completion", 1_968, None),
    ],
)
def test_every_dataset_loads_whole(
    shared_data: Path, tmp_path: Path, folder: str, kind: str, rows: int, classes: int | None
) -> None:
    """Kind and columns are recognised, no row is bad, and the bytes that go out are those that came in."""
    loaded, seen = 0, set()
    for path in sorted((shared_data / folder).glob("*.jsonl*")):
        examples = load_examples(path, columns=GIVEN.get(path.name))
        write_examples(examples, tmp_path / "out.jsonl")
        content = path.read_bytes()

        assert (examples.kind, examples.bad_rows) == (kind, ())
        assert (tmp_path / "out.jsonl").read_bytes() == (gzip.decompress(content) if path.suffix == ".gz" else content)
        loaded += len(examples)
        seen.update(examples.targets)

    assert loaded == rows
    assert classes is None or len(seen) == classes
