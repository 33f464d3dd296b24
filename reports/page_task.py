"""What the scores tell of the user's own task beside the items: classes, confusions, calibration, base beside tuned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..core.results import RunResults, Scores
from . import figures
from .markup import NOTHING, Html, Row, data, join, table, tag, text

SHARES = (
    "accuracy",
    "subset_accuracy",
    "macro_f1",
    "micro_f1",
    "exact_match",
    "normalised_match",
    "token_f1",
    "rouge_l",
    "chrf",
)
"""Figures between 0 and 1 that read as percentages; any other is shown as it is."""
NAMES = {
    "ece": "expected calibration error",
    "brier": "Brier score",
    "mean_confidence": "mean confidence",
    "macro_f1": "macro-F1",
    "micro_f1": "micro-F1",
}
MAX_MATRIX = 30
"""Classes up to which the confusions are drawn as a grid."""


def task_details(results: RunResults) -> Html:
    """Headline figures, per-class F1 and confusions; nothing where the scores carry none."""
    base, tuned = _facts(results.base_scores), _facts(results.tuned_scores)
    return join([_headline(base, tuned), _classes(base, tuned), _grid(tuned), _confusions(tuned)])


def _facts(scores: Scores | None) -> Mapping[str, Any]:
    facts = scores.extras.get("task") if scores else None
    return facts if isinstance(facts, Mapping) else {}


def _headline(base: Mapping[str, Any], tuned: Mapping[str, Any]) -> Html:
    numbers = [name for name in {**tuned, **base} if any(isinstance(side.get(name), float) for side in (base, tuned))]
    rows = [
        Row(cells=[text(NAMES.get(name, name.replace("_", " "))), *(_figure(name, side) for side in (base, tuned))])
        for name in numbers
    ]
    if not rows:
        return NOTHING
    return table(("figure", "base", "tuned"), rows, caption="Figures of the task", numbers=(1, 2), page=20)


def _figure(name: str, side: Mapping[str, Any]) -> Html:
    value = side.get(name)
    if not isinstance(value, float):
        return text(figures.ABSENT)
    return text(f"{figures.score(value, 'points')} %" if name in SHARES else figures.measure(value))


def _classes(base: Mapping[str, Any], tuned: Mapping[str, Any]) -> Html:
    before, after = _per_class(base), _per_class(tuned)
    changes = {label: _f1(after, label) - _f1(before, label) for label in {**after, **before}}
    rows = [
        Row(
            cells=[
                data(label),
                text(figures.count(_entry(after, before, label).get("n"))),
                text(figures.score(_f1(before, label), "points")),
                text(figures.score(_f1(after, label), "points")),
                text(figures.change(changes[label], "points")),
            ]
        )
        for label in sorted(changes, key=lambda name: (changes[name], name))
    ]
    if not rows:
        return NOTHING
    titles = ("class", "items", "F1 base", "F1 tuned", "Δ")
    return tag("div", tag("h3", text("Classes")), table(titles, rows, caption="Classes", numbers=(1, 2, 3, 4)))


def _per_class(side: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    entries = side.get("per_class") or []
    return {str(entry["label"]): entry for entry in entries if isinstance(entry, Mapping) and "label" in entry}


def _entry(after: Mapping[str, Any], before: Mapping[str, Any], label: str) -> Mapping[str, Any]:
    entry: Mapping[str, Any] = after.get(label) or before.get(label) or {}
    return entry


def _f1(classes: Mapping[str, Mapping[str, Any]], label: str) -> float:
    return float(classes.get(label, {}).get("f1") or 0.0)


def _grid(tuned: Mapping[str, Any]) -> Html:
    confusion = tuned.get("confusion")
    if not isinstance(confusion, Mapping) or not 1 < len(confusion.get("labels") or ()) <= MAX_MATRIX:
        return NOTHING
    labels: Sequence[str] = confusion["labels"]
    head = [tag("th", text(str(place + 1)), scope="col", class_="n") for place in range(len(labels))]
    body = [
        tag("tr", tag("th", text(f"{place + 1} "), data(labels[place]), scope="row"), *_shades(counts, place))
        for place, counts in enumerate(confusion["matrix"])
    ]
    frame = tag(
        "table",
        tag("caption", text("Confusions of the tuned model: rows are targets, columns predictions")),
        tag("thead", tag("tr", tag("th", text("target ↓ prediction →"), scope="col"), *head)),
        tag("tbody", *body),
        class_="confusion",
    )
    return tag("details", tag("summary", text("Confusion matrix of the tuned model")), tag("div", frame, class_="wide"))


def _shades(counts: Sequence[int], own: int) -> list[Html]:
    total = max(sum(counts), 1)
    return [
        tag(
            "td",
            text(figures.count(number) if number else ""),
            class_=f"n {'right' if place == own else 'wrong'} h{min(9, round(9 * number / total))}",
        )
        for place, number in enumerate(counts)
    ]


def _confusions(tuned: Mapping[str, Any]) -> Html:
    confusion = tuned.get("confusion")
    largest = confusion.get("largest") if isinstance(confusion, Mapping) else None
    if not largest:
        return NOTHING
    rows = [
        Row(cells=[data(target), data(prediction), text(figures.count(number))])
        for target, prediction, number in largest
    ]
    frame = table(("target", "predicted instead", "items"), rows, caption="Largest confusions", numbers=(2,))
    return tag("div", tag("h3", text("Largest confusions of the tuned model")), frame)
