"""Comparison and verdict to the measuring half of the page: the plot of all benchmarks, subjects, and flips."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.results import Flip, RunResults, Verdict
from . import figures
from .checks import STATE_SIGNS, Line, interval_alpha, interval_title, unit_of
from .losses import EXPLAINED, KINDS, drift_in_words, kind_table
from .markdown import spread
from .markup import NOTHING, Html, Row, badge, data, join, table, tag, text, words
from .plots import Scale, axis, interval_plot, scale_over

MAX_FLIPS = 200
"""Flips of each direction that the page holds, taken in turn from the benchmarks."""


def forest(lines: Sequence[Line], verdict: Verdict | None) -> Html:
    """Every gated or measured quantity with its difference, interval and margin on one scale; the worst first."""
    shown = [line for line in lines if line.kind != "task"]
    if not shown:
        return NOTHING
    common = [line for line in shown if line.unit != "number"]
    values = [v for line in common for v in (line.low, line.high, line.delta, -line.margin if line.margin else None)]
    scale = scale_over(values)
    interval, bound = interval_title(verdict), figures.level(interval_alpha(verdict))
    titles = ("benchmark", "base → tuned", f"Δ, {interval}", "margin", "flips", "n", "MDE")
    head = [tag("th", text(title), scope="col", class_="n" if place else None) for place, title in enumerate(titles)]
    head.insert(1, tag("th", axis(scale, "points"), scope="col", class_="plot-cell", aria_label="difference"))
    body = [_forest_row(line, scale if line.unit != "number" else None, interval) for line in shown]
    key = words(
        f"Dot: tuned − base in percentage points. Line: {interval}, whose lower end is the one-sided {bound} bound. "
        "Shaded: the loss that the margin allows. "
        "MDE: the smallest loss that this many items would show with 80 % power.",
        class_="muted small",
    )
    frame = tag(
        "table",
        tag("caption", text("Difference of every benchmark, the worst first")),
        tag("thead", tag("tr", *head)),
        tag("tbody", *body),
        class_="forest",
    )
    return tag("div", frame, key)


def task_table(lines: Sequence[Line], verdict: Verdict | None) -> Html:
    """The user's own task, which has a scale of its own."""
    rows = [
        Row(
            cells=[
                tag("span", badge(line.state, STATE_SIGNS[line.state]), tag("b", text(f" {line.name}"))),
                text(line.metric),
                text(f"{figures.score(line.base, line.unit)} → {figures.score(line.tuned, line.unit)}"),
                text(_change(line)),
                text(figures.flips(line.lost, line.gained)),
                text(figures.count(line.n)),
                text(line.reason),
            ]
        )
        for line in lines
        if line.kind == "task"
    ]
    titles = ("task", "metric", "base → tuned", f"Δ, {interval_title(verdict)}", "flips", "n", "reason")
    return table(titles, rows, caption="The task itself", numbers=(2, 3, 4, 5)) if rows else NOTHING


def subjects(results: RunResults) -> Html:
    """Strata inside the benchmarks, the largest loss first."""
    rows = []
    for task in results.comparison.tasks if results.comparison else ():
        unit = unit_of(task.info.scale)
        rows += [(subject.get("delta") or 0.0, task.info.name, subject, unit) for subject in task.subjects]
    rows.sort(key=lambda row: (not row[2].get("significant"), row[0]))
    if not rows:
        return NOTHING
    titles = ("benchmark", "subject", "base", "tuned", "Δ", "flips", "n", "p", "loss beyond chance")
    cells = [
        Row(
            cells=[
                text(name, 120),
                text(subject.get("subject", ""), 120),
                text(figures.score(subject.get("base"), unit)),
                text(figures.score(subject.get("tuned"), unit)),
                text(figures.change(subject.get("delta"), unit)),
                text(figures.flips(subject.get("lost"), subject.get("gained"))),
                text(figures.count(subject.get("n"))),
                text(figures.p_value(subject.get("p_value"))),
                text("yes" if subject.get("significant") else ""),
            ],
            facets={"benchmark": name},
        )
        for _, name, subject, unit in rows
    ]
    note = words(
        "Subjects are explored, not gated: a yes survives the Benjamini–Hochberg procedure at q = 0.10.",
        class_="muted small",
    )
    return tag("div", table(titles, cells, caption="Subjects", numbers=range(2, 8)), note)


