"""Data to a curation: load, let the rules find stage by stage, decide, and account for every row."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..core.collector import collector_at_rest
from ..core.console import note
from ..core.errors import DataError, TunegateError
from ..core.formats import load_examples
from ..core.records import Curation, Decision, Examples, Finding
from ..core.results import BenchmarkItem
from .accounts import summarise
from .config import CurateConfig
from .context import Array, Context
from .leaks.benchmarks import contaminated_items
from .overrides import read_overrides
from .policy import decide, follow_survivors
from .redaction import redact, rows_to_redact
from .rules.suspects import screen_examples
from .rules.table import RULES, STAGES, Stage, rule_action


@collector_at_rest()
def curate_dataset(
    data: Any,
    *,
    config: CurateConfig = CurateConfig(),  # noqa: B008 - frozen
    test: Any = None,
    benchmarks: Sequence[BenchmarkItem] = (),
    overrides: Path | None = None,
    tokenizer: Any = None,
    index: Path | None = None,
) -> Curation:
    """Find and remove what harms a fine-tune; every row of the input is kept or rejected with a reason.

    Args:
        data: a path, glob, datasets.Dataset, pandas frame, list of dicts, or Examples.
        config: rules, thresholds and actions.
        test: the test split, in any of the same forms; rows that occur in it are leaks.
        benchmarks: the benchmark items that the gate will use.
        overrides: a reviewer's decisions, one JSON object a line: id, action keep or drop, by, why.
        tokenizer: of the model to be tuned, to find rows longer than its window.
        index: folder of rows accepted before (`accept_rows` fills it); rows that it knows are duplicates.

    Raises:
        DataError: nothing can be read, no row stays, or the config names an unknown rule or column.
    """
    start = time.perf_counter()
    _check_rules(config)
    examples = load_examples(data)
    timings = {"read": time.perf_counter() - start}
    reviewed, unknown = read_overrides(overrides, examples)
    context = Context(
        test=None if test is None else load_examples(test),
        benchmarks=benchmarks,
        tokenizer=tokenizer,
        accepted=index,
        findings_per_row=np.zeros(len(examples), dtype=np.int64),
        pinned=_pinned(examples, reviewed),
    )
    findings, decisions = _run_stages(examples, config, context, _override_findings(examples, reviewed), timings)
    stays = np.ones(len(examples), dtype=bool)
    stays[[decision.row for decision in decisions if decision.action == "drop"]] = False
    curation = Curation(
        examples=examples,
        kept=np.flatnonzero(stays),
        decisions=tuple(decisions),
        findings=tuple(sorted(findings, key=lambda finding: finding.row)),
        clusters=_clusters(decisions),
        summary={},
        benchmark_findings=tuple(contaminated_items(findings, examples.ids)),
        redacted=redact(examples, rows_to_redact(findings, decisions, config)),
    )
    _check_conserved(curation)
    timings["total"] = time.perf_counter() - start
    return replace(curation, summary=summarise(curation, config, timings, unknown))


def _check_rules(config: CurateConfig) -> None:
    known = {rule.id for rule in RULES}
    if unknown := sorted(set(config.rules) - known):
        raise DataError(f"curate.rules: no rule {unknown[0]!r}; the rules are {', '.join(sorted(known))}")


def _run_stages(
    examples: Examples, config: CurateConfig, context: Context, first: list[Finding], timings: dict[str, float]
) -> tuple[list[Finding], list[Decision]]:
    """All findings and one decision per row; a stage sees only what the stages before it left."""
    assert context.pinned is not None
    assert context.findings_per_row is not None
    findings, decisions = list(first), {d.row: d for d in decide(first, config, context.pinned)}
    for stage in STAGES:
        start = time.perf_counter()
        alive = np.ones(len(examples), dtype=bool)
        alive[[row for row, decision in decisions.items() if decision.action == "drop"]] = False
        rows = np.flatnonzero(alive)
        found = _find(examples, rows, stage, config, context)
        findings += found
        np.add.at(context.findings_per_row, [finding.row for finding in found], 1)
        for decision in decide(found, config, context.pinned):
            if decision.row not in decisions or decision.action == "drop":
                decisions[decision.row] = decision
        timings[stage] = time.perf_counter() - start
        note(f"curate: {stage}: {len(found):,} findings in {timings[stage]:.1f} s")
    for followed in follow_survivors(decisions):
        decisions[followed.row] = followed
        findings.append(followed.finding)
    return findings, [decisions[row] for row in sorted(decisions)]


def _find(examples: Examples, rows: Array, stage: Stage, config: CurateConfig, context: Context) -> list[Finding]:
    """The findings of one stage's rules among the given rows, as positions in `examples`."""
    wanted = [rule for rule in RULES if rule.stage == stage and examples.kind in rule.kinds]
    wanted = [rule for rule in wanted if rule_action(rule.id, config) != "off" and rule.looks(len(rows), config)]
    if not wanted:
        return []
    part = examples if len(rows) == len(examples) else examples.take(rows)
    narrowed = context if part is examples else context.narrowed(rows)
    if stage == "row":
        narrowed = replace(narrowed, screens=screen_examples(part))
    ids = {rule.id for rule in wanted}
    finders = dict.fromkeys(rule.find for rule in wanted if rule.find is not None)
    found = [finding for find in finders for finding in find(part, config, narrowed) if finding.rule in ids]
    if part is examples:
        return found
    return [
        replace(f, row=int(rows[f.row]), related=None if f.related is None else int(rows[f.related])) for f in found
    ]


def _pinned(examples: Examples, reviewed: Mapping[str, tuple[str, str]]) -> Array:
    """(n,) bool: rows that a reviewer wants kept."""
    kept = {row_id for row_id, (action, _) in reviewed.items() if action == "keep"}
    pinned = np.zeros(len(examples), dtype=bool)
    if kept:
        pinned[:] = [row_id in kept for row_id in examples.ids]
    return pinned


def _override_findings(examples: Examples, reviewed: Mapping[str, tuple[str, str]]) -> list[Finding]:
    dropped = {row_id: why for row_id, (action, why) in reviewed.items() if action == "drop"}
    return [
        Finding(row=row, rule="override", severity="info", reason=f"Dropped by a reviewer: {dropped[row_id]}")
        for row, row_id in enumerate(examples.ids if dropped else [])
        if row_id in dropped
    ]


def _clusters(decisions: Sequence[Decision]) -> tuple[tuple[int, ...], ...]:
    """Survivor and the rows it stands for, by survivor."""
    stars: dict[int, list[int]] = {}
    for decision in decisions:
        if decision.finding.rule in ("exact-duplicate", "near-duplicate") and decision.finding.related is not None:
            stars.setdefault(decision.finding.related, []).append(decision.row)
    return tuple((survivor, *sorted(rows)) for survivor, rows in sorted(stars.items()))


def _check_conserved(curation: Curation) -> None:
    dropped = [decision.row for decision in curation.decisions if decision.action == "drop"]
    rows = np.sort(np.concatenate([curation.kept, np.array(dropped, dtype=np.int64)]))
    if not np.array_equal(rows, np.arange(len(curation.examples))):
        raise TunegateError(
            f"curation lost rows: {len(curation.examples)} in, {len(rows)} accounted for; please report"
        )
