"""Rows accepted on earlier days, kept as an index on disk, to findings about today's rows; and today's rows to it.

Each compared field has an index of its own, and a row is a duplicate where one accepted row is alike in all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from ..core.records import Curation, Examples, Finding
from .compared import compared_fields
from .config import CurateConfig, DedupConfig
from .context import Context
from .duplicates.index import append_to_index, create_index, search_index
from .template import detect_template, strip_template

NO_LABEL = "-"


def find_accepted(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:
    """Rows that an accepted row of the same label stands for already, and rows that contradict one.

    Raises:
        DataError: the index was made with other settings.
        IntegrityError: the index is damaged.
    """
    if context.accepted is None or not Path(context.accepted).exists() or not len(examples):
        return
    matches = _matches(examples, config.dedup, Path(context.accepted))
    marks = _label_marks(examples, range(len(examples)))
    for row, known in sorted(matches.items()):
        same = [(score, key) for key, score in known.items() if key.partition(":")[2] == marks[row]]
        score, key = max(same) if same else max((score, key) for key, score in known.items())
        yield Finding(
            row=row,
            rule="accepted-duplicate" if same else "accepted-conflict",
            severity="warning" if same else "error",
            reason=f"A row accepted earlier is {score:.0%} alike" + ("." if same else " and has another label."),
            score=score,
            evidence={"accepted_id": key.partition(":")[0], "jaccard": round(score, 6)},
        )


def accept_rows(curation: Curation, index: Path, *, config: CurateConfig) -> int:
    """Add the kept rows to the index, so that later files are compared with them; the rows it then has.

    Raises:
        DataError: the index was made with other settings.
        IntegrityError: the index is damaged.
    """
    rows = curation.kept.tolist()
    ids = curation.examples.table["id"].take(pa.array(rows, pa.int64())).to_pylist()
    marks = _label_marks(curation.examples, rows)
    keys = [f"{row_id}:{mark}" for row_id, mark in zip(ids, marks, strict=True)]
    total = 0
    for name, texts in _fields(curation.examples, config.dedup).items():
        path = Path(index) / name
        if not path.exists():
            create_index(path, config=config.dedup)
        total = append_to_index(path, [texts[row] for row in rows], keys, config=config.dedup)
    return total


def _matches(examples: Examples, config: DedupConfig, index: Path) -> dict[int, dict[str, float]]:
    """Row → key of an accepted row → similarity of the least alike field."""
    found: dict[int, dict[str, float]] | None = None
    for name, texts in _fields(examples, config).items():
        matches = search_index(index / name, texts, config=config)
        scores: dict[int, dict[str, float]] = {}
        for (row, _), score, key in zip(matches.pairs.tolist(), matches.jaccard.tolist(), matches.ids, strict=True):
            least = score if found is None else min(score, found.get(row, {}).get(key, 0.0))
            if least:
                scores.setdefault(row, {})[key] = least
        found = scores
    return found or {}


def _fields(examples: Examples, config: DedupConfig) -> dict[str, list[str]]:
    """The compared fields as texts, the input without the template."""
    fields = {name: examples.table[name].to_pylist() for name in compared_fields(examples, config.key)}
    template = detect_template(examples, config.template_share)
    if template and "input" in fields:
        fields["input"] = strip_template(fields["input"], template)[0]
    return fields


def _label_marks(examples: Examples, rows: Sequence[int]) -> list[str]:
    """A short hash of each row's label; one mark for all where labels do not separate duplicates."""
    if examples.kind != "label":
        return [NO_LABEL] * len(rows)
    labels = examples.table["target"].take(pa.array(rows, pa.int64())).to_pylist()
    return [hashlib.blake2b(label.encode(), digest_size=4).hexdigest() for label in labels]
