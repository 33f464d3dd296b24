"""Findings to decisions: the one place where a row is dropped, flagged or left alone."""

from __future__ import annotations

from collections.abc import Iterable

from ..core.records import Action, Decision, Finding
from .config import CurateConfig, RuleAction
from .context import Array
from .rules.table import RULES, rule_action

STRENGTH: dict[Action, int] = {"drop": 0, "flag": 1, "keep": 2}
ORDER = {rule.id: place for place, rule in enumerate(RULES)}


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
