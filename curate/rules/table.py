"""Every rule of curation, in one table: what it looks for, how serious that is, and what becomes of the row.

A rule finds, it never drops: `policy.py` turns findings into decisions. To add a rule, write a function
`(examples, config, context) -> findings` and give it a row here. A function may serve several rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from ...core.records import Examples, Finding, Kind, Severity
from ..accepted import find_accepted
from ..config import CurateConfig, RuleAction
from ..context import Context
from ..label_errors.findings import find_label_errors
from ..leaks.benchmarks import find_benchmark_leaks
from ..leaks.similarity import find_similar
from ..leaks.test_split import find_leaks
from .answer import find_placeholders, find_refusals, find_unfinished
from .cap import find_over_cap
from .language import find_foreign_rows
from .length import find_length_outliers, find_too_long
from .mojibake import find_mojibake
from .private_data import find_private_data
from .repeats import find_loops, find_repeated_prompts
from .same_rows import find_same_rows
from .shape import find_equal_choices, find_label_problems, find_turn_problems
from .text import find_control_characters, find_empty, find_markup, find_url_only

Find = Callable[[Examples, CurateConfig, Context], Iterable[Finding]]
Stage = Literal["read", "row", "leak", "same", "class", "cap"]

STAGES: tuple[Stage, ...] = ("read", "row", "leak", "same", "class", "cap")
"""In this order; what one stage drops, the next does not see, so that whoever stands for a row stays itself."""

ALL: tuple[Kind, ...] = ("label", "completion", "chat", "preference")
LABELS: tuple[Kind, ...] = ("label",)
ANSWERS: tuple[Kind, ...] = ("completion", "chat", "preference")
CHATS: tuple[Kind, ...] = ("chat",)
PREFERENCES: tuple[Kind, ...] = ("preference",)


@dataclass(frozen=True, slots=True)
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
    looks: Callable[[int, CurateConfig], bool] = lambda rows, config: True  # noqa: ARG005
    """Whether the rule looks at so many rows at all; a stage in which none does costs nothing."""


def _are_few(rows: int, config: CurateConfig) -> bool:
    return rows <= config.label_errors.max_rows


def _is_capped(rows: int, config: CurateConfig) -> bool:  # noqa: ARG001
    return config.cap.per is not None


RULES: tuple[Rule, ...] = (
    Rule("unreadable", "read", "error", "drop", "The row could not be read as an example."),
    Rule("override", "read", "info", "drop", "A reviewer decided to drop the row."),
    Rule("empty-input", "row", "error", "drop", "The input has no text.", find_empty),
    Rule("empty-target", "row", "error", "drop", "The label or answer has no text.", find_empty),
    Rule("label-schema", "row", "error", "drop", "The label is not in the schema.", find_label_problems, LABELS),
    Rule("label-near-miss", "row", "error", "flag", "Another label, misspelt.", find_label_problems, LABELS),
    Rule("chat-roles", "row", "warning", "flag", "Unknown roles, or turns out of order.", find_turn_problems, CHATS),
    Rule("empty-turn", "row", "error", "drop", "A turn of the chat has no text.", find_turn_problems, CHATS),
    Rule("equal-choices", "row", "error", "drop", "Chosen equals rejected.", find_equal_choices, PREFERENCES),
    Rule("placeholder", "row", "warning", "flag", "N/A, TODO, lorem ipsum instead of text.", find_placeholders),
    Rule("repeats-prompt", "row", "warning", "flag", "The answer is the prompt.", find_repeated_prompts, ANSWERS),
    Rule("refusal", "row", "warning", "flag", "The answer refuses, or speaks as an AI.", find_refusals, ANSWERS),
    Rule("unfinished", "row", "warning", "flag", "The answer stops in mid-sentence or code.", find_unfinished, ANSWERS),
    Rule("repetition", "row", "warning", "flag", "A long answer repeats itself.", find_loops, ANSWERS),
    Rule("mojibake", "row", "warning", "flag", "Decoded with a wrong encoding, or characters lost.", find_mojibake),
    Rule("control-characters", "row", "warning", "flag", "Invisible characters.", find_control_characters),
    Rule("markup", "row", "info", "flag", "Left-over HTML in a row that is not about code.", find_markup),
    Rule("url-only", "row", "warning", "flag", "A text that is nothing but a link.", find_url_only),
    Rule("language", "row", "warning", "flag", "Another script or language than nearly all rows.", find_foreign_rows),
    Rule("too-long", "row", "warning", "flag", "More tokens than the model reads.", find_too_long),
    Rule("length-outlier", "row", "info", "flag", "Unusually long or short for its class.", find_length_outliers),
    Rule("secret", "row", "error", "flag", "An API key, token or password.", find_private_data),
    Rule("private-data", "row", "warning", "flag", "E-mail, phone, card or account number.", find_private_data),
    Rule(
        "test-leak",
        "leak",
        "error",
        "drop",
        "The row is, or nearly is, a row of the test split; the same in other words is not seen.",
        find_leaks,
    ),
    Rule(
        "benchmark-leak",
        "leak",
        "error",
        "drop",
        "The row holds an item of a benchmark, word for word or nearly; a rephrased one is not seen.",
        find_benchmark_leaks,
    ),
    Rule(
        "benchmark-similar",
        "leak",
        "warning",
        "flag",
        "A benchmark item, rephrased; translations, and other names and numbers, are not seen.",
        find_similar,
    ),
    Rule("accepted-duplicate", "leak", "warning", "drop", "An accepted row says the same already.", find_accepted),
    Rule("accepted-conflict", "leak", "error", "flag", "An accepted row has another label.", find_accepted, LABELS),
    Rule("label-conflict", "same", "error", "flag", "The same input has another label elsewhere.", find_same_rows),
    Rule("exact-duplicate", "same", "warning", "drop", "Another row says the same in folded text.", find_same_rows),
    Rule("near-duplicate", "same", "warning", "drop", "A surviving row is alike at the threshold.", find_same_rows),
    Rule("near-label-conflict", "same", "warning", "flag", "A nearly equal input has another label.", find_same_rows),
    Rule("several-answers", "same", "info", "flag", "The same prompt has different answers.", find_same_rows),
    Rule(
        "label-error",
        "class",
        "warning",
        "flag",
        "The text reads like another label.",
        find_label_errors,
        LABELS,
        _are_few,
    ),
    Rule(
        "rare-class",
        "class",
        "info",
        "flag",
        "Too few rows to judge the class's labels.",
        find_label_errors,
        LABELS,
        _are_few,
    ),
    Rule("outlier", "class", "info", "flag", "Far from everything in its class.", find_label_errors, LABELS, _are_few),
    Rule(
        "over-cap",
        "cap",
        "info",
        "drop",
        "More rows of a class or source than may stay.",
        find_over_cap,
        looks=_is_capped,
    ),
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
