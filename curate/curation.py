"""Data to a curation: load, let the rules find stage by stage, decide, and account for every row."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ..core.collector import collector_at_rest
from ..core.compiled import map_threads, short_turns
from ..core.console import note
from ..core.errors import DataError, TunegateError
from ..core.findings import DROP, NOTHING, Decisions, Findings
from ..core.formats import load_examples
from ..core.records import Curation, Examples, Finding
from ..core.results import BenchmarkItem
from .accounts import summarise
from .config import CurateConfig
from .context import Array, Context
from .leaks.benchmarks import contaminated_items
from .overrides import read_overrides
from .policy import DUPLICATES, decide, follow_survivors
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
    first = Findings.of(_override_findings(examples, reviewed))
    decisions = _run_stages(examples, config, context, first, timings)
    stays = np.ones(len(examples), dtype=bool)
    stays[decisions.with_action(DROP).rows] = False
    curation = Curation(
        examples=examples,
        kept=np.flatnonzero(stays),
        decisions=decisions,
        findings=decisions.findings,
        clusters=_clusters(decisions),
        summary={},
        benchmark_findings=tuple(contaminated_items(decisions.findings, examples)),
        redacted=redact(examples, rows_to_redact(decisions, config)),
    )
    _check_conserved(curation)
    timings["total"] = time.perf_counter() - start
    return replace(curation, summary=summarise(curation, config, timings, unknown))


def _check_rules(config: CurateConfig) -> None:
    known = {rule.id for rule in RULES}
    if unknown := sorted(set(config.rules) - known):
        raise DataError(f"curate.rules: no rule {unknown[0]!r}; the rules are {', '.join(sorted(known))}")


def _run_stages(
    examples: Examples, config: CurateConfig, context: Context, first: Findings, timings: dict[str, float]
) -> Decisions:
    """One decision per row that has findings; a stage sees only what the stages before it left."""
    assert context.pinned is not None
    assert context.findings_per_row is not None
    fates = _Fates(len(examples))
    fates.settle(decide(first, config, context.pinned))
    for stage in STAGES:
        start = time.perf_counter()
        found = _find(examples, fates.alive(), stage, config, context)
        np.add.at(context.findings_per_row, found.rows, 1)
        fates.settle(decide(found, config, context.pinned))
        timings[stage] = time.perf_counter() - start
        note(f"curate: {stage}: {len(found):,} findings in {timings[stage]:.1f} s")
    followed = Findings.of(follow_survivors(fates.decisions()))
    places = np.arange(len(followed))
    fates.settle(Decisions(rows=followed.rows, actions=np.full(len(places), DROP), places=places, findings=followed))
    return fates.by_row()


class _Fates:
    """All findings so far, and what is decided of each of n rows."""

    def __init__(self, rows: int) -> None:
        self._parts: list[Findings] = []
        self._actions = np.full(rows, NOTHING)
        self._places = np.full(rows, NOTHING)

    def settle(self, decided: Decisions) -> None:
        """Take in more findings with what was decided by them; the first decision on a row stands, unless one drops."""
        wins = (self._places[decided.rows] == NOTHING) | (decided.actions == DROP)
        rows, before = decided.rows[wins], sum(map(len, self._parts))
        self._actions[rows] = decided.actions[wins]
        self._places[rows] = decided.places[wins] + before
        self._parts.append(decided.findings)

    def alive(self) -> Array:
        """Positions of the rows that are not dropped."""
        return np.flatnonzero(self._actions != DROP)

    def decisions(self) -> Decisions:
        """All decisions, with the findings in the order in which they came."""
        rows = np.flatnonzero(self._places != NOTHING)
        findings = Findings.joined(self._parts)
        return Decisions(rows=rows, actions=self._actions[rows], places=self._places[rows], findings=findings)

    def by_row(self) -> Decisions:
        """All decisions, with the findings sorted by row."""
        found = self.decisions()
        order = np.argsort(found.findings.rows, kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        return replace(found, places=place[found.places], findings=found.findings.take(order))


def _find(examples: Examples, rows: Array, stage: Stage, config: CurateConfig, context: Context) -> Findings:
    """The findings of one stage's rules among the given rows, as positions in `examples`."""
    wanted = [rule for rule in RULES if rule.stage == stage and examples.kind in rule.kinds]
    wanted = [rule for rule in wanted if rule_action(rule.id, config) != "off" and rule.looks(len(rows), config)]
    if not wanted:
        return Findings.of([])
    part = examples if len(rows) == len(examples) else examples.take(rows)
    narrowed = context if part is examples else context.narrowed(rows)
    if stage == "row":
        narrowed = replace(narrowed, screens=screen_examples(part))
    ids = {rule.id for rule in wanted}
    finders = dict.fromkeys(rule.find for rule in wanted if rule.find is not None)
    # Side by side, since what one does in Python leaves the other cores to what another does in compiled code; and the
    # last of the table first, which take longest.
    with short_turns():
        found_by = map_threads(
            lambda find: _only(Findings.of(find(part, config, narrowed)), ids), reversed(finders), ahead=len(finders)
        )
        parts = list(found_by)
    found = Findings.joined(parts[::-1])
    return found if part is examples else found.placed(rows, len(examples))


def _only(found: Findings, ids: set[str]) -> Findings:
    """The findings of some rules."""
    wanted = found.are_of(ids)
    return found if wanted.all() else found.take(np.flatnonzero(wanted))


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


def _clusters(decisions: Decisions) -> tuple[tuple[int, ...], ...]:
    """Survivor and the rows it stands for, by survivor."""
    copies = decisions.by(DUPLICATES)
    survivors = decisions.findings.related[copies.places]
    order = np.argsort(survivors, kind="stable")
    starts = np.flatnonzero(np.diff(survivors[order], prepend=NOTHING))
    heads, rows, bounds = survivors[order[starts]].tolist(), copies.rows[order].tolist(), [*starts.tolist(), len(order)]
    stars = zip(heads, pairwise(bounds), strict=True)
    return tuple((survivor, *rows[start:stop]) for survivor, (start, stop) in stars)


def _check_conserved(curation: Curation) -> None:
    rows = np.concatenate([curation.kept, curation.decisions.with_action(DROP).rows])
    times = np.bincount(rows, minlength=len(curation.examples))
    if len(times) != len(curation.examples) or (times != 1).any():
        raise TunegateError(
            f"curation lost rows: {len(curation.examples)} in, {len(rows)} accounted for; please report"
        )
