"""Rows to findings about sameness: exact and near-duplicates, label conflicts, prompts with several answers.

Near-duplicates are looked for once, whatever the label. Pairs with one label make duplicates, pairs with two make
conflicts, so that two labels of one text never collapse silently into one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import orjson

from ...core.compiled import begun
from ...core.findings import Findings
from ...core.records import Examples
from ..alike import find_alike
from ..answers import find_several_answers, prompt_numbers
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


def find_same_rows(examples: Examples, config: CurateConfig, context: Context) -> Findings:
    """Duplicates cite a surviving row; conflicts cite the other members.

    What is found among the survivors alone is nothing new: curating them again drops no duplicate.
    """
    if not len(examples):
        return Findings.of([])
    with begun(partial(prompt_numbers, examples)) as prompts:
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
        return Findings.joined([findings, find_several_answers(examples, prompts(), stays)])


def _compare(examples: Examples, template: Template, config: CurateConfig, rank: Array) -> tuple[Findings, Array]:
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
    found = Findings.joined([Findings.of(conflicts), _duplicates(copies)])
    return found, np.flatnonzero(alive & (cited == np.arange(len(cited))))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copies:
    """Per row: who stands for it, and how alike the two are."""

    survivor: Array
    exact: Array
    jaccard: Array
    is_byte_copy: Array


def _duplicates(copies: _Copies) -> Findings:
    """One finding per row that another stands for."""
    rows = np.flatnonzero(copies.survivor != np.arange(len(copies.survivor)))
    survivor, exact = copies.survivor[rows], copies.exact[rows]
    shares, share = np.unique(np.where(survivor != exact, copies.jaccard[rows], 1.0), return_inverse=True)
    evidence = [orjson.dumps({"jaccard": round(value, 6)}).decode() for value in shares.tolist()]
    is_same, is_byte_copy = exact != rows, copies.is_byte_copy[rows]
    found = []
    for rule, how, own in (
        ("exact-duplicate", "byte for byte", is_same & is_byte_copy),
        ("exact-duplicate", "apart from case, punctuation and spacing", is_same & ~is_byte_copy),
        ("near-duplicate", "", ~is_same),
    ):
        found.append(
            Findings.repeated(
                rows[own],
                (rule, "warning"),
                kinds=share[own],
                reasons=[_reason(how, value) for value in shares.tolist()],
                evidence=evidence,
                scores=shares[share[own]],
                related=survivor[own],
            )
        )
    return Findings.joined(found)


def _reason(how: str, score: float) -> str:
    """Why a row is a duplicate: how it says the same, if it does, and how alike it is to the one that stays."""
    if not how:
        return f"A row that stays shares {score:.0%} of its shingles (Jaccard similarity)."
    more = f" Of those alike, the one that stays shares {score:.0%} of its shingles." if score < 1 else ""
    return f"Another row says the same {how}.{more}"


def _byte_copies(examples: Examples, rank: Array) -> Array:
    """(n,) bool: whether a better-ranked row has the same content id."""
    is_copy: Array = best_rows(representatives(id_numbers(examples)), rank) != np.arange(len(examples))
    return is_copy
