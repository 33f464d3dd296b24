"""Alike rows without their boilerplate to the same, with rows of one text under one representative again.

Boilerplate goes where it is a line of its own. Two rows of one folded text whose lines break at other places are still
the same text, though they were compared as different ones.
"""

from __future__ import annotations

import numpy as np

from .compared import combine
from .context import Array
from .duplicates.candidates import pack_pairs, representatives, unpack_pairs
from .duplicates.near_duplicates import NearDuplicates
from .duplicates.rows import Rows
from .template import Bare


def merge_whole_texts(
    near: NearDuplicates, rows: Rows, bare: Bare, words: Array, groups: Array | None
) -> NearDuplicates:
    """The same pairs, with rows of one folded text and group under one representative wherever their lines break.

    Texts of the same words in any order are few; only these are read again.

    Args:
        near: what was found among the bare rows.
        rows: n rows with their boilerplate.
        bare: the rows without it.
        words: (n,) uint64: a number for the words of each bare row in any order.
        groups: (n,) rows of different groups are not compared.
    """
    from .duplicates.sketches import numbers_of

    words = words + bare.gone
    words[bare.unsure] = numbers_of(rows, bare.unsure)[1]
    heads = np.flatnonzero(near.representative == np.arange(len(rows)))
    first = representatives(words[heads])
    likely = heads[np.bincount(first, minlength=1)[first] > 1]
    text = combine(None if groups is None else groups[likely], representatives(numbers_of(rows, likely)[0]))
    whole = np.arange(len(rows))
    whole[likely] = likely[text]
    return _merged(near, whole)


def _merged(near: NearDuplicates, whole: Array) -> NearDuplicates:
    """The same pairs, with representatives of one number (n,) under the first of them."""
    number = whole[near.representative]
    first = np.empty(int(whole.max(initial=-1)) + 1, np.int64)
    first[number[::-1]] = np.arange(len(number))[::-1]
    representative = first[number]
    one, two = representative[near.pairs].T.reshape(2, -1)
    pairs, at = np.unique(pack_pairs(one, two), return_index=True)
    low, high = unpack_pairs(pairs)
    distinct = low != high
    return NearDuplicates(
        pairs=np.stack((low, high), axis=1)[distinct],
        jaccard=near.jaccard[at[distinct]],
        representative=representative,
    )
