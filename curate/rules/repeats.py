"""Answers to findings about repetition: answers that are the prompt again, or go round in circles.

Prompts that are compared word by word in Python are the few that a compiled bound lets through.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from itertools import accumulate

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...core.records import Examples, Finding
from ...core.texts import text_bytes
from ..config import CurateConfig
from ..context import Array, Context
from ..duplicates.blocks import take_rows
from ..duplicates.compiled import jit_enabled, map_threads
from ..duplicates.rows import as_rows
from ..folding import fold
from ..screen import SLICE_ROWS

REPEAT_RATIO = 0.8
"""Shares of prompt and answer lengths between which one can be a mere repetition of the other."""
REPEAT_WORDS = 4
"""Shorter answers may repeat their prompt by right."""

LOOP_WORDS = 100
"""Shorter answers may repeat themselves by right."""
LOOP_BYTES = 3 * LOOP_WORDS
"""Shorter texts hold fewer words, or hardly any but symbols."""
LOOP_RUN = 4
"""Words in a run that repeats."""
LOOP_COMPRESSED = 0.35
"""Prose compresses to half; only what compresses to this share is a loop."""


def find_repeated_prompts(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:  # noqa: ARG001
    """Answers that are the prompt again."""
    prompts, answers = examples.table["input"], examples.table["target"]
    ratio = pc.divide(
        pc.cast(pc.utf8_length(answers), "float64"),
        pc.max_element_wise(pc.cast(pc.utf8_length(prompts), "float64"), 1.0),
    )
    alike = pc.and_(pc.greater_equal(ratio, REPEAT_RATIO), pc.less_equal(ratio, 1 / REPEAT_RATIO)).to_numpy()
    likely = np.flatnonzero(_may_contain(prompts, answers, alike))
    texts = zip(take_rows(prompts, likely).to_pylist(), take_rows(answers, likely).to_pylist(), strict=True)
    for row, (prompt, answer) in zip(likely.tolist(), texts, strict=True):
        asked, said = fold(prompt), fold(answer)
        if said.count(" ") < REPEAT_WORDS - 1 or not (said in asked or asked in said):
            continue
        yield Finding(row=row, rule="repeats-prompt", severity="warning", reason="The answer only repeats the prompt.")


def _may_contain(one: pa.ChunkedArray, two: pa.ChunkedArray, among: Array) -> Array:
    """(n,) bool: pairs of texts, under a mask, of which one may stand in the other; all where nothing is compiled."""
    if not jit_enabled():
        return among
    from .repeat_kernel import may_contain

    def work(batch: tuple[int, pa.RecordBatch]) -> Array:
        first, columns = batch
        found = among[first : first + len(columns)].copy()
        may_contain(*text_bytes(columns[0]), *text_bytes(columns[1]), found)
        return found

    batches = pa.table([one, two], ["one", "two"]).to_batches(SLICE_ROWS)
    firsts = accumulate(map(len, batches), initial=0)
    return np.concatenate([np.empty(0, np.bool_), *map_threads(work, zip(firsts, batches, strict=False))])


def find_loops(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:  # noqa: ARG001
    """Long answers that say the same again and again."""
    column, least = examples.table["target"], config.quality.repetition_share
    for row, share in zip(*_repeated_shares(column, least), strict=True):
        data = column[row].as_py().encode()
        if len(zlib.compress(data, 1)) <= LOOP_COMPRESSED * len(data):
            yield Finding(
                row=row,
                rule="repetition",
                severity="warning",
                reason=f"{share:.0%} of the answer's {LOOP_RUN}-word runs are repetitions.",
                score=share,
            )


def _repeated_shares(column: pa.ChunkedArray, least: float) -> tuple[list[int], list[float]]:
    """Texts of at least LOOP_WORDS words, of whose runs such a share or more are repetitions; and their shares."""
    long = np.flatnonzero(pc.binary_length(column).to_numpy() >= LOOP_BYTES)
    if not len(long):
        return [], []
    from ..duplicates.sketches import count_shingles

    runs, different = count_shingles(as_rows(column), long, LOOP_RUN)
    shares = 1 - different / np.maximum(runs, 1)
    found = (runs > LOOP_WORDS - LOOP_RUN) & (shares >= least)
    return long[found].tolist(), shares[found].tolist()
