"""Paired changes to one-sided p-values of "no loss", exact where they can be.

All of them rest on one fact: if tuning changed nothing systematically, a change is as likely to be a gain as a loss.
"""

from __future__ import annotations

from typing import Any

import numpy as np

EXACT_CHANGES = 16
"""Up to here all 2^n sign patterns are enumerated; beyond, they are drawn."""
DRAWS = 20_000
"""Drawn sign patterns; the p-value (k+1)/(draws+1) is valid for any number (Phipson and Smyth 2010)."""
SEED = 20_100_531
"""Fixed, so that a verdict is the same every time it is computed."""
CHUNK = 1 << 22
"""Signs held at a time, against memory."""


def exact_mcnemar(lost: int, gained: int) -> float:
    """P(at least `lost` losses among lost + gained flips, were each a loss with probability at most 1/2).

    Exact one-sided form of McNemar (1947), Psychometrika 12:153-157; as used on language models by Kübler et al.
    (2026), arXiv 2602.10144.

    >>> exact_mcnemar(3, 0)
    0.125
    """
    from scipy.special import bdtrc

    return float(bdtrc(lost - 1, lost + gained, 0.5)) if lost > 0 else 1.0


def permutation_test(differences: Any) -> float:
    """One-sided p-value of "no loss" by flipping the sign of each paired difference (Fisher's randomization test).

    Args:
        differences: Per-item tuned - base, negative is a loss. Zeros carry no information and are left out.
    """
    changes = np.asarray(differences, dtype=float)
    changes = changes[changes != 0]
    if len(changes) == 0:
        return 1.0
    observed = changes.sum()
    slack = 1e-9 * np.abs(changes).sum()
    if len(changes) <= EXACT_CHANGES:
        patterns = (np.arange(1 << len(changes))[:, None] >> np.arange(len(changes))) & 1
        return float(np.mean((1 - 2 * patterns) @ changes <= observed + slack))
    return float((np.sum(sign_flip_sums(changes) <= observed + slack) + 1) / (DRAWS + 1))


def cluster_sign_flip(differences: Any, clusters: Any) -> float:
    """The permutation test with whole clusters flipped together, for items that share a passage.

    Args:
        differences: Per-item tuned - base, negative is a loss.
        clusters: Cluster of each item; items of one cluster may depend on each other in any way.
    """
    return permutation_test(cluster_sums(differences, clusters))


def cluster_sums(values: Any, clusters: Any) -> Any:
    """Sum of the values within each cluster, in order of the clusters' names."""
    _, index = np.unique(np.asarray(clusters), return_inverse=True)
    return np.bincount(index, weights=np.asarray(values, dtype=float))


def sign_flip_sums(changes: Any) -> Any:
    """DRAWS sums of the changes under random signs, shape (DRAWS,)."""
    generator = np.random.default_rng(SEED)
    rows = max(1, CHUNK // len(changes))
    sums = []
    for start in range(0, DRAWS, rows):
        signs = generator.integers(0, 2, size=(min(rows, DRAWS - start), len(changes)), dtype=np.int8)
        sums.append(changes.sum() - 2.0 * (signs @ changes))
    return np.concatenate(sums)
