"""Labelled rows to findings about labels: a ranked queue of probable errors, classes too small to judge, outliers.

The queue is flagged, never rewritten: on human-checked data more than half of what such a ranking flags is not
confirmed correct, but only one in eight suggested labels is what people would choose.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from ...core.console import note
from ...core.records import Examples, Finding
from ..config import CurateConfig, LabelErrorConfig
from ..context import Array, Context
from ..ranking import id_numbers
from ..rules.length import settled_deviations
from .features import Features, text_features
from .models import LabelModels, class_sums
from .ranking import calibrate, cohens_kappa, confident_flags, margins

FEWEST_ROWS = 50
"""Smaller data teaches the models nothing."""
LEAST_AGREEMENT = 0.2
"""Cohen's kappa of predicted and given labels from which the texts tell of the labels ("fair"; Landis & Koch 1977)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelQueue:
    """The judged rows, the most suspicious first."""

    rows: Array
    """(m,) positions of the flagged rows, by falling score."""
    scores: Array
    """(m,) log p(suggested) − log p(given)."""
    suggested: tuple[str, ...]
    """The likeliest other label of each."""
    expected: Array | None
    """(m,) expected share of real errors in the queue down to each row."""
    error_share: float | None
    """Estimated share of wrong labels in the data."""
    agreement: float
    """Cohen's kappa of the likeliest and the given labels of all rows; where it is low, the queue is empty."""


def find_label_errors(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:  # noqa: ARG001
    """Flags ranked by margin, with the expected precision of the queue down to each row."""
    settings = config.label_errors
    if len(examples) > settings.max_rows:
        return
    names, labels, sizes = np.unique(examples.targets, return_inverse=True, return_counts=True)
    judged = np.flatnonzero(sizes[labels] >= settings.folds)
    judged = judged[np.argsort(id_numbers(examples)[judged], kind="stable")]  # folds and probes are drawn by place
    yield from _rare_classes(names, labels, sizes, settings)
    classes = np.unique(labels[judged])
    wanted = {rule for rule in ("label-error", "outlier") if config.rules.get(rule) != "off"}
    if len(judged) < FEWEST_ROWS or len(classes) < 2 or not wanted:
        return
    codes = np.searchsorted(classes, labels[judged])
    with threadpool_limits(limits=1, user_api="blas"):  # beside our own threads, its would only wait for one another
        features = text_features(_texts(examples, judged), encoder=settings.embeddings)
        queue = None
        if "label-error" in wanted:
            queue = rank_labels(features, codes, [str(names[at]) for at in classes], settings)
    if queue is not None:
        if queue.agreement < LEAST_AGREEMENT:
            note(f"curate: the texts hardly tell of their labels (kappa {queue.agreement:.2f}); no label is questioned")
        yield from _queue_findings(examples, judged, queue)
    yield from _outliers(judged, features, codes, config.quality.outlier_deviations)


def rank_labels(features: Features, codes: Array, names: list[str], config: LabelErrorConfig) -> LabelQueue:
    """The flagged rows in order of suspicion.

    As many rows as confident learning finds off the diagonal of its joint distribution, or as the probes say are
    likelier wrong than right, whichever are more; which ones, the margins say.

    Args:
        features: of n rows.
        codes: (n,) given labels, 0 to len(names) − 1, each with at least `config.folds` rows.
        names: the labels.
        config: models and probes.
    """
    models = LabelModels(features, config)
    probabilities = models.probabilities(codes, len(names))
    scores, other = margins(probabilities, codes)
    agreement = cohens_kappa(probabilities.argmax(axis=1), codes)
    if agreement < LEAST_AGREEMENT:
        nothing = np.empty(0, dtype=np.int64)
        return LabelQueue(
            rows=nothing, scores=np.empty(0), suggested=(), expected=None, error_share=None, agreement=agreement
        )

    def score(labels: Array) -> Array:
        return margins(models.probabilities(labels, len(names)), labels)[0]

    calibration = calibrate(score, codes, probabilities, draws=config.probes)
    worthwhile = 0 if calibration is None else round(calibration.worthwhile * len(codes))
    size = max(worthwhile, int(confident_flags(probabilities, codes).sum()))
    queue = np.argsort(-scores, kind="stable")[: min(size, int((scores > 0).sum()))]
    depth = np.arange(1, len(queue) + 1) / len(codes)
    return LabelQueue(
        rows=queue,
        scores=scores[queue],
        suggested=tuple(names[at] for at in other[queue]),
        expected=None if calibration is None else calibration.precision_at(depth),
        error_share=None if calibration is None else calibration.errors,
        agreement=agreement,
    )


def _texts(examples: Examples, rows: Array) -> list[str]:
    inputs = examples.table["input"].take(rows).to_pylist()
    if "pair" not in examples.table.column_names:
        return inputs  # type: ignore[no-any-return]
    pairs = examples.table["pair"].take(rows).to_pylist()
    return [f"{text}\n{pair}" for text, pair in zip(inputs, pairs, strict=True)]


def _rare_classes(names: Array, labels: Array, sizes: Array, config: LabelErrorConfig) -> Iterator[Finding]:
    for row in np.flatnonzero(sizes[labels] < config.folds).tolist():
        size = int(sizes[labels[row]])
        reason = f"{str(names[labels[row]])!r} has {size} rows, too few ({config.folds}) to judge its labels."
        yield Finding(row=row, rule="rare-class", severity="info", reason=reason, evidence={"rows": size})


def _queue_findings(examples: Examples, judged: Array, queue: LabelQueue) -> Iterator[Finding]:
    given = examples.table["target"].take(judged[queue.rows]).to_pylist() if len(queue.rows) else []
    for place, row in enumerate(judged[queue.rows].tolist()):
        suggested, label = queue.suggested[place], given[place]
        evidence: dict[str, object] = {"suggested": suggested, "rank": place + 1}
        if queue.expected is not None and queue.error_share is not None:
            evidence |= {"expected_precision": round(float(queue.expected[place]), 3)}
            evidence |= {"estimated_error_share": round(queue.error_share, 4)}
        yield Finding(
            row=row,
            rule="label-error",
            severity="warning",
            reason=f"Labelled {label!r}, but reads like {suggested!r}.",
            score=float(queue.scores[place]),
            evidence=evidence,
        )


def _outliers(judged: Array, features: Features, codes: Array, limit: float) -> Iterator[Finding]:
    """Rows far from the centre of their own class, beside how far the class's rows usually are."""
    centres = class_sums(features.dense, codes, int(codes.max()) + 1)
    centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
    distances = 1 - np.einsum("ij,ij->i", features.dense, centres[codes])
    deviations = settled_deviations(distances, codes, limit)
    for at in np.flatnonzero(deviations > limit).tolist():
        yield Finding(
            row=int(judged[at]),
            rule="outlier",
            severity="info",
            reason="The text is far from everything else in its class.",
            score=float(deviations[at]),
        )
