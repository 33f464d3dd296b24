"""Real sentences to corpora of short examples with planted near-duplicates, cached outside the repository.

Sentences of public instruction and text data (the folder given) are recombined into examples of about 74 words, half
of them under an instruction template. One in five is an edited copy of an earlier one (case, punctuation, one to eight
words changed, text appended or cut off), and one in twelve fills a fixed template, alike but no copy. Sentences recur,
as they do in instruction data; the texts are recombined, not natural wholes.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

CACHE = Path(tempfile.gettempdir()) / "tunegate-benchmarks"
SOURCES = (
    "instruct/*/train.jsonl.gz",
    "text/*/train.jsonl.gz",
    "labelled/sst2_sentences/train.jsonl.gz",
    "labelled/label_errors_20news/train.jsonl.gz",
)
PLAIN_FIELDS = ("text", "question", "answer", "instruction", "input", "output", "body")
INSTRUCTIONS = (
    "Below is an instruction that describes a task. Write a response that appropriately completes the request.",
    "Classify the sentiment of the following text as positive or negative.",
    "Summarise the passage below in one sentence.",
    "Answer the question about the text.",
    "Rewrite the paragraph so that a child can understand it.",
    "Decide whether the second sentence follows from the first.",
)
FILL = (
    "Dear customer {0}, your order {1} of {2} {3} was sent on day {4} "
    "and will reach you in {5} days. Reply {6} to stop."
)


def load_texts(name: str, rows: int, data: Path) -> Path:
    """The Arrow file of the corpus `name`, made of `rows` examples if it is not cached yet; column `text`."""
    path = CACHE / f"{name}-{rows}.arrow"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        texts = pa.array(recombine(read_sentences(data), rows), type=pa.large_string())
        write_arrow(path, [texts])
    return path


def load_rotated(source: Path, copies: int) -> Path:
    """An Arrow file with `copies` of a corpus, each with its letters rotated, so that copies share no words."""
    path = source.with_name(f"{source.stem}-x{copies}.arrow")
    if not path.exists():
        write_arrow(path, (rotate(chunk, turn) for turn in range(copies) for chunk in read_arrow(source).chunks))
    return path


def rotate(chunk: pa.Array, turn: int) -> pa.Array:
    """The same texts with every ASCII letter moved on by `turn` letters."""
    table = np.arange(256, dtype=np.uint8)
    for first in (65, 97):
        table[first : first + 26] = first + (np.arange(26) + turn) % 26
    _, offsets, data = chunk.buffers()
    turned = pa.py_buffer(table[np.frombuffer(data, dtype=np.uint8)])
    return pa.Array.from_buffers(pa.large_string(), len(chunk), [None, offsets, turned], offset=chunk.offset)


def write_arrow(path: Path, chunks: Iterator[pa.Array] | list[pa.Array]) -> None:
    """Write chunks of texts as an Arrow file that can be memory-mapped."""
    fresh = path.with_suffix(".part")
    schema = pa.schema([("text", pa.large_string())])
    with pa.OSFile(str(fresh), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for chunk in chunks:
            for start in range(0, len(chunk), 1 << 17):
                writer.write_batch(pa.record_batch([chunk[start : start + (1 << 17)]], schema=schema))
    fresh.rename(path)


def read_arrow(path: Path) -> pa.ChunkedArray:
    """The texts, memory-mapped."""
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()["text"]


def read_sentences(data: Path) -> list[str]:
    """Different sentences of 4 to 40 words, in a fixed order."""
    found: dict[str, None] = {}
    for pattern in SOURCES:
        for file in sorted(data.glob(pattern)):
            for line in gzip.decompress(file.read_bytes()).splitlines():  # bytes: U+2028 in a text ends no line
                row = json.loads(line)
                for field in PLAIN_FIELDS:
                    for sentence in re.split(r"(?<=[.!?])\s+|\n\n", str(row.get(field) or "")):
                        if 4 <= sentence.count(" ") <= 40:
                            found[" ".join(sentence.split())] = None
    if not found:
        raise SystemExit(f"{data}: no sentences found; give the folder of the shared datasets with --data")
    return list(found)


def recombine(sentences: list[str], rows: int) -> list[str]:
    """Examples, one in five an edited copy of an earlier one."""
    draw = random.Random(20)
    vocabulary = sorted({word for sentence in sentences[:20_000] for word in sentence.split()})
    texts: list[str] = []
    for _ in range(rows):
        kind = draw.random()
        if kind < 0.2 and texts:
            texts.append(edit(texts[int(draw.random() * len(texts))], draw, vocabulary))
        elif kind < 0.28:
            texts.append(FILL.format(*(draw.choice(vocabulary) for _ in range(7))))
        else:
            texts.append(compose(sentences, draw))
    return texts


def compose(sentences: list[str], draw: random.Random) -> str:
    """A new example of 30 to 120 words."""
    wanted, parts = draw.randint(25, 105), []
    while sum(part.count(" ") + 1 for part in parts) < wanted:
        parts.append(sentences[int(draw.random() * len(sentences))])
    return (draw.choice(INSTRUCTIONS) + "\n\n" if draw.random() < 0.5 else "") + " ".join(parts)


def edit(text: str, draw: random.Random, vocabulary: list[str]) -> str:
    """A near-duplicate of a text."""
    how = draw.choice(("same", "case", "punctuation", "words", "words", "words", "append", "cut"))
    words = text.split(" ")
    if how == "case":
        return text.upper() if draw.random() < 0.3 else text.capitalize()
    if how == "punctuation":
        return re.sub(r"[.,]", lambda _: draw.choice((";", "!", " ,", "")), text) + "."
    if how == "words":
        for _ in range(draw.randint(1, 8)):
            words[draw.randrange(len(words))] = draw.choice(vocabulary)
    if how == "append":
        words += [draw.choice(vocabulary) for _ in range(draw.randint(1, 10))]
    if how == "cut":
        words = words[: max(4, int(len(words) * draw.uniform(0.7, 0.98)))]
    return " ".join(words)
