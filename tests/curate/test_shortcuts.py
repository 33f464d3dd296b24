"""What spares the engine time changes nothing: sorting shared keys, by digits, and bitmaps that rule out pairs."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tunegate.curate.duplicates.bitmaps import MAP_WORDS, possible_pairs
from tunegate.curate.duplicates.candidates import pack_pairs
from tunegate.curate.duplicates.kernel_sort import pack_shared, radix_sort, sort_packed
from tunegate.curate.duplicates.rows import as_rows
from tunegate.curate.duplicates.shingles import Array, Spec
from tunegate.curate.duplicates.sketches import sketch_texts
from tunegate.curate.duplicates.sorting import FEW, id_bits, pack_rows, shared_keys, sort_numbers
from tunegate.curate.duplicates.verification import pair_similarities

NUMBERS = arrays(np.uint64, st.integers(0, 60), elements=st.integers(0, 5) | st.integers(0, 2**64 - 1))
WORDS = st.lists(st.sampled_from("abcdefgh"), max_size=14).map(" ".join)


def those_shared(packed: Array, bits: int) -> list[int]:
    """Of packed keys, those that share their upper bits with another, sorted."""
    heads, counts = np.unique(packed >> np.uint64(bits), return_counts=True)
    return np.sort(packed[np.isin(packed >> np.uint64(bits), heads[counts > 1])]).tolist()


@settings(deadline=None)
@given(numbers=NUMBERS, chosen=st.data())
def test_digits_sort_as_comparisons_do(numbers: Array, chosen: st.DataObject) -> None:
    """Whole numbers, and the upper bits of keys with their rows, of all rows or some."""
    expected, mask = np.sort(numbers), chosen.draw(arrays(np.bool_, len(numbers)))
    packed, spare, bits = np.empty(len(numbers), np.uint64), np.empty(len(numbers), np.uint64), id_bits(len(numbers))
    wanted = pack_rows(numbers)[mask]

    packed = packed[: pack_shared(numbers, mask, bits, packed)]
    assert set(those_shared(wanted, bits)) <= set(packed.tolist()) <= set(wanted.tolist())
    assert len(set(packed.tolist())) == len(packed)
    in_order = np.sort(packed).tolist()
    assert not sort_packed(packed, spare) or packed.tolist() == in_order
    radix_sort(numbers, spare)
    assert numbers.tolist() == expected.tolist()


def test_many_numbers_are_sorted_whatever_they_are() -> None:
    """Hashes, and keys that are none: small numbers, of which the upper bits say nothing."""
    draw = np.random.default_rng(3)
    for high in (2**64 - 1, 2**22, 1):
        numbers = draw.integers(0, high, 5 * FEW, np.uint64, endpoint=True)
        numbers[: 3 * FEW : 2] = numbers[1 : 3 * FEW : 2]
        chosen, bits = draw.random(len(numbers)) < 0.5, id_bits(len(numbers))
        for mask in (None, chosen):
            wanted, found = pack_rows(numbers)[... if mask is None else mask], shared_keys(numbers, mask)
            assert np.array_equal(found, np.sort(found))
            assert those_shared(found, bits) == those_shared(wanted, bits)
            assert np.isin(found, wanted).all()
        expected = np.sort(numbers)
        sort_numbers(numbers)
        assert np.array_equal(numbers, expected)


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(WORDS, min_size=2, max_size=12), threshold=st.sampled_from([0.2, 0.5, 2 / 3, 0.8, 1.0]))
def test_no_pair_at_the_threshold_is_ruled_out(texts: list[str], threshold: float) -> None:
    """Also of empty texts, and of texts that repeat themselves."""
    rows, none = as_rows(texts), np.empty(0, np.uint32)
    maps = np.empty((len(texts), MAP_WORDS + 1), np.uint64)
    sketch_texts(rows, Spec(2, none, none, 1), maps=maps)
    pairs = pack_pairs(*np.triu_indices(len(texts), 1))

    alike = pairs[pair_similarities(rows, pairs, 2) >= threshold]
    assert set(alike.tolist()) <= set(possible_pairs(pairs, maps, threshold).tolist())


def test_bitmaps_rule_out_what_shares_little() -> None:
    """Of long texts of other words, hardly a pair needs its texts again."""
    texts = [" ".join(f"w{row}x{word % 40}" for word in range(60)) for row in range(40)]
    maps, none = np.empty((40, MAP_WORDS + 1), np.uint64), np.empty(0, np.uint32)
    sketch_texts(as_rows(texts), Spec(2, none, none, 1), maps=maps)

    assert len(possible_pairs(pack_pairs(*np.triu_indices(40, 1)), maps, 0.5)) == 0
