"""Results to what needs attention and what to do next; every sentence is drawn from evidence in the results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.records import MOST_UNREADABLE, Ledger, Tuned
from ..core.results import RunResults
from . import figures
from .checks import Line, lines_of
from .ledgers import funnel_of, private_ids, review_counts
from .tuning import is_interpolated, learning_rate, lowest_retention, replay_share

LIKELY = 0.05
"""An undecided loss with a p-value below this is treated as forgetting, although it proves nothing."""
LOW_RETENTION = 1.02
"""A general-text loss this many times its lowest value counts as forgetting that an earlier checkpoint avoids."""


def attention(results: RunResults) -> list[str]:
    """What a reviewer must not overlook: voids, contamination, warnings of every stage, queues to review."""
    notes = [f"{line.title} is void: {line.reason}" for line in _lines(results, "void")]
    notes += [f"{line.title}: {line.reason}" for line in _lines(results, "waived")]
    notes += [_contamination(line) for line in lines_of(results.verdict, results.comparison) if line.contaminated]
    if results.comparison and results.comparison.same_weights:
        notes.append("base and tuned model have the same weights: a model was compared with itself")
    notes += _stage_warnings(results)
    notes += _review_queue(results)
    return list(dict.fromkeys(notes))


def next_actions(results: RunResults) -> list[str]:
    """What to do next, the most useful first; at most six."""
    lines = lines_of(results.verdict, results.comparison)
    actions = [*_against_forgetting(results, lines), *_for_the_task(lines), *_for_the_evidence(lines)]
    actions += _for_the_data(results, lines)
    if results.verdict and results.verdict.outcome == "pass":
        actions.append("Deploy, then make this run the reference: tunegate accept RUN")
    return actions[:6]


def _against_forgetting(results: RunResults, lines: Sequence[Line]) -> list[str]:
    failed = [line for line in lines if line.kind != "task" and (line.state == "fail" or _is_likely_loss(line))]
    if not failed or results.tuned is None:
        return ["Lower the learning rate or mix general examples into training, then gate again"] if failed else []
    tuned, share = results.tuned, replay_share(results.tuned)
    actions = [_best_retention(tuned)] if _best_retention(tuned) else []
    if share:
        actions.append(f"Raise the replay share: {figures.share(share, 1)} of each batch did not hold the abilities")
    elif tuned.method != "head":  # a label head has no words of its own to rehearse
        actions.append("Mix general text into training (train.replay): none was used; try a share of 5 to 20 %")
    rate = learning_rate(tuned)
    actions.append(
        f"Lower the learning rate: {figures.measure(rate)} was used; try {figures.measure(rate / 3)}"
        if rate
        else "Lower the learning rate, by a factor of 3 to begin with"
    )
    if not is_interpolated(tuned):
        actions.append("Interpolate the weights towards the base (train.interpolate), which costs no training")
    return actions


def _is_likely_loss(line: Line) -> bool:
    return line.state == "inconclusive" and (line.delta or 0.0) < 0 and (line.p_value or 1.0) < LIKELY


def _for_the_task(lines: Sequence[Line]) -> list[str]:
    task = next((line for line in lines if line.kind == "task"), None)
    if task is None or task.state != "fail":
        return []
    return ["The task itself falls short: review the label errors and conflicts, train longer, or add examples"]


def _for_the_evidence(lines: Sequence[Line]) -> list[str]:
    actions = []
    undecided = [line for line in lines if line.state == "inconclusive" and line.items_needed]
    if undecided:
        wanted = ", ".join(f"{line.name} {line.items_needed:,} (now {line.n:,})" for line in undecided[:4])
        more = f" and {len(undecided) - 4} more" if len(undecided) > 4 else ""
        actions.append(f"Measure more items to decide: {wanted}{more}")
    void = [line.name for line in lines if line.state == "void"]
    if void:
        actions.append(f"Replace what the base cannot do, or make it advisory: {_some(void)}")
    return actions


def _for_the_data(results: RunResults, lines: Sequence[Line]) -> list[str]:
    tainted = [line.name for line in lines if line.contaminated]
    actions = []
    if tainted and _leaks_stay(results.ledger):
        actions.append(f"Remove the training rows that contain benchmark items, and train again: {_some(tainted)}")
    if results.ledger:
        counts = review_counts(results.ledger)
        queue = counts["label"] + counts["conflict"]
        if queue:
            actions.append(
                f"Review {figures.plural(queue, 'label question')} in the page, export overrides.jsonl, curate again"
            )
        if results.verdict is None and results.tuned is None:
            actions.append(_after_curation(results.ledger))
    return actions


def _after_curation(ledger: Ledger) -> str:
    summary = ledger.summary
    unread = summary["by_rule"].get("unreadable", 0)
    if not summary["rows_kept"]:
        return "See in rejected.jsonl why no row was kept, mend the data or the settings, and curate again"
    if unread > MOST_UNREADABLE * summary["rows_in"]:
        return f"Mend what keeps {figures.plural(unread, 'row')} from being read (rejected.jsonl), and curate again"
    return "Train and gate on the kept rows: tunegate run RECIPE (tunegate init DATA writes a recipe)"


def _stage_warnings(results: RunResults) -> list[str]:
    warnings: list[Any] = []
    if results.verdict:
        warnings += results.verdict.warnings
    if results.comparison:
        warnings += results.comparison.warnings
    if results.ledger:
        warnings += results.ledger.summary.get("warnings") or []
    if results.tuned:
        warnings += results.tuned.notes.get("warnings") or []
    for scores in (results.base_scores, results.tuned_scores):
        warnings += (scores.extras.get("warnings") or []) if scores else []
    return [str(warning) for warning in warnings]


def _review_queue(results: RunResults) -> list[str]:
    if results.ledger is None:
        return []
    counts, private = review_counts(results.ledger), len(private_ids(results.ledger))
    notes = []
    if counts["conflict"]:
        notes.append(f"{figures.plural(counts['conflict'], 'row')} with conflicting labels to review")
    if counts["label"]:
        notes.append(f"{figures.plural(counts['label'], 'suspected label error')} to review")
    if private:
        notes.append(f"{figures.plural(private, 'row')} with private data or secrets")
    return notes


def rows_moved(results: RunResults) -> str:
    """One line on curation, or nothing."""
    if results.ledger is None:
        return ""
    funnel = funnel_of(results.ledger)
    flagged = sum(number for _, number in funnel.flagged)
    tail = f", {figures.count(flagged)} flagged" if flagged else ""
    return (
        f"{figures.plural(funnel.rows_in, 'row')} in, {figures.count(funnel.rows_kept)} kept, "
        f"{figures.count(funnel.rows_rejected)} rejected ({figures.share(funnel.rows_rejected, funnel.rows_in)}){tail}"
    )


def _leaks_stay(ledger: Ledger | None) -> bool:
    """Whether rows that hold benchmark items were trained on; without a ledger nobody can say that they were not."""
    if ledger is None:
        return True
    rules, actions = ledger.findings["rule"].to_pylist(), ledger.findings["action"].to_pylist()
    return any(rule.startswith("benchmark-") and action != "drop" for rule, action in zip(rules, actions, strict=True))


def _contamination(line: Line) -> str:
    clean = f"; without them {figures.change(line.clean_delta, line.unit)}" if line.clean_delta is not None else ""
    return f"{line.name}: {figures.plural(line.contaminated, 'item')} of {line.n:,} occur in the training data{clean}"


def _best_retention(tuned: Tuned) -> str:
    found = lowest_retention(tuned)
    if found is None or found[2] <= LOW_RETENTION * found[1]:
        return ""
    step, lowest, last = found
    return (
        f"Stop earlier: the loss on general text was lowest at step {step:,} "
        f"({figures.measure(lowest)}; {figures.measure(last)} at the end)"
    )


def _lines(results: RunResults, state: str) -> list[Line]:
    return [line for line in lines_of(results.verdict, results.comparison) if line.state == state]


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:4])
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more"
