"""Texts to the numbers that label models read: TF-IDF of words and characters, and its first principal directions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..context import Array

DIRECTIONS = 300
"""Dimensions of the dense space; more changed average precision by less than .005 on intent data."""
LONGEST = 2_000
"""Characters read of each text: the subject of a long one shows early, and cost is linear in this."""
POWER_STEPS = 2
"""Power iterations of the randomised decomposition (Halko et al. 2011)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """n rows as numbers."""

    sparse: Any
    """(n, terms) CSR float32: TF-IDF of words and word pairs."""
    dense: Array
    """(n, d) float32, rows of length 1: principal directions of words and characters, or an encoder's embedding."""


def text_features(texts: Sequence[str], *, encoder: str | None = None) -> Features:
    """Features of texts, fitted on the texts themselves, without labels."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer

    short = [text[:LONGEST] for text in texts]
    every_word = re.compile(r"\w+").findall
    settings = {"sublinear_tf": True, "dtype": np.float32, "min_df": 2 if len(texts) > 100 else 1}
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), tokenizer=every_word, token_pattern=None, **settings)
    words = vectorizer.fit_transform(short)
    if encoder is not None:
        return Features(sparse=words, dense=_unit_rows(_embeddings(short, encoder)))
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 4), max_features=50_000, **settings)
    both = hstack([words, characters.fit_transform(short)], format="csr", dtype=np.float32)
    return Features(sparse=words, dense=_unit_rows(_principal_directions(both)))


def _principal_directions(matrix: Any) -> Array:
    from sklearn.decomposition import TruncatedSVD

    size = min(DIRECTIONS, matrix.shape[1] - 1, matrix.shape[0] - 1)
    if size < 1:
        return np.asarray(matrix.toarray())
    return np.asarray(TruncatedSVD(size, n_iter=POWER_STEPS, random_state=0).fit_transform(matrix), dtype=np.float32)


def _embeddings(texts: Sequence[str], encoder: str) -> Array:
    """Mean-pooled last hidden states of a local encoder."""
    import torch
    from transformers import AutoModel

    from ...core.models import load_tokenizer

    tokenizer, model = load_tokenizer(encoder), AutoModel.from_pretrained(encoder).eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(texts), 64):
            batch = tokenizer(texts[start : start + 64], padding=True, truncation=True, return_tensors="pt")
            hidden, mask = model(**batch).last_hidden_state, batch["attention_mask"][..., None]
            parts.append(((hidden * mask).sum(1) / mask.sum(1)).float().numpy())
    return np.concatenate(parts)


def _unit_rows(matrix: Array) -> Array:
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return np.asarray(matrix / np.maximum(lengths, 1e-12), dtype=np.float32)
