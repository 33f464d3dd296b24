"""Full and curated data to a proof of benefit: what a model makes of either, and of as many random rows.

Curated data is smaller. Whether it is better is a question of its own, and the fair comparison is with a random choice
of as many rows. Rows that a curated test row stands for are kept out of every arm.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.errors import DataError
from ..core.formats import load_examples
from ..core.records import Curation, Examples
from .context import Array

HELD_OUT = 0.2
"""Share of the kept rows that test the model where there is no test split."""
DRAWN = 0.8
"""Share of each arm that is drawn per seed, so that seeds differ."""

Learn = Callable[[Examples, Examples, int], float]
"""Training rows, test rows and a seed → accuracy of a model on the test rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Benefit:
    """Mean accuracy of three arms, and the paired difference kept − random with its interval."""

    kept: float
    random: float
    full: float
    difference: float
    """kept − random, mean over the seeds."""
    low: float
    high: float
    """95 % interval of the difference (t, paired over seeds)."""
    rows: dict[str, int]
    """Rows trained on per arm."""
    test_rows: int
    seeds: int


def prove_benefit(curation: Curation, *, test: Any = None, seeds: int = 5, learn: Learn | None = None) -> Benefit:
    """Train on kept, random and full rows, and compare on the same test rows.

    Args:
        curation: of labelled examples.
        test: the test split; none: a fifth of the kept rows, with all their duplicates, is held out per seed.
        seeds: how often; at least 2.
        learn: trains and measures; none: TF-IDF and logistic regression.

    Raises:
        DataError: the examples have no labels, or fewer than 2 seeds are asked for.
    """
    if curation.examples.kind != "label":
        raise DataError(
            f"the proof of benefit trains a classifier, and these are {curation.examples.kind} examples; "
            "train the model on curated/train and on the input instead, and compare the two"
        )
    if seeds < 2:
        raise DataError(f"seeds is {seeds}; an interval needs at least 2")
    held = None if test is None else load_examples(test)
    runs = [_run(curation, held, seed, learn or _learn_cheaply) for seed in range(seeds)]
    scores = np.array([run[0] for run in runs])
    gains = scores[:, 0] - scores[:, 1]
    low, high = _interval(gains)
    kept, random, full = scores.mean(axis=0).tolist()
    return Benefit(
        kept=kept,
        random=random,
        full=full,
        difference=float(gains.mean()),
        low=low,
        high=high,
        rows=runs[0][1],
        test_rows=runs[0][2],
        seeds=seeds,
    )


def _run(curation: Curation, test: Examples | None, seed: int, learn: Learn) -> tuple[list[float], dict[str, int], int]:
    generator = np.random.default_rng(seed)
    kept, full = curation.kept, np.arange(len(curation.examples))
    if test is None:
        kept, full, test = _hold_out(curation, generator)
    size = max(2, int(DRAWN * len(kept)))
    arms = {
        "kept": generator.permutation(kept)[:size],
        "random": generator.permutation(full)[:size],
        "full": generator.permutation(full)[: max(size, int(DRAWN * len(full)))],
    }
    scores = [learn(curation.examples.take(rows), test, seed) for rows in arms.values()]
    return scores, {name: len(rows) for name, rows in arms.items()}, len(test)


def _hold_out(curation: Curation, generator: np.random.Generator) -> tuple[Array, Array, Examples]:
    """Kept and full rows without a share of the kept rows and all that those stand for, and that share."""
    held = generator.permutation(curation.kept)[: max(1, int(HELD_OUT * len(curation.kept)))]
    chosen = set(held.tolist())
    copies = {row for survivor, *rows in curation.clusters if survivor in chosen for row in rows}
    out = np.array(sorted(chosen | copies))
    full = np.setdiff1d(np.arange(len(curation.examples)), out)
    return np.setdiff1d(curation.kept, out), full, curation.examples.take(np.sort(held))


def _learn_cheaply(train: Examples, test: Examples, seed: int) -> float:  # noqa: ARG001  the fit draws nothing
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    labels = train.targets
    if len(set(labels)) < 2:
        return float(np.mean([label == labels[0] for label in test.targets]))
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=10, tol=1e-3, max_iter=200)
    )
    model.fit(train.inputs, labels)
    return float(np.mean(model.predict(test.inputs) == np.array(test.targets)))


def _interval(values: Array) -> tuple[float, float]:
    from scipy.stats import t

    half = float(t.ppf(0.975, len(values) - 1)) * float(values.std(ddof=1)) / math.sqrt(len(values))
    return float(values.mean()) - half, float(values.mean()) + half
