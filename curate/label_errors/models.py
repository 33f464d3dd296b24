"""Features and given labels to out-of-sample label probabilities: several cheap models, each calibrated, averaged.

No row is judged by a model that saw its label: complement naive Bayes and the optional linear models by stratified
cross-validation, linear discriminants by an exact leave-one-out formula, nearest neighbours without the row itself.
Their errors differ, so that their mean ranks label errors better than any of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.compiled import map_threads
from ..config import LabelErrorConfig
from ..context import Array
from .features import Features

SHRINKAGE = 1.0
"""Of the classes' common covariance towards a multiple of the identity: its mean variance, this many times."""
HALF = 0.5
"""Rows that an empty class counts as: planted errors can empty one."""
BLOCK = 500
"""Rows whose similarities to all others are held at a time."""
MOST_NEIGHBOUR_ROWS = 60_000
"""Beyond, neighbours by brute force would take minutes and are left out."""
TEMPERATURES = np.exp(np.linspace(np.log(0.01), np.log(5), 40))
"""Candidates; the negative log-likelihood has one minimum in the temperature."""


class LabelModels:
    """What does not depend on the labels, computed once, so that other labels can be scored cheaply."""

    def __init__(self, features: Features, config: LabelErrorConfig) -> None:
        self.features = features
        self.config = config
        dense = features.dense
        self._gram = (dense.T @ dense).astype(np.float64) / len(dense)
        self._neighbours = self._find_neighbours() if len(dense) <= MOST_NEIGHBOUR_ROWS else None

    def probabilities(self, labels: Array, classes: int) -> Array:
        """(n, classes) float64: out-of-sample probability of every class, the mean of the calibrated models."""
        scores = [self._discriminants(labels, classes), self._naive_bayes(labels, classes)]
        if self._neighbours is not None:
            scores.append(self._votes(labels, classes))
        if self.config.logistic:
            scores.append(self._cross_validated(labels, classes, "logistic"))
        if self.config.svm:
            scores.append(self._cross_validated(labels, classes, "svm"))
        return np.asarray(np.mean([calibrated(score, labels) for score in scores], axis=0))

    def _discriminants(self, labels: Array, classes: int) -> Array:
        """Log densities of normal classes with one shrunken covariance, each row left out of its class and of that.

        With r = x − (mean of the class without x), taking x out subtracts k r rᵀ from the covariance, whose inverse
        then follows by the formula of Sherman and Morrison.
        """
        rows, dense = np.arange(len(labels)), self.features.dense
        sizes = np.bincount(labels, minlength=classes)
        sums = class_sums(dense, labels, classes)
        means = sums / np.maximum(sizes, 1)[:, None]
        covariance = self._gram - (means * (sizes / len(rows))[:, None]).T @ means
        covariance += SHRINKAGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
        inverse = np.linalg.inv(covariance)
        scaled, weights = dense @ inverse.astype(np.float32), means @ inverse
        others = np.maximum(sizes[labels] - 1, 1)[:, None]
        residual = dense - (sums[labels] - dense) / others
        scaled_residual = scaled - ((sums @ inverse)[labels] - scaled) / others
        length = np.einsum("ij,ij->i", scaled_residual, residual)
        lost = (1 - 1 / sizes[labels]) / len(rows)
        growth = lost / np.maximum(1 - lost * length, 1e-2)
        along = np.einsum("ij,ij->i", scaled_residual, dense)[:, None] - scaled_residual @ means.T
        scores = (
            dense @ weights.T
            - 0.5 * np.einsum("ij,ij->i", weights, means)
            + np.log(np.maximum(sizes, HALF) / len(rows))
        )
        scores -= 0.5 * growth[:, None] * along**2
        # The common term −½ xᵀ Σ⁻¹ x of all classes is left out above, and so here.
        own = -0.5 * (length + growth * length**2 - np.einsum("ij,ij->i", scaled, dense))
        scores[rows, labels] = own + np.log(np.maximum(sizes[labels] - 1, HALF) / len(rows))
        return np.asarray(scores)

    def _naive_bayes(self, labels: Array, classes: int) -> Array:
        from sklearn.naive_bayes import ComplementNB

        scores = np.full((len(labels), classes), np.nan)
        for train, held in folds(labels, self.config.folds):
            model = ComplementNB(alpha=0.3).fit(self.features.sparse[train], labels[train])
            scores[held[:, None], model.classes_] = self.features.sparse[held] @ model.feature_log_prob_.T
        return _unseen_last(scores)

    def _cross_validated(self, labels: Array, classes: int, kind: str) -> Array:
        from sklearn.linear_model import LogisticRegression
        from sklearn.svm import LinearSVC

        scores = np.full((len(labels), classes), np.nan)
        for train, held in folds(labels, self.config.folds):
            if kind == "svm":
                model: Any = LinearSVC(C=0.5).fit(self.features.sparse[train], labels[train])
                found = model.decision_function(self.features.sparse[held])
            else:
                model = LogisticRegression(C=4, tol=1e-3, max_iter=200).fit(self.features.dense[train], labels[train])
                found = model.decision_function(self.features.dense[held])
            scores[held[:, None], model.classes_] = np.stack([-found, found], axis=1) if found.ndim == 1 else found
        return _unseen_last(scores)

    def _find_neighbours(self) -> Any:
        """(n, n) CSR: the weight of each row's nearest other rows, with all that are as near as the last of them."""
        from scipy.sparse import csr_matrix

        dense, k = self.features.dense, min(self.config.neighbours, len(self.features.dense) - 1)

        def work(start: int) -> tuple[Array, Array, Array]:
            block = dense[start : start + BLOCK] @ dense.T
            block[np.arange(len(block)), start + np.arange(len(block))] = -np.inf
            last = np.partition(block, -k, axis=1)[:, -k]
            rows, others = np.nonzero(block >= last[:, None])
            return rows + start, others, np.maximum(block[rows, others], 0.0).astype(np.float64) ** 2 + 1e-3

        found = map_threads(work, range(0, len(dense), BLOCK))
        rows, others, weights = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return csr_matrix((weights, (rows, others)), shape=(len(dense), len(dense)))

    def _votes(self, labels: Array, classes: int) -> Array:
        """Log of the similarity-weighted share of each class among the neighbours."""
        assert self._neighbours is not None
        votes = (self._neighbours @ _members(labels, classes).T).toarray() + 0.5 / classes
        return np.asarray(np.log(votes / votes.sum(axis=1, keepdims=True)))


