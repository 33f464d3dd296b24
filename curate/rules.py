"""Every rule of curation, in one table: what it looks for, how serious that is, and what becomes of the row.

A rule finds, it never drops: `policy.py` turns findings into decisions. To add a rule, write a function
`(examples, config, context) -> findings` and give it a row here. A function may serve several rules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from ..core.records import Examples, Finding, Kind, Severity
from .config import CurateConfig, RuleAction
from .context import Context
from .leakage import find_leaks
from .rules_text import find_empty
from .same_rows import find_same_rows

Find = Callable[[Examples, CurateConfig, Context], Sequence[Finding]]
Stage = Literal["read", "row", "leak", "same", "class", "cap"]

STAGES: tuple[Stage, ...] = ("read", "row", "leak", "same", "class", "cap")
"""In this order; what one stage drops, the next does not see, so that whoever stands for a row stays itself."""

ALL: tuple[Kind, ...] = ("label", "completion", "chat", "preference")
ANSWERS: tuple[Kind, ...] = ("completion", "chat", "preference")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of the table."""

    id: str
    stage: Stage
    severity: Severity
    action: RuleAction
    """What becomes of a row, unless the config says otherwise."""
    says: str
    """One sentence for people."""
    find: Find | None = None
    """None: the driver itself makes the findings (unreadable rows, overrides)."""
    kinds: tuple[Kind, ...] = ALL
    """Kinds of examples that the rule fits."""


def _rule(id: str, stage: Stage, severity: Severity, action: RuleAction, says: str, find: Find | None) -> Rule:  # noqa: A002
    return Rule(id=id, stage=stage, severity=severity, action=action, says=says, find=find)


RULES: tuple[Rule, ...] = (
    _rule("unreadable", "read", "error", "drop", "The row could not be read as an example.", None),
    _rule("override", "read", "info", "drop", "A reviewer decided to drop the row.", None),
    _rule("empty-input", "row", "error", "drop", "The input has no text.", find_empty),
    _rule("empty-target", "row", "error", "drop", "The label or answer has no text.", find_empty),
    _rule("test-leak", "leak", "error", "drop", "The row is, or nearly is, a row of the test split.", find_leaks),
    _rule("exact-duplicate", "same", "warning", "drop", "Another row says the same in folded text.", find_same_rows),
    _rule("near-duplicate", "same", "warning", "drop", "A surviving row is alike at the threshold.", find_same_rows),
    _rule("label-conflict", "same", "error", "flag", "The same input has another label elsewhere.", find_same_rows),
    _rule("near-label-conflict", "same", "warning", "flag", "A nearly equal input has another label.", find_same_rows),
    _rule("several-answers", "same", "info", "flag", "The same prompt has different answers.", find_same_rows),
)


DEFAULT_ACTIONS = {rule.id: rule.action for rule in RULES}


def rule_action(rule: str, config: CurateConfig) -> RuleAction:
    """What the config, else the table, says becomes of a row that the rule found something in."""
    return config.rules[rule] if rule in config.rules else DEFAULT_ACTIONS[rule]


def list_rules() -> list[dict[str, str]]:
    """The table for people: id, stage, severity, default action and sentence of every rule."""
    return [
        {"id": rule.id, "stage": rule.stage, "severity": rule.severity, "action": rule.action, "says": rule.says}
        for rule in RULES
    ]
