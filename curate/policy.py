"""Findings to decisions: the one place where a row is dropped, flagged or left alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..core.records import Action, Decision, Finding
from .config import CurateConfig, RuleAction
from .context import Array
from .rules.table import RULES, rule_action

STRENGTH: dict[Action, int] = {"drop": 0, "flag": 1, "keep": 2}
ORDER = {rule.id: place for place, rule in enumerate(RULES)}
DUPLICATES = ("exact-duplicate", "near-duplicate")
"""Rules whose findings cite a survivor."""


def finding_action(finding: Finding, config: CurateConfig) -> RuleAction:
    """What one finding asks for: a rule's action; for conflicts, what the conflict policy says of this row."""
    if "outcome" in finding.evidence and finding.rule not in config.rules:
        return "drop" if finding.evidence["outcome"] == "drop" else "flag"
    return rule_action(finding.rule, config)


def decide(findings: Iterable[Finding], config: CurateConfig, pinned: Array) -> list[Decision]:
    """One decision per row with a finding: the strongest action wins, then the earlier rule of the table.

    Args:
        findings: of any number of rows.
        config: actions per rule.
        pinned: (n,) bool, rows that a reviewer wants kept: they are flagged where they would be dropped.
    """
    best: dict[int, tuple[int, int, Finding, Action]] = {}
    for finding in findings:
        asked = finding_action(finding, config)
        if asked == "off":
            continue
        action: Action = "drop" if asked == "drop" and not pinned[finding.row] else "flag"
        entry = (STRENGTH[action], ORDER[finding.rule], finding, action)
        if finding.row not in best or entry[:2] < best[finding.row][:2]:
            best[finding.row] = entry
    return [Decision(row=row, action=entry[3], finding=entry[2]) for row, entry in sorted(best.items())]


def follow_survivors(decisions: Mapping[int, Decision]) -> list[Decision]:
    """What becomes of duplicates whose survivor was dropped after them: they go for its reason.

    So every row that is dropped as a duplicate cites a row that stays.
    """
    followed = []
    for row, decision in sorted(decisions.items()):
        survivor = decision.finding.related
        if decision.action != "drop" or decision.finding.rule not in DUPLICATES or survivor is None:
            continue
        fate = decisions.get(survivor)
        if fate is not None and fate.action == "drop":
            reason = f"The row that stood for this one went: {fate.finding.reason}"
            finding = replace(fate.finding, row=row, reason=reason, related=survivor, private={})
            followed.append(Decision(row=row, action="drop", finding=finding))
    return followed
