"""Blocks of texts to the same texts without the openings and closings that many share, compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .blocks import ASCII, Block
from .compiled import compiled
from .kernel import make_scratch, place_row
from .kernel_shingles import find_row_words, fold_ascii
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


@compiled
def strip_block(block: Block, affixes: Affixes, out: Array, ends: Array, removed: Array) -> None:
    """Write each row, folded or fit to be folded, without the first opening and closing that fits, to `out` (uint8).

    Args:
        block: n rows.
        affixes: what is removed, in the order in which it is tried; something of a text always stays.
        out: room for all rows.
        ends: (n + 1,) int64, receives where each row ends.
        removed: (n, 2) int64, receives the places of the opening and the closing among the affixes, else -1.
    """
    scratch = make_scratch(block)
    text, edges, total = scratch.text, scratch.edges, 0
    ends[0] = 0
    for row in range(block.kinds.shape[0]):
        start, stop = block.offsets[row], block.offsets[row + 1]
        if block.kinds[row] == ASCII:
            fold_ascii(block.data, start, stop, text)
            start, stop = 0, stop - start
        else:
            start, stop = place_row(block, row, scratch)
        count = find_row_words(scratch, start, stop, block.kinds[row] != ASCII)
        first, last = 0, count
        removed[row, 0] = removed[row, 1] = -1
        for at in range(affixes.words.shape[0]):
            size = affixes.words[at]
            is_closing = at >= affixes.openings
            if size >= last - first or removed[row, int(is_closing)] >= 0:
                continue
            if stands_at(text, edges, last - size if is_closing else first, affixes, at):
                removed[row, int(is_closing)] = at
                first, last = (first, last - size) if is_closing else (first + size, last)
        if count > 0:
            kept = text[np.int64(edges[2 * first]) : np.int64(edges[2 * last - 1])]
            out[total : total + kept.shape[0]] = kept
            total += kept.shape[0]
        ends[row + 1] = total


@compiled
def stands_at(text: Array, edges: Array, word: int, affixes: Affixes, at: int) -> bool:
    """Whether an affix stands in a text from a word on."""
    place, stop = affixes.ends[at], affixes.ends[at + 1]
    while place < stop:
        for i in range(np.int64(edges[2 * word]), np.int64(edges[2 * word + 1])):
            if place >= stop or affixes.letters[place] != text[i]:
                return False
            place += 1
        if place < stop and affixes.letters[place] != 32:
            return False
        place += 1
        word += 1
    return True
