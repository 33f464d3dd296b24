"""Texts to datasketch's own objects, for those who keep a datasketch index in memory, Redis or Cassandra.

The signatures equal those of `datasketch.MinHash(permutations, seed=1)` updated with our shingle numbers, which
`shingle_numbers` gives; an index whose tokens were hashed otherwise, with SHA-1 say, cannot be compared with them.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from ..config import DedupConfig
from .near_duplicates import Array
from .rows import Texts


def shingle_numbers(texts: Texts, *, config: DedupConfig) -> list[Array]:
    """Per text, the 32-bit numbers of its shingles, (k,) uint32, for `MinHash.update_batch` with `hashfunc=int`."""
    from .rows import as_rows
    from .shingles import parse_shingle
    from .sketches import shingle_sets

    values, ends = shingle_sets(as_rows(texts), parse_shingle(config.shingle).code)
    return np.split((values & np.uint64(0xFFFFFFFF)).astype(np.uint32), ends[1:-1])


def minhash_signatures(texts: Texts, *, config: DedupConfig) -> Array:
    """(n, permutations) uint32: affine32 MinHash signatures, bit for bit those of datasketch."""
    from .bands import affine_permutations
    from .blocks import as_column, ready_block, slices
    from .shingles import Spec, parse_shingle
    from .sketches import kernels

    column = as_column(texts)
    out = np.empty((len(column), config.permutations), dtype=np.uint32)
    spec = Spec(parse_shingle(config.shingle).code, *affine_permutations(config.permutations), 1)
    for first, piece in slices(column):
        kernels().signatures(ready_block(piece), spec, out[first : first + len(piece)])
    return out


def lean_minhashes(texts: Texts, *, config: DedupConfig) -> list[Any]:
    """One `datasketch.LeanMinHash` per text."""
    from datasketch import LeanMinHash

    signatures = minhash_signatures(texts, config=config)
    return [LeanMinHash(seed=1, hashvalues=signature, scheme="affine32") for signature in signatures]


def datasketch_index(texts: Texts, keys: Sequence[Hashable], *, config: DedupConfig, **storage: Any) -> Any:
    """A `datasketch.MinHashLSH` of the texts under `keys`, with our bands; `storage` goes to its constructor.

    datasketch proposes candidates only; it never compares the texts themselves.
    """
    from datasketch import MinHashLSH

    from .bands import choose_bands

    bands = choose_bands(threshold=config.threshold, recall=config.recall, permutations=config.permutations)
    index = MinHashLSH(num_perm=config.permutations, params=(bands.count, bands.rows), **storage)
    with index.insertion_session() as session:
        for key, sketch in zip(keys, lean_minhashes(texts, config=config), strict=True):
            session.insert(key, sketch)
    return index
