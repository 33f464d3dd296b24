"""The narrow task as people get it: `python -m tunegate.examples.quickstart.make_data FOLDER`.

Writes train.jsonl (dirty), test.jsonl (clean, held-out wording), general.jsonl (text to replay) and truth.json: every
defect that was planted, by file, line and kind, so that curation can be scored. The same seed gives the same bytes.
"""

from __future__ import annotations

import itertools
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from .make_benchmarks import benchmark
from .messages import INTENTS, message
from .prose import replayed_passage

TRAIN_ROWS, TEST_ROWS = 140, 30
"""Sound rows of each intent."""
GENERAL_ROWS = 1500
ALIKE = 0.5
"""Jaccard similarity of word pairs from which on a fresh message is drawn again: only planted rows are near-copies."""
LEAKED_BENCHMARK = "sentiment"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A row that goes into the training file, and what is wrong with it."""

    line: str
    """JSON, or something that is none."""
    kind: str = ""
    """The planted defect, empty for a sound row."""
    note: str = ""
    """What the defect refers to: the copied text or the right label."""


def make_data(out: Path, *, seed: int = 0) -> None:
    """Write the four files into `out`."""
    random = Random(f"messages {seed}")
    train = list(_messages(random, TRAIN_ROWS, test=False))
    test = list(_messages(random, TEST_ROWS, test=True))
    planted = [Planted(line=_json(row)) for row in train] + _defects(random, train, test)
    random.shuffle(planted)
    random.shuffle(test)
    out.mkdir(parents=True, exist_ok=True)
    _write(out / "train.jsonl", [row.line for row in planted])
    _write(out / "test.jsonl", [_json(row) for row in test])
    general = Random(f"general {seed}")
    _write(out / "general.jsonl", [_json({"text": replayed_passage(general)}) for _ in range(GENERAL_ROWS)])
    defects = [
        {"file": "train.jsonl", "line": number, "kind": row.kind, "note": row.note}
        for number, row in enumerate(planted, start=1)
        if row.kind
    ]
    text = json.dumps({"seed": seed, "rows": len(planted), "defects": defects}, indent=1, ensure_ascii=False)
    (out / "truth.json").write_text(text + "\n", encoding="utf-8", newline="\n")


def _messages(random: Random, rows: int, *, test: bool) -> Iterator[Row]:
    """`rows` messages of each intent, no two of one intent alike."""
    for intent in INTENTS:
        seen: list[set[tuple[str, str]]] = []
        while len(seen) < rows:
            text = message(random, intent, test=test)
            pairs = _word_pairs(text)
            if all(len(pairs & other) < ALIKE * len(pairs | other) for other in seen):
                seen.append(pairs)
                yield {"text": text, "label": intent}


def _word_pairs(text: str) -> set[tuple[str, str]]:
    words = re.findall(r"\w+", text.lower())
    return set(itertools.pairwise(words))


def _defects(random: Random, train: list[Row], test: list[Row]) -> list[Planted]:
    """What goes wrong with real exports: copies, contradictions, slips, leaks and rubbish."""
    copied = random.sample(train, 20 + 25 + 12)
    exact, near, doubted = copied[:20], copied[20:45], copied[45:]
    leaked, slightly = random.sample(test, 8), random.sample(test, 6)
    fresh = [row for row in _messages(random, 3, test=False) if random.random() < 0.9]
    return [
        *(_plant({**row, "text": _reformat(random, row["text"])}, "exact-duplicate", row["text"]) for row in exact),
        *(_plant({**row, "text": _edit(random, row["text"])}, "near-duplicate", row["text"]) for row in near),
        *(_plant({**row, "label": _other(random, row["label"])}, "label-conflict", row["label"]) for row in doubted),
        *(_plant({**row, "label": _other(random, row["label"])}, "wrong-label", row["label"]) for row in fresh),
        *(_plant(row, "test-leak", row["text"]) for row in leaked),
        *(_plant({**row, "text": _reformat(random, row["text"])}, "test-leak", row["text"]) for row in slightly),
        *_benchmark_leaks(random),
        *_rubbish(random),
    ]


def _plant(row: Row, kind: str, note: str) -> Planted:
    return Planted(line=_json(row), kind=kind, note=note)


def _any(random: Random) -> str:
    return random.choice(list(INTENTS))


def _other(random: Random, label: str) -> str:
    return random.choice([intent for intent in INTENTS if intent != label])


def _reformat(random: Random, text: str) -> str:
    """The same words in other capitals, spaces and closing marks."""
    return random.choice((text, text.upper(), f"  {text}", text.rstrip(".!?") + "!!", text.replace(" ", "  ", 1)))


def _edit(random: Random, text: str) -> str:
    """The text with a word put before or after it: still the same message."""
    return random.choice((f"Hi. {text}", f"{text.rstrip('.!?')} please", f"{text.rstrip('.!?')} thanks"))


def _benchmark_leaks(random: Random) -> list[Planted]:
    """Whole benchmark items, pasted among the messages with some label."""
    items = random.sample(benchmark(LEAKED_BENCHMARK), 8)
    texts = [item["query"] + item["choices"][item["gold"]] for item in items]
    return [_plant({"text": text, "label": _any(random)}, "benchmark-leak", text) for text in texts]


def _rubbish(random: Random) -> list[Planted]:
    """Rows without content, with damaged text, or that are no rows at all."""
    placeholders = ("N/A", "test", "TODO", "n/a", "lorem ipsum", "asdf", "-", "xxx")
    damaged = (
        "the cafÃ© blender arrived in pieces",
        "I canâ€™t sign in to my account",
        "my order \ufffd\ufffd is late",
    )
    broken = (
        '{"text": "where is my parcel", "label": "deliv',
        "no JSON at all",
        '{"text": "I want to return the lamp"}',
        '{"text": null, "label": "refund"}',
    )
    return [
        *(_plant({"text": text, "label": _any(random)}, "placeholder", text) for text in placeholders),
        *(_plant({"text": text, "label": _any(random)}, "empty", "") for text in ("", "   ")),
        *(_plant({"text": text, "label": "delivery"}, "damaged-text", text) for text in damaged),
        *(Planted(line=line, kind="broken-row", note=line) for line in broken),
    ]


def _json(row: Row) -> str:
    return json.dumps(row, ensure_ascii=False)


def _write(path: Path, lines: list[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    make_data(Path(sys.argv[1]))
