"""Alike rows to label conflicts: one input, or nearly one, under several labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.records import Examples, Finding
from .alike import Alike
from .compared import combine
from .config import ConflictPolicy, CurateConfig
from .context import Array
from .votes import outvoted

MEMBERS_SHOWN = 10
"""Members of a conflict that a finding lists; all of them have findings of their own."""


def find_conflicts(examples: Examples, alike: Alike, config: CurateConfig, rank: Array) -> list[Finding]:
    """One finding per row of a conflict; its evidence has the labels, the members and what the policy makes of it.

    Args:
        examples: n rows.
        alike: their alike pairs.
        config: the policies for equal and for near inputs.
        rank: (n,) survivor preference, for the votes on near inputs.
    """
    if not alike.labels.any():  # one label, code 0, for all
        return []
    same = list(_same_input(examples, alike, _policy("label-conflict", config.conflicts.same, config)))
    alive = np.ones(len(examples), dtype=bool)
    alive[[finding.row for finding in same if finding.evidence["outcome"] == "drop"]] = False
    policy = _policy("near-label-conflict", config.conflicts.near, config)
    lost = alive & (policy == "drop-all")
    if policy == "majority":
        lost = outvoted(alike, alive, rank, config)
    return [*same, *_near_input(examples, alike, alive, lost)]


def _policy(rule: str, policy: ConflictPolicy, config: CurateConfig) -> ConflictPolicy:
    """What the rule's own action says, where the user set one, goes before the conflict policy."""
    if rule not in config.rules:
        return policy
    return "drop-all" if config.rules[rule] == "drop" else "flag"


def _same_input(examples: Examples, alike: Alike, policy: ConflictPolicy) -> Iterator[Finding]:
    groups = list(_mixed_groups(alike.near.representative, alike.labels))
    involved = np.concatenate(groups) if groups else np.empty(0, dtype=np.int64)
    parts = iter(examples.table.select(["id", "target"]).take(involved).to_pylist())
    for rows in groups:
        part = [next(parts) for _ in rows]
        names = [row["target"] for row in part]
        votes = {name: names.count(name) for name in sorted(set(names))}
        winner = _majority(votes)
        for row, name in zip(rows.tolist(), names, strict=True):
            drop = policy == "drop-all" or (policy == "majority" and winner not in (None, name))
            evidence: dict[str, Any] = {
                "labels": votes,
                "members": sorted({member["id"] for member in part})[:MEMBERS_SHOWN],
                "outcome": "drop" if drop else "flag",
            }
            other = min(
                (member["id"], int(at)) for member, at in zip(part, rows, strict=True) if member["target"] != name
            )
            reason = f"The same input is labelled {_listing(votes)}."
            yield Finding(
                row=row, rule="label-conflict", severity="error", reason=reason, evidence=evidence, related=other[1]
            )


def _mixed_groups(representative: Array, labels: Array) -> Iterator[Array]:
    """Positions of the rows of each text that has several labels."""
    first = np.zeros(len(labels), dtype=np.int64)
    first[representative[::-1]] = labels[::-1]
    mixed = np.unique(representative[labels != first[representative]])
    rows = np.flatnonzero(np.isin(representative, mixed))
    rows = rows[np.argsort(representative[rows], kind="stable")]
    yield from np.split(rows, np.flatnonzero(np.diff(representative[rows])) + 1) if len(rows) else []


def _majority(votes: dict[str, int]) -> str | None:
    """The label with the most rows, None on a tie."""
    best = max(votes.values())
    winners = [name for name, count in votes.items() if count == best]
    return winners[0] if len(winners) == 1 else None


def _near_input(examples: Examples, alike: Alike, alive: Array, lost: Array) -> Iterator[Finding]:
    """A finding for every living row whose text is alike with one of another label."""
    partners = _partners(alike, alive)
    node = combine(alike.near.representative, alike.labels)
    heads = np.array(sorted(partners), dtype=np.int64)
    members = np.flatnonzero(alive & np.isin(node, node[heads])) if len(heads) else heads
    head_of = dict(zip(node[heads].tolist(), heads.tolist(), strict=True))
    known = dict(zip(members.tolist(), examples.table.select(["id", "target"]).take(members).to_pylist(), strict=True))
    for row in members.tolist():
        found = sorted(
            ((score, known[other]["id"], other) for score, other in partners[head_of[int(node[row])]]),
            key=lambda member: (-member[0], member[1:]),
        )
        score, _, nearest = found[0]
        evidence = {
            "labels": sorted({known[row]["target"], *(known[other]["target"] for *_, other in found)}),
            "members": [member_id for _, member_id, _ in found[:MEMBERS_SHOWN]],
            "jaccard": round(score, 6),
            "outcome": "drop" if lost[row] else "flag",
        }
        theirs, own = known[nearest]["target"], known[row]["target"]
        yield Finding(
            row=row,
            rule="near-label-conflict",
            severity="warning",
            reason=f"A row that is {score:.0%} alike is labelled {theirs!r}, this one {own!r}.",
            score=score,
            evidence=evidence,
            related=nearest,
        )


def _partners(alike: Alike, alive: Array) -> dict[int, list[tuple[float, int]]]:
    """One row of each text and label → (similarity, row) of the texts of other labels that are alike."""
    left, right, pair = alike.expanded(alive)
    differ = alike.labels[left] != alike.labels[right]
    partners: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for i, j, score in zip(left[differ], right[differ], alike.near.jaccard[pair[differ]], strict=True):
        partners[int(i)].append((float(score), int(j)))
        partners[int(j)].append((float(score), int(i)))
    return partners


def _listing(votes: dict[str, int]) -> str:
    """How often each label is given, for people.

    >>> _listing({"ham": 2, "spam": 1})
    "'ham' twice and 'spam' once"
    """
    times = {1: "once", 2: "twice"}
    *most, last = (f"{name!r} {times.get(count, f'{count} times')}" for name, count in votes.items())
    return f"{', '.join(most)} and {last}"
