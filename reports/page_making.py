"""How the model was tuned and where everything came from, to the last part of the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..core.records import Tuned
from ..core.results import RunResults
from . import figures
from .document import json_ready, public_provenance
from .markup import NOTHING, Html, Row, join, table, tag, text, words
from .plots import curve
from .tuning import retention_curves, shares_tried, shown_notes, validation_curve


def training(tuned: Tuned) -> Html:
    """Loss, validation, and the retention monitor over the steps."""
    facts = [
        ("method", tuned.method),
        ("base", tuned.base),
        ("steps", figures.count(tuned.steps)),
        ("seed", str(tuned.seed)),
        ("data", tuned.data_fingerprint),
        ("model", str(tuned.path)),
    ]
    plots = [
        curve([("training", tuned.losses), ("validation", validation_curve(tuned))], "Loss of the task"),
        curve(retention_curves(tuned), "Loss on what the base knew, nats per token"),
    ]
    shown = join(plot for plot in plots if plot)
    elsewhere = {"evaluations", "warnings", "interpolated"}
    details = {name: value for name, value in shown_notes(tuned).items() if name not in elsewhere}
    drawn = tag("div", shown, class_="plots") if shown else NOTHING
    return tag("div", _facts(facts), drawn, _interpolation(tuned), _flat(details, "Details"))


def _interpolation(tuned: Tuned) -> Html:
    """Every share of the way from base to tuned that was tried, with what it was chosen by."""
    tried, chosen = shares_tried(tuned)
    if not tried:
        return NOTHING
    rows = [
        Row(
            cells=[
                text(entry.get("share")), text(figures.measure(entry.get("loss"))),
                text(figures.measure(entry.get("rise"))), text(entry.get("where") or figures.ABSENT, 80),
                text("chosen" if entry.get("share") == chosen.get("share") else ""),
            ]
        )
        for entry in tried
    ]  # fmt: skip
    titles = ("share", "validation loss", "largest rise over the base", "of", "")
    said = words(f"Chosen: {chosen.get('why')}.", class_="muted") if chosen.get("why") else NOTHING
    heading = tag("h3", text("Interpolation between base and tuned"))
    return tag("div", heading, table(titles, rows, caption="Interpolation", numbers=(0, 1, 2)), said)


def provenance(results: RunResults) -> Html:
    """Fingerprints, versions, seeds, timings, and the command that reproduces the run."""
    parts = []
    facts = public_provenance(results.provenance)
    command = facts.get("command")
    if command:
        parts.append(tag("pre", tag("code", text(command)), class_="command"))
    for title, scores in (("base", results.base_scores), ("tuned", results.tuned_scores)):
        if scores:
            parts.append(_facts([(f"{title} model", scores.model), (f"{title} weights", scores.model_hash)]))
    parts.append(_stages(results.provenance))
    parts.append(_flat({name: value for name, value in facts.items() if name not in {"command", "stages"}}, "Run"))
    settings = results.tuned_scores.settings if results.tuned_scores else {}
    parts.append(_flat(settings, "Measurement settings"))
    policy = results.verdict.policy if results.verdict else {}
    parts.append(_flat(policy, "Limits of the gate"))
    return join(parts)


def _stages(provenance: Mapping[str, Any]) -> Html:
    stages = provenance.get("stages")
    if not isinstance(stages, Mapping):
        return NOTHING
    rows = [
        Row(
            cells=[
                text(name, 60), text(stage.get("state", "")), text(figures.duration(stage.get("seconds"))),
                text(stage.get("key") or figures.ABSENT, 40),
            ]
        )
        for name, stage in stages.items()
        if isinstance(stage, Mapping)
    ]  # fmt: skip
    return table(("stage", "state", "time", "fingerprint"), rows, caption="Stages", numbers=(2,)) if rows else NOTHING


def _flat(values: Mapping[str, Any], title: str) -> Html:
    leaves = _leaves(values)
    if not leaves:
        return NOTHING
    rows = [Row(cells=[text(name, 160), _value(value)]) for name, value in leaves.items()]
    return tag("details", tag("summary", text(title)), table(("", "value"), rows, caption=title, page=50))


def _leaves(values: Mapping[str, Any]) -> dict[str, Any]:
    return dict(_walk(json_ready(values), ""))


def _walk(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name in sorted(value):
            yield from _walk(value[name], f"{path}.{name}" if path else name)
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for place, item in enumerate(value[:50]):
            yield from _walk(item, f"{path}[{place}]")
    else:
        yield path, value


def _value(value: Any) -> Html:
    if isinstance(value, float):
        return text(figures.measure(value))
    if isinstance(value, list):
        return text(", ".join(str(item) for item in value), 400)
    return text("–" if value is None else value, 400)


def _facts(pairs: list[tuple[str, str]]) -> Html:
    return tag("dl", *(tag("div", tag("dt", text(name)), tag("dd", text(value, 300))) for name, value in pairs))
