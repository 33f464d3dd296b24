"""Rows to the same rows without known lines, and without the openings and closings that many of them share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from .compiled import map_threads
from .rows import Cuts, Replaced, Rows
from .shingles import Array
from .unicode_table import GROWTH

SPANS_A_ROW = 4
"""Known lines of a row that there is room for at first."""


def strip_lines(rows: Rows, lines: Iterable[str]) -> tuple[Rows, Array, Array]:
    """The rows without the lines of their first field that are known.

    Args:
        rows: n rows.
        lines: known lines, without white space at their ends.

    Returns:
        the rows; (n,) uint64 a number for the known lines that stand in each, 0 for none; and (n, 2) bool which rows
        are nothing but known lines, and keep them, and in which an ASCII letter or digit is left.
    """
    from .kernel_lines import as_lines, find_lines

    known, n = as_lines(lines), len(rows)
    ways, marks = np.zeros(n, np.uint64), np.zeros((n, 2), np.bool_)

    def work(piece: tuple[int, int]) -> Array:
        first, stop = piece
        data, offsets = rows.first_field(first, stop)
        spans = np.empty((SPANS_A_ROW * (stop - first), 3), np.int32)
        while True:
            count = find_lines(data, offsets, known, spans, ways[first:stop], marks[first:stop])
            if count <= len(spans):
                break
            spans = np.empty((count, 3), np.int32)
        found = spans[:count].astype(np.int64)
        found[:, 0] += first
        return found

    parts = [np.empty((0, 3), np.int64), *map_threads(work, rows.pieces() if len(known.ends) > 1 else ())]
    cuts = np.concatenate(parts)
    return replace(rows, cuts=Cuts(cuts[:, 0].copy(), cuts[:, 1:].astype(np.int32))), ways, marks


def strip_affixes(rows: Rows, openings: Sequence[str], closings: Sequence[str], fixed: Array) -> tuple[Rows, Array]:
    """The rows without an opening and a closing of their first field.

    Args:
        rows: n rows.
        openings: folded words and a space each; the first that fits is removed.
        closings: a space and folded words each.
        fixed: (n,) bool: rows that stay as they are.

    Returns:
        the rows; and (n, 2) int64 places in `[*openings, *closings]`, -1 where none fits.
    """
    from .kernel_affixes import as_affixes, strip_block

    removed = np.full((len(rows), 2), -1, np.int64)
    if not openings and not closings:
        return rows, removed
    affixes, texts = as_affixes(openings, closings), rows.field(0)

    def work(piece: tuple[int, int]) -> tuple[Array, Array, Array, Array]:
        first, stop = piece
        block = texts.block(first, stop)
        grown = GROWTH if len(block.table.entries) else 1
        out = np.empty(int(block.offsets[-1] - block.offsets[0]) * grown + len(block.side), np.uint8)
        spans, others = np.empty((2 * (stop - first), 3), np.int64), np.empty((stop - first, 2), np.int64)
        cut, other = strip_block(block, affixes, fixed[first:stop], removed[first:stop], (spans, others, out))
        spans[:cut, 0] += first
        size = others[other - 1, 1] if other else 0
        return spans[:cut], first + others[:other, 0], np.diff(others[:other, 1], prepend=0), out[:size].copy()

    none = np.empty((0, 3), np.int64), np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint8)
    spans, others, sizes, data = map(np.concatenate, zip(none, *map_threads(work, rows.pieces()), strict=True))
    replaced = Replaced(others, data, np.concatenate(([0], np.cumsum(sizes))))
    return replace(rows, cuts=_with_spans(rows.cuts, spans, others), replaced=replaced), removed


def _with_spans(cuts: Cuts, spans: Array, others: Array) -> Cuts:
    """The cuts and more of them (k, 3: row, start and end), but none of the rows that are others now."""
    kept = ~np.isin(cuts.rows, others)
    rows = np.concatenate((cuts.rows[kept], spans[:, 0]))
    order = np.argsort(rows, kind="stable")
    return Cuts(rows[order], np.concatenate((cuts.spans[kept], spans[:, 1:].astype(np.int32)))[order])