def kinds_of_loss(results: RunResults) -> Html:
    """Lost answers by what went wrong, where it was not always the answer."""
    rows = [
        Row(cells=[text(name, 120), *(text(figures.count(number)) for number in counts)])
        for name, counts in kind_table(results.comparison)
    ]
    if not rows:
        return NOTHING
    titles = ("benchmark", *(names[1] for names in KINDS.values()))
    frame = table(titles, rows, caption="Lost answers by kind", numbers=range(1, len(titles)), page=20)
    return tag("div", frame, words(EXPLAINED, class_="muted small"))


def drift(results: RunResults) -> Html:
    """How far the tuned model moved from its base on the task's own rows."""
    if results.drift is None:
        return NOTHING
    more = f"; the row that moved furthest {figures.measure(results.drift.largest)}"
    return words(f"Drift: {drift_in_words(results.drift)}{more}.", class_="muted small")


def flips(results: RunResults) -> Html:
    """Answers that changed between right and wrong, both ways."""
    sampled = results.comparison.flips if results.comparison else ()
    if not sampled:
        return NOTHING
    shown: list[Flip] = []
    for direction in ("lost", "gained"):
        shown += spread([flip for flip in sampled if flip.direction == direction], MAX_FLIPS)
    total = sum(task.lost + task.gained for task in results.comparison.tasks) if results.comparison else 0
    rows = [
        Row(
            cells=[
                _way(flip),
                tag("span", text(flip.task, 120), tag("span", text(flip.subject, 120), class_="muted sub")),
                data(flip.prompt, tail=True),
                data(flip.base),
                data(flip.tuned),
                data(flip.target),
            ],
            facets={"direction": flip.direction, "benchmark": flip.task},
        )
        for flip in shown
    ]
    titles = ("flip", "benchmark", "prompt", "base answered", "tuned answers", "target")
    note = words(
        f"{figures.count(len(shown))} of {figures.count(total)} flips, taken in turn from the benchmarks; "
        "the score files of the run hold them all.",
        class_="muted small",
    )
    return tag("div", table(titles, rows, caption="Flips"), note)


def _way(flip: Flip) -> Html:
    way = tag("span", text("✕ lost" if flip.direction == "lost" else "✓ gained"), class_=f"way {flip.direction}")
    if flip.loss_kind in {"", "changed_answer"}:
        return way
    return join([way, tag("span", text(KINDS[flip.loss_kind][0]), class_="muted sub")])


def _forest_row(line: Line, scale: Scale | None, interval: str) -> Html:
    own = scale or scale_over([line.low, line.high, line.delta, -line.margin if line.margin else None])
    label = f"{line.name}: {_change(line)}, margin {figures.score(line.margin, line.unit)}, {line.state}"
    plot = NOTHING
    if line.delta is not None:
        plot = interval_plot(
            own, delta=line.delta, low=line.low, high=line.high, margin=line.margin, state=line.state, label=label
        )
    about = [part for part in (line.ability, line.metric, "" if scale else "own scale") if part]
    name = [badge(line.state, STATE_SIGNS[line.state]), tag("b", text(line.title, 120))]
    name += [tag("span", text(" · ".join(about), 120), class_="muted sub")] if about else []
    if line.state not in {"pass", "measured"} and line.reason:
        name.append(tag("span", text(line.reason, 400), class_="sub why"))
    if line.contaminated:
        clean = figures.change(line.clean_delta, line.unit)
        seen = f"{figures.plural(line.contaminated, 'item')} occur in the training data; without them {clean}"
        name.append(tag("span", text(seen), class_="sub why"))
    figures_cells = (
        ("base → tuned", f"{figures.score(line.base, line.unit)} → {figures.score(line.tuned, line.unit)}"),
        (f"Δ, {interval}", _change(line)),
        ("margin", figures.score(line.margin, line.unit)),
        ("flips", figures.flips(line.lost, line.gained)),
        ("n", figures.count(line.n)),
        ("MDE", figures.score(line.mde, line.unit)),
    )
    cells = [tag("td", text(value), class_="n", data_title=title) for title, value in figures_cells]
    return tag("tr", tag("th", *name, scope="row"), tag("td", plot, class_="plot-cell"), *cells, class_=line.state)


def _change(line: Line) -> str:
    change = figures.change(line.delta, line.unit)
    return change if line.low is None else f"{change} {figures.interval(line.low, line.high, line.unit)}"
