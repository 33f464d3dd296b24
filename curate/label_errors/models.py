"""Features and given labels to out-of-sample label probabilities: several cheap models, each calibrated, averaged.

No row is judged by a model that saw its label: complement naive Bayes and the optional linear models by stratified
cross-validation, ridge regression by its exact leave-one-out formula, nearest neighbours without the row itself. Their
errors differ, so that their mean ranks label errors better than any of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..config import LabelErrorConfig
from ..context import Array
from .features import Features

RIDGE = 1.0
"""Penalty on unit-length rows."""
BLOCK = 2_000
"""Rows whose similarities to all others are held at a time."""
MOST_NEIGHBOUR_ROWS = 60_000
"""Beyond, neighbours by brute force would take minutes and are left out."""
TEMPERATURES = np.exp(np.linspace(np.log(0.01), np.log(5), 40))
"""Tried in turn; negative log-likelihood is smooth in the temperature."""


class LabelModels:
    """What does not depend on the labels, computed once, so that other labels can be scored cheaply."""

    def __init__(self, features: Features, config: LabelErrorConfig) -> None:
        self.features = features
        self.config = config
        dense = np.concatenate([features.dense, np.ones((len(features.dense), 1), np.float32)], axis=1)
        gram = dense.T @ dense + RIDGE * np.eye(dense.shape[1], dtype=np.float32)
        self._solved = np.linalg.solve(gram, dense.T)
        self._leverage = np.einsum("ij,ji->i", dense, self._solved)
        self._dense = dense
        self._neighbours = self._find_neighbours() if len(dense) <= MOST_NEIGHBOUR_ROWS else None

    def probabilities(self, labels: Array, classes: int) -> Array:
        """(n, classes) float64: out-of-sample probability of every class, the mean of the calibrated models."""
        scores = [self._ridge(labels, classes), self._naive_bayes(labels, classes)]
        if self._neighbours is not None:
            scores.append(self._votes(labels, classes))
        if self.config.logistic:
            scores.append(self._cross_validated(labels, classes, "logistic"))
        if self.config.svm:
            scores.append(self._cross_validated(labels, classes, "svm"))
        return np.asarray(np.mean([calibrated(score, labels) for score in scores], axis=0))

    def _ridge(self, labels: Array, classes: int) -> Array:
        """Leave-one-out predictions of ridge regression on one-hot labels."""
        targets = np.eye(classes, dtype=np.float32)[labels]
        fitted = self._dense @ (self._solved @ targets)
        leverage = self._leverage[:, None]
        return np.asarray((fitted - leverage * targets) / np.maximum(1 - leverage, 1e-6), dtype=np.float64)

    def _naive_bayes(self, labels: Array, classes: int) -> Array:
        from sklearn.naive_bayes import ComplementNB

        scores = np.zeros((len(labels), classes))
        for train, held in folds(labels, self.config.folds):
            model = ComplementNB(alpha=0.3).fit(self.features.sparse[train], labels[train])
            scores[held[:, None], model.classes_] = self.features.sparse[held] @ model.feature_log_prob_.T
        return scores

    def _cross_validated(self, labels: Array, classes: int, kind: str) -> Array:
        from sklearn.linear_model import LogisticRegression
        from sklearn.svm import LinearSVC

        scores = np.zeros((len(labels), classes))
        for train, held in folds(labels, self.config.folds):
            if kind == "svm":
                model: Any = LinearSVC(C=0.5).fit(self.features.sparse[train], labels[train])
                found = model.decision_function(self.features.sparse[held])
            else:
                model = LogisticRegression(C=20, tol=1e-3, max_iter=200).fit(self.features.dense[train], labels[train])
                found = model.decision_function(self.features.dense[held])
            scores[held[:, None], model.classes_] = np.stack([-found, found], axis=1) if found.ndim == 1 else found
        return scores

    def _find_neighbours(self) -> tuple[Array, Array]:
        """(n, k) positions and cosine similarities of each row's nearest other rows."""
        dense, k = self.features.dense, min(self.config.neighbours, len(self.features.dense) - 1)
        near, similarity = [], []
        for start in range(0, len(dense), BLOCK):
            block = dense[start : start + BLOCK] @ dense.T
            block[np.arange(len(block)), start + np.arange(len(block))] = -np.inf
            rows = np.argpartition(-block, k - 1, axis=1)[:, :k]
            near.append(rows)
            similarity.append(np.take_along_axis(block, rows, axis=1))
        return np.concatenate(near), np.concatenate(similarity)

    def _votes(self, labels: Array, classes: int) -> Array:
        """Log of the similarity-weighted share of each class among the neighbours."""
        assert self._neighbours is not None
        near, similarity = self._neighbours
        votes = np.full((len(labels), classes), 0.5 / classes)
        weights = np.maximum(similarity, 0.0) ** 2 + 1e-3
        np.add.at(votes, (np.arange(len(labels))[:, None], labels[near]), weights)
        return np.asarray(np.log(votes / votes.sum(axis=1, keepdims=True)))


def folds(labels: Array, count: int) -> list[tuple[Array, Array]]:
    """(train, held) positions of stratified folds; every class needs at least `count` rows."""
    from sklearn.model_selection import StratifiedKFold

    return list(StratifiedKFold(count, shuffle=True, random_state=0).split(np.zeros(len(labels)), labels))


def calibrated(scores: Array, labels: Array) -> Array:
    """(n, classes) probabilities: softmax at the temperature under which the given labels are most likely."""
    centred = scores - scores.max(axis=1, keepdims=True)
    given = centred[np.arange(len(labels)), labels]
    losses = [
        float(np.mean(np.log(np.exp(centred / temperature).sum(axis=1)) - given / temperature))
        for temperature in TEMPERATURES
    ]
    powers = np.exp(centred / TEMPERATURES[int(np.argmin(losses))])
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
