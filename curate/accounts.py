"""A curation to its summary: counts per rule and class, warnings, timings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..core.findings import DROP, FLAG
from ..core.records import MOST_UNREADABLE, SCHEMA_VERSION, Curation, Examples
from ..core.store import fingerprint
from .config import CurateConfig
from .duplicates.blocks import take_rows
from .redaction import rows_to_redact
from .rules.private import mask
from .rules.table import list_rules

REASONS_SHOWN = 3
"""Reasons for unreadable rows that a warning gives."""
PARTICULARS = re.compile(r"\d+|\(columns: .*")
"""What differs from row to row in reasons of one kind: places, and the columns that a row has instead."""
IDS_SHOWN = 5
"""Unknown override ids that a warning names."""


def summarise(
    curation: Curation, config: CurateConfig, timings: Mapping[str, float], unknown: Sequence[str]
) -> dict[str, Any]:
    """What `summary.json` holds; rows_in == rows_kept + rows_rejected == rows_kept + sum of by_rule."""
    examples = curation.examples
    dropped = curation.decisions.with_action(DROP).count_rules()
    flagged = curation.decisions.with_action(FLAG).count_rules()
    if examples.bad_rows:
        dropped["unreadable"] = len(examples.bad_rows)
    by_class = class_table(curation)
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": examples.kind,
        "rows_in": len(examples) + len(examples.bad_rows),
        "rows_kept": len(curation.kept),
        "rows_rejected": sum(dropped.values()),
        "by_rule": dict(sorted(dropped.items(), key=lambda item: (-item[1], item[0]))),
        "flagged": flagged,
        "rules": _rule_words({*dropped, *flagged}),
        "by_class": by_class,
        "warnings": [
            *_unreadable_warnings(examples),
            *_redaction_notes(curation, config),
            *_class_warnings(curation, config),
            *_override_warnings(unknown),
            *_unjudged_warnings(curation, config),
            *_refitted_warnings(curation, config),
        ],
        "config_fingerprint": fingerprint(config.model_dump(mode="json")),
        "timings": {name: round(seconds, 3) for name, seconds in timings.items()},
    }


def _rule_words(ids: set[str]) -> dict[str, str]:
    """What each rule that found something looks for, so that whoever reads the ledger need not look it up."""
    return {rule["id"]: rule["says"] for rule in list_rules() if rule["id"] in ids}


def class_table(curation: Curation) -> dict[str, dict[str, int]]:
    """Rows per label before and after; empty for other kinds."""
    if curation.examples.kind != "label":
        return {}
    labels = curation.examples.table["target"]
    before, after = _counts(labels), _counts(take_rows(labels, curation.kept))
    return {name: {"before": before[name], "after": after.get(name, 0)} for name in sorted(before)}


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    return {item["values"]: item["counts"] for item in pc.value_counts(column).to_pylist()}


def _unreadable_warnings(examples: Examples) -> list[str]:
    """Why rows could not be read, the commonest reasons first, with the first row of each; private data masked."""
    bad, rows = examples.bad_rows, len(examples) + len(examples.bad_rows)
    if not bad:
        return []
    counts = Counter(PARTICULARS.sub("", row.reason) for row in bad)
    first = {PARTICULARS.sub("", row.reason): row for row in reversed(bad)}
    shown = [(count, first[kind]) for kind, count in counts.most_common(REASONS_SHOWN)]
    alarm = "; see to the file or the settings before training" if len(bad) > MOST_UNREADABLE * rows else ""
    warnings = [f"{len(bad):,} of {rows:,} rows could not be read and are set aside in rejected.jsonl{alarm}"]
    warnings += [f"{count:,} unread, first {row.file}:{row.line}: {mask(row.reason)}" for count, row in shown]
    if len(counts) > len(shown):
        warnings.append(f"{len(counts) - len(shown):,} more kinds of reasons for unread rows stand in rejected.jsonl")
    return warnings


def _redaction_notes(curation: Curation, config: CurateConfig) -> list[str]:
    """Flagged rows that are not kept as they came."""
    count = len(rows_to_redact(curation.decisions, config))
    rows = "row is" if count == 1 else "rows are"
    return [f"{count:,} {rows} kept with placeholders such as [EMAIL] in place of private data"] if count else []


def _class_warnings(curation: Curation, config: CurateConfig) -> list[str]:
    """Rules that erase much of one class: such a rule may be wrong about what the class looks like."""
    if curation.examples.kind != "label":
        return []
    dropped, labels = curation.decisions.with_action(DROP), curation.examples.table["target"]
    sizes, lost = _counts(labels), dict[tuple[str, str], int]()
    for rule in dropped.count_rules():
        of_class = _counts(take_rows(labels, dropped.by([rule]).rows))
        lost |= {(name, rule): count for name, count in of_class.items()}
    return [
        f"{rule} drops {count} of the {sizes[name]} rows labelled {name!r} ({count / sizes[name]:.0%}); "
        f"look at them before you trust the rule, or set curate.rules.{rule}: flag"
        for (name, rule), count in sorted(lost.items())
        if count > config.class_loss_warning * sizes[name] and count > 1
    ]


def _override_warnings(unknown: Sequence[str]) -> list[str]:
    if not unknown:
        return []
    shown = ", ".join(unknown[:IDS_SHOWN]) + ("…" if len(unknown) > IDS_SHOWN else "")
    return [f"{len(unknown)} overrides name rows that are not in the data: {shown}"]


def _unjudged_warnings(curation: Curation, config: CurateConfig) -> list[str]:
    """What was not looked for, so that silence is not taken for a clean bill."""
    limit, rows = config.label_errors.max_rows, len(curation.examples)
    if curation.examples.kind != "label" or rows <= limit or config.rules.get("label-error") == "off":
        return []
    return [f"label errors were not looked for in {rows:,} rows; raise curate.label_errors.max_rows ({limit:,})"]


def _refitted_warnings(curation: Curation, config: CurateConfig) -> list[str]:
    """Rules that look at all rows together find something new in what they left."""
    rules = curation.decisions.with_action(DROP).count_rules()
    return [
        f"{rule} is set to drop: its models are fitted to the rows that it judges, so that curating the kept rows "
        "again may drop more; decide on its flags in an overrides file to keep a decision"
        for rule in ("label-error", "outlier")
        if rule in rules and config.rules.get(rule) == "drop"
    ]
