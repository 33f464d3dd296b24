"""Findings to decisions: the one place where a row is dropped, flagged or left alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import orjson

from ..core.findings import DROP, FLAG, NOTHING, Decisions, Findings
from ..core.records import Finding
from .config import CurateConfig
from .context import Array
from .duplicates.blocks import take_rows
from .rules.table import RULES, rule_action

ORDER = {rule.id: place for place, rule in enumerate(RULES)}
SELF_JUDGED = ("label-conflict", "near-label-conflict", "benchmark-similar")
"""Rules with a policy of their own; what it makes of a row is the `outcome` in the evidence."""
DUPLICATES = ("exact-duplicate", "near-duplicate")
"""Rules whose findings cite a survivor."""


def asked_actions(findings: Findings, config: CurateConfig) -> Array:
    """(n,) int64: what each finding asks for, a position in ACTIONS (NOTHING: it is off).

    That is the rule's action; where the rule has a policy of its own, what that says of this row.
    """
    by_rule = {"drop": DROP, "off": NOTHING}
    asked = np.array([by_rule.get(rule_action(rule, config), FLAG) for rule, _ in findings.names], np.int64)
    actions = asked[findings.rules]
    judged = np.flatnonzero(findings.are_of([rule for rule in SELF_JUDGED if rule not in config.rules]))
    outcomes = (orjson.loads(text)["outcome"] for text in take_rows(findings.evidence, judged).to_pylist())
    actions[judged] = [DROP if outcome == "drop" else FLAG for outcome in outcomes]
    return actions


def decide(findings: Findings, config: CurateConfig, pinned: Array) -> Decisions:
    """One decision per row with a finding: the strongest action wins, then the earlier rule of the table.

    Args:
        findings: of any number of rows.
        config: actions per rule.
        pinned: (n,) bool, rows that a reviewer wants kept: they are flagged where they would be dropped.
    """
    actions = asked_actions(findings, config)
    actions[(actions == DROP) & pinned[findings.rows]] = FLAG
    order = np.array([ORDER[rule] for rule, _ in findings.names], np.int64)[findings.rules]
    places = np.flatnonzero(actions != NOTHING)
    places = places[np.lexsort([order[places], actions[places], findings.rows[places]])]
    places = places[np.diff(findings.rows[places], prepend=-1) > 0]
    return Decisions(rows=findings.rows[places], actions=actions[places], places=places, findings=findings)


def follow_survivors(decisions: Decisions) -> list[Finding]:
    """Why duplicates go whose survivor was dropped after them: for its reason.

    So every row that is dropped as a duplicate cites a row that stays.
    """
    findings, dropped = decisions.findings, decisions.with_action(DROP)
    copies = dropped.by(DUPLICATES)
    survivors = findings.related[copies.places]
    followed = []
    for at in np.flatnonzero(np.isin(survivors, dropped.rows)).tolist():
        survivor = int(survivors[at])
        fate = findings[int(dropped.places[np.searchsorted(dropped.rows, survivor)])]
        reason = f"The row that stood for this one went: {fate.reason}"
        followed.append(replace(fate, row=int(copies.rows[at]), reason=reason, related=survivor))
    return followed
