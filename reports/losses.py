"""Comparison and drift to words: what kind of loss the lost answers are, and how far the model moved on its task.

A changed answer is lost knowledge; a lost format, a refusal or an answer that runs on is lost behaviour, for which
other remedies help. Multiple-choice items only know changed answers.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..core.results import Comparison, Drift
from . import figures

KINDS: Mapping[str, tuple[str, str]] = {
    "changed_answer": ("changed answer", "changed answers"),
    "lost_format": ("lost format", "lost formats"),
    "refusal": ("refusal", "refusals"),
    "length_blow_up": ("answer that runs on", "answers that run on"),
}
"""Kind to its name for one item and for many, in the order of the reports."""
EXPLAINED = (
    "Changed answer: it says something else. Lost format: a more lenient reading still finds the right answer. "
    "Refusal: it declines. Runs on: it writes three times as much as the base. Choices only know the first."
)


def kind_table(comparison: Comparison | None) -> list[tuple[str, list[int]]]:
    """Tasks that lost an item in another way than by its answer, with the number of each kind in the order of KINDS."""
    tasks = comparison.tasks if comparison else ()
    return [
        (task.info.name, [task.loss_kinds.get(kind, 0) for kind in KINDS])
        for task in tasks
        if set(task.loss_kinds) - {"changed_answer"}
    ]


def kinds_in_words(counts: list[int]) -> str:
    """The kinds that occurred.

    >>> kinds_in_words([31, 0, 1, 2])
    '31 changed answers, 1 refusal, 2 answers that run on'
    """
    return ", ".join(figures.plural(n, *names) for n, names in zip(counts, KINDS.values(), strict=True) if n)


def drift_in_words(drift: Drift) -> str:
    """The divergence with its error and what it was measured on.

    >>> drift_in_words(Drift(kl=0.5, standard_error=0.02, rows=64, tokens=1900, largest=1.1))
    'KL from the base 0.5 ± 0.02 nats per token on 64 rows of the task; an early warning, not gated'
    """
    error = f" ± {figures.measure(drift.standard_error)}" if drift.standard_error is not None else ""
    rows = figures.plural(drift.rows, "row")
    return (
        f"KL from the base {figures.measure(drift.kl)}{error} nats per token on {rows} of the task; "
        "an early warning, not gated"
    )
