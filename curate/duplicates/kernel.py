"""Blocks of texts to MinHash band keys, signatures and shingle sets, compiled: the hot loop of the engine.

`numpy_kernel` has the same functions without compilation. Each run of rows is taken from its bytes to its results while
it is in the caches, so that neither words nor shingles are stored.
"""

from __future__ import annotations

from numba import uint64

from .blocks import Block
from .compiled import compiled
from .kernel_lanes import map_bits, text_numbers
from .kernel_runs import make_scratch, read_run
from .kernel_sets import distinct_shingles, jaccard_of_pairs
from .kernel_shingles import make_shingles, mix64
from .kernel_signature import Signer, band_keys, make_signer, sign
from .shingles import MAP_WORDS, Array, Spec

__all__ = ["distinct_shingles", "jaccard_of_pairs", "signatures", "sketch"]


@compiled
def sketch(block: Block, spec: Spec, keys: Array, texts: Array, maps: Array, start: int) -> None:
    """Sketches of a block.

    Args:
        block: n rows.
        spec: what is computed.
        keys: (bands, all rows) uint64, receives a key of each band in keys[:, start:start + n].
        texts: (2, all rows) uint64, receives the numbers of each whole text and of its words in any order.
        maps: (all rows, words) uint64, receives bitmaps of the shingles, see `bitmaps`; or has no rows.
        start: first row of the block among all rows.
    """
    scratch, signer, first = make_scratch(block), make_signer(spec.a, spec.b, spec.rows), 0
    while first < block.kinds.shape[0]:
        rows, total = read_run(block, first, scratch)
        number_texts(scratch.words, scratch.word_spans, texts[:, start + first : start + first + rows])
        if maps.shape[0] + keys.shape[0] > 0:
            make_shingles(scratch, rows, total, spec.code)
        if maps.shape[0] > 0:
            map_rows(scratch.shingles, scratch.shingle_spans, maps[start + first : start + first + rows])
        if keys.shape[0] > 0:
            key_rows(scratch.lower, scratch.shingle_spans, signer, keys[:, start + first : start + first + rows])
        first += rows


@compiled
def number_texts(words: Array, spans: Array, texts: Array) -> None:
    """Write the numbers of the whole text of each row and of its words in any order to `texts`, (2, rows)."""
    for row in range(texts.shape[1]):
        whole, texts[1, row] = text_numbers(words, spans[0, row], spans[1, row])
        texts[0, row] = mix64(whole)


@compiled
def map_rows(shingles: Array, spans: Array, maps: Array) -> None:
    """Write the bitmap of the shingles of each row, and their number, repeats included, to `maps`, (rows, words)."""
    for row in range(maps.shape[0]):
        low, high = spans[0, row], spans[1, row]
        bits = map_bits(shingles, low, high)
        for word in range(MAP_WORDS):
            maps[row, word] = bits[word]
        maps[row, MAP_WORDS] = uint64(high - low)


@compiled
def key_rows(lower: Array, spans: Array, signer: Signer, keys: Array) -> None:
    """Write the band keys of each row to `keys`, (bands, rows)."""
    for row in range(keys.shape[1]):
        sign(lower, spans[0, row], spans[1, row], signer)
        band_keys(signer, keys, row)


@compiled
def signatures(block: Block, spec: Spec, out: Array) -> None:
    """Affine32 MinHash signatures of a block, written to `out`, (n, permutations) uint32."""
    scratch, signer, first = make_scratch(block), make_signer(spec.a, spec.b, 1), 0
    while first < block.kinds.shape[0]:
        rows, total = read_run(block, first, scratch)
        make_shingles(scratch, rows, total, spec.code)
        for row in range(rows):
            sign(scratch.lower, scratch.shingle_spans[0, row], scratch.shingle_spans[1, row], signer)
            out[first + row] = signer.signature[: spec.a.shape[0]]
        first += rows
