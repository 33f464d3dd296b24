"""Many texts to the few that share a run of words with some phrases: one vectorised pass over all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..context import Array
from ..folding import ASCII_SYMBOLS, fold

RUN = 6
"""Words of a shared run; whatever shares a longer one shares this."""
BLOCK = 50_000
"""Texts split into words at a time, which bounds the memory."""
BASE = np.int64(1_000_003)
"""Multiplier of the rolling hash of word numbers, modulo 2^64; candidates are checked word by word afterwards."""
SYMBOL = f"([{re.escape(ASCII_SYMBOLS)}])"
NO_WORDS = f"[^a-z0-9_{re.escape(ASCII_SYMBOLS)}]+"
BEYOND = r"[^\x00-\x7f]|(?:^|[^A-Za-z0-9_-])-[$.]*[0-9]"
"""What Arrow cannot fold: characters that are not ASCII, and negative numbers."""


def rows_sharing_runs(column: pa.ChunkedArray, phrases: Iterable[list[str]]) -> Array:
    """Positions of the texts that share a run of `RUN` folded words with any phrase (lists of folded words)."""
    kept = [words for words in phrases if len(words) >= RUN]
    vocabulary = pa.array(sorted({word for words in kept for word in words}), pa.large_string())
    if not len(vocabulary):
        return np.empty(0, dtype=np.int64)
    numbers = {word: number for number, word in enumerate(vocabulary.to_pylist())}
    wanted = [_run_hashes(np.array([numbers[word] for word in words], dtype=np.int64)) for words in kept]
    targets = np.unique(np.concatenate(wanted))
    blocks = [
        start + _matching(column.slice(start, BLOCK), vocabulary, targets) for start in range(0, len(column), BLOCK)
    ]
    return np.concatenate(blocks) if blocks else np.empty(0, dtype=np.int64)


def _matching(column: pa.ChunkedArray, vocabulary: pa.Array, targets: Array) -> Array:
    words = pc.split_pattern_regex(fold_column(column), " +").combine_chunks()
    codes = pc.fill_null(pc.index_in(words.flatten(), value_set=vocabulary), -1).to_numpy().astype(np.int64)
    ends = np.cumsum(pc.list_value_length(words).to_numpy())
    if len(codes) < RUN:
        return np.empty(0, dtype=np.int64)
    hashes = _run_hashes(codes)
    starts = np.flatnonzero(np.isin(hashes, targets) & _all_known(codes))
    rows = np.searchsorted(ends, starts, side="right")
    return np.unique(rows[starts + RUN <= ends[rows]])


def fold_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """`fold` at the speed of Arrow, but that an ASCII text without a word becomes empty."""
    parted = pc.replace_substring_regex(pc.ascii_lower(column), SYMBOL, r" \1 ")
    folded = pc.utf8_trim(pc.replace_substring_regex(parted, NO_WORDS, " "), " ")
    beyond = pc.match_substring_regex(column, BEYOND)
    if not pc.any(beyond).as_py():
        return folded
    slow = pa.array([fold(text) for text in column.filter(beyond).to_pylist()], pa.large_string())
    whole = pa.chunked_array([folded.combine_chunks()]).combine_chunks()
    mask = pa.chunked_array([beyond.combine_chunks()]).combine_chunks()
    return pa.chunked_array([pc.replace_with_mask(whole, mask, slow)])


def _run_hashes(codes: Array) -> Array:
    """(m - RUN + 1,) int64: rolling hash of every run of word numbers."""
    hashes = np.zeros(len(codes) - RUN + 1, dtype=np.int64)
    with np.errstate(over="ignore"):
        for offset in range(RUN):
            hashes = hashes * BASE + (codes[offset : len(codes) - RUN + 1 + offset] + 1)
    return hashes


def _all_known(codes: Array) -> Array:
    unknown = np.cumsum(np.concatenate([[0], codes < 0]))
    return np.asarray(unknown[RUN:] == unknown[:-RUN])
