"""Near-duplicates among real texts and their planted edits, beside the true similarity of every pair."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from tunegate.core.formats import load_examples
from tunegate.curate.config import DedupConfig
from tunegate.curate.duplicates.near_duplicates import find_near_duplicates
from tunegate.curate.folding import fold
from tunegate.curate.overlap import text_shingles

BINS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
ROWS = 1_200


def edited(texts: list[str], seed: int) -> list[str]:
    """Each text with one to three words dropped, doubled, moved or replaced by a word of another text."""
    generator = np.random.default_rng(seed)
    words = [word for text in texts for word in text.split()]
    found = []
    for text in texts:
        own = text.split()
        for _ in range(int(generator.integers(1, 4))):
            at, kind = int(generator.integers(len(own))), int(generator.integers(4))
            if kind == 0 and len(own) > 1:
                own.pop(at)
            elif kind == 1:
                own.insert(at, own[at])
            elif kind == 2:
                own.insert(int(generator.integers(len(own))), own.pop(at))
            else:
                own[at] = words[int(generator.integers(len(words)))]
        found.append(" ".join(own))
    return found


def true_pairs(texts: list[str], shingle: str, threshold: float) -> dict[tuple[int, int], float]:
    """Every pair of texts at the threshold or above, by comparing all of them."""
    sets = [sorted(text_shingles(text, shingle)) for text in texts]
    names = {name: at for at, name in enumerate(sorted({name for names in sets for name in names}))}
    rows = np.repeat(np.arange(len(sets)), [len(names) for names in sets])
    columns = np.array([names[name] for members in sets for name in members])
    held = csr_matrix((np.ones(len(rows), np.int64), (rows, columns)), shape=(len(sets), len(names)))
    shared = (held @ held.T).tocoo()
    sizes = np.array([len(names) for names in sets])
    jaccard = shared.data / (sizes[shared.row] + sizes[shared.col] - shared.data)
    wanted = (shared.row < shared.col) & (jaccard >= threshold - 1e-12)
    pairs = zip(shared.row[wanted].tolist(), shared.col[wanted].tolist(), jaccard[wanted].tolist(), strict=True)
    return {(one, two): score for one, two, score in pairs}


@pytest.mark.parametrize("shingle", ["word:2", "word:3", "char:5"])
def test_recall_and_precision_in_every_bin_of_similarity(shared_data: Path, shingle: str) -> None:
    """At least 99 of 100 pairs of every bin are found, none that is no pair, each with its true similarity."""
    texts = load_examples(shared_data / "labelled/banking77/train.jsonl.gz").inputs[::8][:ROWS]
    both = texts + edited(texts, 1) + edited(texts, 2)
    both = [both[at] for at in np.unique([fold(text) for text in both], return_index=True)[1]]
    truth = true_pairs(both, shingle, BINS[0])
    for threshold in (0.5, 0.7, 0.8):
        near = find_near_duplicates(both, config=DedupConfig(shingle=shingle, threshold=threshold))
        found = dict(zip(map(tuple, near.pairs.tolist()), near.jaccard.tolist(), strict=True))

        assert all(abs(score - truth[pair]) < 1e-9 >= threshold - score - 1e-9 for pair, score in found.items())
        for low, high in pairwise(BINS):
            inside = [pair for pair, score in truth.items() if max(low, threshold) <= score < high]
            assert len(inside) > 30 or high <= threshold
            assert sum(pair in found for pair in inside) >= 0.99 * len(inside), (threshold, low, len(inside))
