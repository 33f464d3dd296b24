"""Texts from where they lie to where a block has them, compiled."""

from __future__ import annotations

from .compiled import compiled
from .shingles import Array

SPACE = 32
"""What cut bytes become."""


@compiled
def copy_texts(source: Array, starts: Array, stops: Array, glue: Array, out: Array, places: Array) -> None:
    """Append the glue and source[starts[i]:stops[i]] to what `out` has of text i, and move its place to the new end."""
    for text in range(places.shape[0]):
        place, size = places[text], stops[text] - starts[text]
        if glue.shape[0] > 0:
            out[place : place + glue.shape[0]] = glue
            place += glue.shape[0]
        out[place : place + size] = source[starts[text] : stops[text]]
        places[text] = place + size


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
