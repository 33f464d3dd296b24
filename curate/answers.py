"""Rows that stay to prompts with several answers: seen, said, and never dropped for it."""

from __future__ import annotations

from collections import defaultdict

from ..core.records import Examples, Finding
from .context import Array
from .folding import fold

MEMBERS_SHOWN = 10
"""Rows of one prompt that a finding lists."""


def find_several_answers(examples: Examples, stays: Array) -> list[Finding]:
    """A finding for every row whose folded prompt occurs with other answers too; none for labels."""
    if examples.kind == "label":
        return []
    part = examples.table.take(stays)
    ids = part["id"].to_pylist()
    names = ["input"] + (["pair"] if "pair" in part.column_names else [])
    prompts = zip(*(part[name].to_pylist() for name in names), strict=True)
    rows: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for at, prompt in enumerate(prompts):
        rows[tuple(fold(text) for text in prompt)].append(at)
    findings = []
    for members in rows.values():
        if len(members) < 2:
            continue
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
    return sorted(findings, key=lambda finding: finding.row)
