"""Rows that stay to prompts with several answers: seen, said, and never dropped for it."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from ..core.findings import Findings
from ..core.records import Examples, Finding
from .compared import joined
from .context import Array
from .duplicates.blocks import take_rows
from .duplicates.candidates import representatives
from .scanning import folded_numbers

MEMBERS_SHOWN = 10
"""Rows of one prompt that a finding lists."""


def find_several_answers(examples: Examples, stays: Array) -> Findings:
    """A finding for every row whose folded prompt occurs with other answers too; none for labels."""
    if examples.kind == "label":
        return Findings.of([])
    names = ["input"] + (["pair"] if "pair" in examples.table.column_names else [])
    prompts = joined([take_rows(examples.table[name], stays) for name in names])
    first = representatives(folded_numbers(prompts))
    shared = np.flatnonzero(np.bincount(first, minlength=len(first))[first] > 1)
    groups: dict[int, list[int]] = defaultdict(list)
    for at, group in zip(shared.tolist(), first[shared].tolist(), strict=True):
        groups[group].append(at)
    row_ids = take_rows(examples.table["id"], stays[shared]).to_pylist()
    ids = dict(zip(shared.tolist(), row_ids, strict=True))
    findings = []
    for members in groups.values():
        known = sorted((ids[at], at) for at in members)
        for own, at in known:
            other = known[1] if known[0][1] == at else known[0]
            evidence = {"answers": len(members), "members": [i for i, _ in known[:MEMBERS_SHOWN] if i != own]}
            findings.append(
                Finding(
                    row=int(stays[at]),
                    rule="several-answers",
                    severity="info",
                    reason=f"This prompt has {len(members)} different answers in the data.",
                    evidence=evidence,
                    related=int(stays[other[1]]),
                )
            )
    return Findings.of(sorted(findings, key=lambda finding: finding.row))
