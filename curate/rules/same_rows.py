"""Rows to findings about sameness: exact and near-duplicates, label conflicts, prompts with several answers.

Near-duplicates are looked for once, whatever the label. Pairs with one label make duplicates, pairs with two make
conflicts, so that two labels of one text never collapse silently into one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from ...core.records import Examples, Finding
from ..alike import find_alike
from ..answers import find_several_answers
from ..config import CurateConfig
from ..conflicts import find_conflicts
from ..context import Array, Context
from ..duplicates.candidates import best_rows, representatives
from ..duplicates.near_duplicates import star_clusters
from ..folding import fold
from ..ranking import id_numbers, survivor_rank
from ..template import Template, detect_template

TEMPLATE_ROUNDS = 4
"""A template is detected among the survivors, who depend on the template; this settles at once on all but odd data."""


def find_same_rows(examples: Examples, config: CurateConfig, context: Context) -> list[Finding]:
    """Duplicates cite a surviving row; conflicts cite the other members.

    What is found among the survivors alone is nothing new: curating them again drops no duplicate.
    """
    if not len(examples):
        return []
    rank = survivor_rank(examples, config.dedup.survivor, context)
    detect = partial(
        detect_template, examples, config.dedup.template_share, fold=cache(fold), numbers=id_numbers(examples)
    )
    template = detect()
    for _ in range(TEMPLATE_ROUNDS):
        findings, stays = _compare(examples, template, config, rank)
        settled = detect(rows=stays)
        if settled == template:
            break
        template = settled
    return findings + find_several_answers(examples, stays)


def _compare(examples: Examples, template: Template, config: CurateConfig, rank: Array) -> tuple[list[Finding], Array]:
    """Findings under one template, and the rows that stay if all duplicates go."""
    alike = find_alike(examples, template, config.dedup, rank=rank)
    conflicts = find_conflicts(examples, alike, config, rank)
    lost = {finding.row for finding in conflicts if finding.evidence["outcome"] == "drop"}
    alive = np.array([row not in lost for row in range(len(examples))]) if lost else np.ones(len(examples), bool)
    near_drops = config.rules.get("near-duplicate", "drop") == "drop"
    exact, _ = star_clusters(alike.same_label(alive, with_pairs=False), rank)
    survivor, jaccard = star_clusters(alike.same_label(alive, with_pairs=True), rank)
    cited = survivor if near_drops else np.where(exact != np.arange(len(exact)), exact, survivor)
    copies = _Copies(survivor=cited, exact=exact, jaccard=jaccard, is_byte_copy=_byte_copies(examples, rank))
    return [*conflicts, *_duplicates(copies)], np.flatnonzero(alive & (cited == np.arange(len(cited))))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copies:
    """Per row: who stands for it, and how alike the two are."""

    survivor: Array
    exact: Array
    jaccard: Array
    is_byte_copy: Array


def _duplicates(copies: _Copies) -> Iterator[Finding]:
    """One finding per row that another stands for."""
    for row in np.flatnonzero(copies.survivor != np.arange(len(copies.survivor))).tolist():
        score = float(copies.jaccard[row]) if copies.survivor[row] != copies.exact[row] else 1.0
        if copies.exact[row] != row:
            how = "byte for byte" if copies.is_byte_copy[row] else "apart from case, punctuation and spacing"
            rule, reason = "exact-duplicate", f"Another row says the same {how}."
            if score < 1:
                reason += f" Of those alike, the one that stays shares {score:.0%} of its shingles."
        else:
            rule, reason = (
                "near-duplicate",
                f"A row that stays shares {score:.0%} of its shingles (Jaccard similarity).",
            )
        yield Finding(
            row=row,
            rule=rule,
            severity="warning",
            reason=reason,
            score=score,
            evidence={"jaccard": round(score, 6)},
            related=int(copies.survivor[row]),
        )


def _byte_copies(examples: Examples, rank: Array) -> Array:
    """(n,) bool: whether a better-ranked row has the same content id."""
    is_copy: Array = best_rows(representatives(id_numbers(examples)), rank) != np.arange(len(examples))
    return is_copy