def class_sums(values: Array, labels: Array, classes: int) -> Array:
    """(classes, d) float64: the sum of each class's rows of `values`, (n, d)."""
    return np.asarray(_members(labels, classes) @ values.astype(np.float64))


def _members(labels: Array, classes: int) -> Any:
    """(classes, n) CSR: 1 where a row is of a class; `np.add.at` would take a hundred times as long."""
    from scipy.sparse import csr_matrix

    rows = np.arange(len(labels))
    return csr_matrix((np.ones(len(labels)), (labels, rows)), shape=(classes, len(labels)))


def _unseen_last(scores: Array) -> Array:
    """A class that a fold's model never saw is as unlikely as the row's unlikeliest."""
    unseen = np.isnan(scores)
    return np.where(unseen, np.nanmin(scores, axis=1, keepdims=True), scores) if unseen.any() else scores


def folds(labels: Array, count: int) -> list[tuple[Array, Array]]:
    """(train, held) positions of stratified folds; of a class with fewer rows, some folds hold none."""
    shuffled = np.random.default_rng(0).permutation(len(labels))
    fold = np.empty(len(labels), dtype=np.int64)
    fold[shuffled[np.argsort(labels[shuffled], kind="stable")]] = np.arange(len(labels)) % count
    return [(np.flatnonzero(fold != at), np.flatnonzero(fold == at)) for at in range(count)]


def calibrated(scores: Array, labels: Array) -> Array:
    """(n, classes) probabilities: softmax at the temperature under which the given labels are most likely."""
    centred = scores - scores.max(axis=1, keepdims=True)
    given = centred[np.arange(len(labels)), labels]

    def loss(at: int) -> float:
        temperature = TEMPERATURES[at]
        return float(np.mean(np.log(np.exp(centred / temperature).sum(axis=1)) - given / temperature))

    low, high = 0, len(TEMPERATURES) - 1
    while low < high:  # convex in the inverse temperature, so that the slope tells the side
        middle = (low + high) // 2
        low, high = (low, middle) if loss(middle) <= loss(middle + 1) else (middle + 1, high)
    powers = np.exp(centred / TEMPERATURES[low])
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
