"""Rows to pairs of rows that are alike in every compared field, with the labels that separate duplicates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ..core.records import Examples
from .compared import codes, combine, compared_fields, comparison_groups, joined_rows
from .config import DedupConfig
from .context import Array
from .duplicates.near_duplicates import NearDuplicates, find_near_duplicates
from .template import Template, strip_rows
from .whole_texts import merge_whole_texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """Pairs of texts that are alike, and who carries which label."""

    near: NearDuplicates
    """Pairs of representatives, labels ignored."""
    labels: Array
    """(n,) label codes; all 0 where labels do not separate duplicates."""

    def same_label(self, alive: Array, *, with_pairs: bool) -> NearDuplicates:
        """The pairs among rows of one label; rows that are not alive stand alone."""
        rows = np.arange(len(alive))
        representative = combine(np.where(alive, self.near.representative, len(rows) + rows), self.labels)
        pairs, jaccard = self._labelled_pairs(alive) if with_pairs else (np.empty((0, 2), np.int64), np.empty(0))
        pairs = np.sort(representative[pairs], axis=1) if len(pairs) else pairs
        return NearDuplicates(pairs=pairs, jaccard=jaccard, representative=representative)

    def _labelled_pairs(self, alive: Array) -> tuple[Array, Array]:
        """Each pair of texts as pairs of living rows, one per label that both texts carry."""
        left, right, pair = self.expanded(alive)
        same = self.labels[left] == self.labels[right]
        return np.stack([left[same], right[same]], axis=1), self.near.jaccard[pair[same]]

    def expanded(self, alive: Array) -> tuple[Array, Array, Array]:
        """Each pair of texts as pairs of rows, one per (text, label): left rows, right rows, positions of the pair."""
        wanted = np.flatnonzero(alive & np.isin(self.near.representative, self.near.pairs))
        text, label = self.near.representative[wanted], self.labels[wanted]
        order = np.lexsort([wanted, label, text])
        fresh = np.ones(len(order), bool)
        fresh[1:] = (np.diff(text[order]) != 0) | (np.diff(label[order]) != 0)
        rows = wanted[order[fresh]]
        texts = self.near.representative[rows]
        left, pair = _members(texts, rows, self.near.pairs[:, 0])
        right, step = _members(texts, rows, self.near.pairs[pair, 1])
        return left[step], right, pair[step]


def _members(texts: Array, rows: Array, wanted: Array) -> tuple[Array, Array]:
    """All rows of each wanted text (`texts` is sorted, aligned with `rows`), and which wanted text each belongs to."""
    start, stop = np.searchsorted(texts, wanted, "left"), np.searchsorted(texts, wanted, "right")
    counts = stop - start
    which = np.repeat(np.arange(len(wanted)), counts)
    offset = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
    return rows[start[which] + offset], which


def find_alike(examples: Examples, template: Template, config: DedupConfig, *, rank: Array | None = None) -> Alike:
    """Pairs of rows whose compared fields, without the template, are alike at the threshold: whole and each field.

    Args:
        examples: n rows.
        template: words that most rows share and that are not compared.
        config: what is compared, and how.
        rank: (n,) survivor preference, by which the pairs of a crowd of like texts are chosen; none: all are alike.

    Raises:
        DataError: a column of `keep_columns` does not exist.
    """
    names = compared_fields(examples, config.key)
    columns = [examples.table[name] for name in names]
    groups = comparison_groups(examples, config)
    separates = examples.kind == "label" and "target" not in names
    labels = codes(examples.table["target"]) if separates else np.zeros(len(examples), np.int64)
    near = _near(columns, names, template, config, {"groups": groups, "rank": rank, "labels": labels})
    return Alike(near=near, labels=labels)


def _near(
    columns: list[pa.ChunkedArray],
    names: list[str],
    template: Template,
    config: DedupConfig,
    rows: Mapping[str, Array | None],
) -> NearDuplicates:
    """The search itself; `rows` says of each row its group, its rank and its label."""
    whole = joined_rows(columns)
    if not template or "input" not in names:
        return find_near_duplicates(whole, config=config, **rows)
    from .duplicates.pair_search import search_pairs

    bare = strip_rows(whole, template)
    groups = combine(rows["groups"], codes(pa.chunked_array([bare.codes])))
    pairs, jaccard, representative, words = search_pairs(bare.rows, config, **{**rows, "groups": groups})
    near = NearDuplicates(pairs=pairs, jaccard=jaccard, representative=representative)
    return merge_whole_texts(near, whole, bare, words, rows["groups"])
