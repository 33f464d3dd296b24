"""Blocks of texts to the openings and closings of theirs that many share, compiled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .blocks import ASCII, Block
from .compiled import compiled
from .kernel_runs import make_scratch, place_row
from .kernel_words import Scratch, find_words, fold_ascii
from .shingles import Array


class Affixes(NamedTuple):
    """Openings, then closings, each the words of a folded text with single spaces between them."""

    letters: Array
    """uint8: their bytes, one after the other."""
    ends: Array
    """(k + 1,) int64: where each starts and ends."""
    words: Array
    """(k,) int64: how many words each has."""
    openings: int
    """How many of them are openings."""


def as_affixes(openings: Sequence[str], closings: Sequence[str]) -> Affixes:
    """Folded words as affixes, in the order in which they are tried."""
    words = [affix.strip().encode() for affix in (*openings, *closings)]
    return Affixes(
        np.frombuffer(b"".join(words), np.uint8),
        np.cumsum([0, *map(len, words)]),
        np.array([word.count(b" ") + 1 for word in words], np.int64),
        len(openings),
    )


@compiled
def strip_block(
    block: Block, affixes: Affixes, fixed: Array, removed: Array, out: tuple[Array, Array, Array]
) -> tuple[int, int]:
    """Find the first opening and closing that fits each row; something of a text always stays.

    Args:
        block: n rows.
        affixes: what is removed, in the order in which it is tried.
        fixed: (n,) bool: rows that keep what they have.
        removed: (n, 2) int64, receives the places of the opening and the closing among the affixes, else -1.
        out: (2n, 3) int64, receives row, start and end of what is removed from ASCII rows; (n, 2) int64, of each other
            row from which something is removed the row, and where its folded rest ends in the third, uint8.

    Returns:
        how many spans and how many rests there are.
    """
    scratch = make_scratch(block)
    spans, others, rests = out
    cut, other, total = 0, 0, np.int64(0)
    for row in range(block.kinds.shape[0]):
        removed[row, 0] = removed[row, 1] = -1
        if fixed[row]:
            continue
        start, stop = block.offsets[row], block.offsets[row + 1]
        is_ascii = block.kinds[row] == ASCII
        if is_ascii:
            fold_ascii(block.data, start, stop, scratch.text)
            start, stop = 0, stop - start
        else:
            start, stop = scratch.tail, place_row(block, row, scratch.text, scratch.tail)
        count = find_words(scratch.text, start, stop, not is_ascii, (scratch.starts, scratch.ends), 0)
        if count == 0:
            count = find_words(scratch.text, start, stop, True, (scratch.starts, scratch.ends), 0)
        first, last = fit_affixes(scratch, count, affixes, removed[row])
        if first == 0 and last == count:
            continue
        begin, end = np.int64(scratch.starts[first]), np.int64(scratch.ends[last - 1])
        if is_ascii:
            spans[cut, 0] = spans[cut + 1, 0] = row
            spans[cut, 1], spans[cut, 2], spans[cut + 1, 1], spans[cut + 1, 2] = 0, begin, end, stop
            cut += 2
        else:
            rests[total : total + end - begin] = scratch.text[begin:end]
            total += end - begin
            others[other, 0], others[other, 1] = row, total
            other += 1
    return cut, other


@compiled
def fit_affixes(scratch: Scratch, count: int, affixes: Affixes, removed: Array) -> tuple[int, int]:
    """First word and end of what is left of a row of `count` words; `removed` (2,) receives what went."""
    first, last = 0, count
    for at in range(affixes.words.shape[0]):
        size, side = affixes.words[at], int(at >= affixes.openings)
        if size >= last - first or removed[side] >= 0:
            continue
        if stands_at(scratch, last - size if side == 1 else first, affixes, at):
            removed[side] = at
            first, last = (first, last - size) if side == 1 else (first + size, last)
    return first, last


@compiled
def stands_at(scratch: Scratch, word: int, affixes: Affixes, at: int) -> bool:
    """Whether an affix stands in a text from a word on."""
    place, stop = affixes.ends[at], affixes.ends[at + 1]
    while place < stop:
        for i in range(np.int64(scratch.starts[word]), np.int64(scratch.ends[word])):
            if place >= stop or affixes.letters[place] != scratch.text[i]:
                return False
            place += 1
        if place < stop and affixes.letters[place] != 32:
            return False
        place += 1
        word += 1
    return True
