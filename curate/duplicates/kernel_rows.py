"""Texts from where they lie to where a block has them, compiled."""

from __future__ import annotations

import numpy as np

from .compiled import compiled, jit_enabled
from .shingles import Array

COMPILED = jit_enabled()
SPACE = 32
"""What cut bytes become."""


@compiled
def copy_bytes(source: Array, start: int, stop: int, out: Array, place: int) -> int:
    """Copy source[start:stop] to out[place:]; its end. Compiled slices are five times slower: they may overlap."""
    if COMPILED:
        first, at = np.uint64(start), np.uint64(place)
        for i in range(np.uint64(stop - start)):
            out[at + i] = source[first + i]
    else:
        out[place : place + stop - start] = source[start:stop]
    return place + stop - start


@compiled
def copy_texts(source: Array, starts: Array, stops: Array, glue: Array, out: Array, places: Array) -> None:
    """Append the glue and source[starts[i]:stops[i]] to what `out` has of text i, and move its place to the new end."""
    for text in range(places.shape[0]):
        place = copy_bytes(glue, 0, glue.shape[0], out, places[text])
        places[text] = copy_bytes(source, starts[text], stops[text], out, place)


@compiled
def blank(data: Array, offsets: Array, rows: Array, cut_rows: Array, spans: Array) -> None:
    """Write spaces over the spans, counted from the start of each row of the block; both lists of rows ascend."""
    low, high = 0, cut_rows.shape[0]
    first = rows[0] if rows.shape[0] > 0 else 0
    while low < high:  # the first span of the first row
        middle = (low + high) // 2
        if cut_rows[middle] < first:
            low = middle + 1
        else:
            high = middle
    for at in range(rows.shape[0]):
        while low < cut_rows.shape[0] and cut_rows[low] < rows[at]:
            low += 1
        while low < cut_rows.shape[0] and cut_rows[low] == rows[at]:
            data[offsets[at] + spans[low, 0] : offsets[at] + spans[low, 1]] = SPACE
            low += 1
