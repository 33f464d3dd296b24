"""The compiled kernels against plain numpy, and the folding table against `fold`, on arbitrary Unicode."""

from __future__ import annotations

from itertools import pairwise, permutations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tunegate.core import console
from tunegate.curate.duplicates import kernel, kernel_sets, numpy_kernel
from tunegate.curate.duplicates.bands import Bands, affine_permutations, choose_bands
from tunegate.curate.duplicates.bitmaps import NO_MAPS
from tunegate.curate.duplicates.blocks import FOLDED, TABLE, Block, as_column, ready_block, slices
from tunegate.curate.duplicates.compiled import announce_compilation
from tunegate.curate.duplicates.shingles import Array, Spec
from tunegate.curate.duplicates.unicode_table import EMPTY
from tunegate.curate.folding import fold

SIGNS = st.text(st.sampled_from("a9é東–−--  .$€５°%)½“\u0301\u00a0\uff0d⁻²\n"), max_size=12)
ANY_TEXT = st.text(max_size=80) | st.text(st.characters(max_codepoint=0x24F), max_size=200) | SIGNS
TEXTS = st.lists(ANY_TEXT, min_size=1, max_size=12)
CODES = st.sampled_from([1, 2, 3, 5, 9, -2, -5, -8])


def folded_block(texts: list[str]) -> Block:
    """The block with every row folded in Python."""
    sides = [fold(text).encode() for text in texts]
    (_, piece), *_ = slices(as_column(texts))
    block = ready_block(piece)
    ends = np.cumsum([0] + [len(side) for side in sides])
    kinds = np.full(len(texts), FOLDED, np.uint8)
    return block._replace(kinds=kinds, table=EMPTY, side=np.frombuffer(b"".join(sides), np.uint8), side_offsets=ends)


def numbers(module: object, block: Block, spec: Spec) -> list[Array]:
    """All that a kernel computes of a block."""
    n = len(block.kinds)
    keys, whole = np.empty((len(spec.a) // spec.rows, n), np.uint64), np.empty((2, n), np.uint64)
    module.sketch(block, spec, keys, whole, NO_MAPS, 0)
    signature = np.empty((n, len(spec.a)), np.uint32)
    module.signatures(block, spec, signature)
    sets, ends = np.empty(3 * int(block.offsets[-1]) + len(block.side) + n, np.uint64), np.empty(n + 1, np.int64)
    counts = np.empty(n, np.int64)
    module.distinct_shingles(block, spec.code, sets, ends, counts)
    ordered = np.concatenate([np.sort(sets[start:stop]) for start, stop in pairwise(ends)])
    jaccard = np.empty(n)
    module.jaccard_of_pairs(np.zeros(n, np.int64), np.arange(n), sets, ends, 0.3, jaccard)
    return [keys, whole, signature, counts, ends, ordered, jaccard]


@settings(max_examples=60, deadline=None)
@given(texts=TEXTS, code=CODES)
def test_compiled_folding_and_hashing_equal_python_folding_and_numpy(texts: list[str], code: int) -> None:
    """Folded in the kernel or by `fold`, compiled or not: the same keys, signatures, sets and similarities."""
    (_, piece), *_ = slices(as_column(texts))
    spec = Spec(code, *affine_permutations(20), 5)

    for ours, plain in zip(
        numbers(kernel, ready_block(piece), spec), numbers(numpy_kernel, folded_block(texts), spec), strict=True
    ):
        assert np.array_equal(ours, plain)


@pytest.mark.parametrize("size", [1, 40, kernel_sets.MOST, kernel_sets.MOST + 1])
def test_sets_hold_each_number_once_and_are_compared_exactly_where_lower_bits_agree(size: int) -> None:
    """Numbers that repeat, and others that differ in their upper bits alone, as two in a large set may."""
    generator = np.random.default_rng(size)
    near = generator.integers(0, 3, (2, size), np.uint64) << np.uint64(40)
    rows = near | generator.integers(0, max(1, size // 2), (2, size), np.uint64)
    spans, ends = np.array([[0, size], [size, 2 * size]]), np.zeros(3, np.int64)
    memory = np.empty(kernel_sets.PLACES, np.uint16), np.zeros(4 * size + 16, np.uint64)
    sets = np.empty(2 * size, np.uint64)
    total = kernel_sets.collect_distinct(rows.reshape(-1), spans, memory, sets, ends[1:], 0)
    pairs, jaccard = (np.array([0, 0, 1]), np.array([1, 0, 0])), np.empty(3)
    kernel.jaccard_of_pairs(*pairs, sets, ends, 0.0, jaccard)

    one, two = ({int(number) | 1 << 63 for number in row} for row in rows)
    assert [sorted(sets[start:stop].tolist()) for start, stop in pairwise(ends)] == [sorted(one), sorted(two)]
    assert total == len(one) + len(two)
    share = len(one & two) / len(one | two)
    assert jaccard.tolist() == [share, 1.0, share]


@settings(max_examples=100, deadline=None)
@given(one=ANY_TEXT, two=ANY_TEXT)
def test_two_texts_have_one_number_exactly_if_they_fold_alike(one: str, two: str) -> None:
    """The whole-text number stands for the folded form."""
    none = np.empty(0, np.uint32)
    (_, piece), *_ = slices(as_column([one, two, fold(one), fold(two)]))
    keys, texts = np.empty((0, 4), np.uint64), np.empty((2, 4), np.uint64)
    kernel.sketch(ready_block(piece), Spec(2, none, none, 1), keys, texts, NO_MAPS, 0)

    whole = texts[0]
    assert whole[:2].tolist() == whole[2:].tolist()
    assert (whole[0] == whole[1]) == (fold(one) == fold(two))


def test_the_order_of_words_that_recur_changes_the_number() -> None:
    """A sum over places in which moved words could cancel would make other texts exact duplicates."""
    texts = sorted({" ".join(words) for words in permutations(["x", "x", "k", "k", "m", "m", "n"])})

    for module in (kernel, numpy_kernel):
        none = np.empty(0, np.uint32)
        (_, piece), *_ = slices(as_column(texts))
        keys, numbers = np.empty((0, len(texts)), np.uint64), np.empty((2, len(texts)), np.uint64)
        module.sketch(ready_block(piece), Spec(2, none, none, 1), keys, numbers, NO_MAPS, 0)
        assert len(set(numbers[0].tolist())) == len(texts)
        assert len(set(numbers[1].tolist())) == 1


@pytest.mark.parametrize(
    "text",
    ["naïve café", "“quoted” — it’s", "Größe", "東京 tower", "Привет мир", "Ελλάδα", "½ €5", "кто-то", "é 3–4"],
)
def test_common_scripts_are_folded_by_the_table(text: str) -> None:
    """Accents, quotes, umlauts, ideographs, Cyrillic and Greek cost no Python string."""
    (_, piece), *_ = slices(as_column([text]))

    assert ready_block(piece).kinds.tolist() == [TABLE]


def test_long_rows_and_runs_are_cut_in_the_right_places() -> None:
    """Rows beyond one run of bytes, and runs of many rows, give what each row gives alone."""
    texts = ["word " * 60_000, "é" * 200_000, "", "x"] + [f"row number {n} of many" for n in range(9000)]
    spec = Spec(2, *affine_permutations(8), 4)
    together = [np.empty((2, len(texts)), np.uint64), np.empty((2, len(texts)), np.uint64)]
    for first, piece in slices(as_column(texts)):
        kernel.sketch(ready_block(piece), spec, *together, NO_MAPS, first)
    for row in (0, 1, 2, 3, 4, 4000, 9003):
        alone = [np.empty((2, 1), np.uint64), np.empty((2, 1), np.uint64)]
        (_, piece), *_ = slices(as_column([texts[row]]))
        kernel.sketch(ready_block(piece), spec, *alone, NO_MAPS, 0)
        assert [part[:, 0].tolist() for part in alone] == [part[:, row].tolist() for part in together]


def test_permutations_are_those_of_datasketch() -> None:
    """Same generator, same draws."""
    from datasketch import MinHash

    assert np.array_equal(np.stack(affine_permutations(64)), np.stack(MinHash(num_perm=64, seed=1).permutations))


def test_bands_keep_their_promise_at_the_threshold() -> None:
    """The chosen bands reach the target recall, fit the permutations, and longer bands would not."""
    for threshold in (0.5, 0.7, 0.8, 0.95):
        bands = choose_bands(threshold=threshold, recall=0.99, permutations=128)
        longer = Bands(128 // (bands.rows + 1), bands.rows + 1)

        assert bands.count * bands.rows <= 128
        assert bands.recall(threshold) >= 0.99 > longer.recall(threshold)


@pytest.mark.parametrize(
    ("one", "two"),
    [("€1", "£1"), ("C++", "C"), ("C#", "C"), ("6*2", "6/2"), ("a<b", "a>b"), ("50%", "50"), ("ok 😀", "ok 😡")],
)
def test_symbols_with_a_meaning_tell_texts_apart(one: str, two: str) -> None:
    """Currency signs, arithmetic and emoji are words; how they are spaced, and how an emoji is drawn, is not."""
    assert fold(one) != fold(two)
    assert fold(f"say {one}!") != fold(f"say {two}!")


@pytest.mark.parametrize(
    ("one", "two"),
    [("5+3", "5 + 3"), ("6×2", "6*2"), ("½", "1/2"), ("5−3", "5-3"), ("❤\ufe0f", "❤"), ("👍🏽", "👍"), ("A|B", "a b")],
)
def test_other_spellings_of_a_symbol_are_the_same_text(one: str, two: str) -> None:
    """Spacing, look-alikes of ASCII signs, variation selectors and skin tones do not tell texts apart."""
    assert fold(one) == fold(two)


@pytest.mark.parametrize(
    ("one", "two"),
    [("-12", "12"), ("to −7 °C", "to 7 °C"), ("(-$3)", "($3)"), ("–5", "5"), ("=-.5", "=.5"), ("５ -５", "５ ５")],
)
def test_a_negative_number_is_not_the_number(one: str, two: str) -> None:
    """Nor is it in a word list, and the words around it do not change it."""
    assert fold(one) != fold(two)
    assert fold(f"say {one} now").split() == ["say", *fold(one).split(), "now"]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("-5", "−5"),
        ("- 5", "5"),
        ("3-4", "3 4"),
        ("3 - 4", "3-4"),
        ("2020-01-05", "2020 01 05"),
        ("x -y", "x y"),
        ("covid-19", "covid 19"),
        ("5%-10%", "5% 10%"),
        ("5.-7. Mai", "5. 7. Mai"),
        ("5°-10°", "5° 10°"),
        ("हिन्दी-5", "हिन्दी 5"),
        ("1990–1995", "1990 1995"),
        ("5 – 7", "5 7"),
        ("--5", "5"),
        ("-$5", "$-5"),
    ],
)
def test_other_hyphens_and_dashes_only_part_words(one: str, two: str) -> None:
    """Ranges, dates, lists, names and differences are one text however their dashes are written."""
    assert fold(one) == fold(two)


@settings(max_examples=300, deadline=None)
@given(text=ANY_TEXT | st.text(st.sampled_from("a1+*/<=>^$€£×−½❤\ufe0f\u0301\u0338👍🏽:) \u200d"), max_size=12))
def test_folding_again_changes_nothing(text: str) -> None:
    """Folding is idempotent, whatever combines with what."""
    assert fold(fold(text)) == fold(text)


def test_a_compilation_is_announced_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two rules that need the kernels first make one line."""
    monkeypatch.setattr(console, "_enabled", True)

    def fresh() -> None:
        """Stands for a kernel that is not compiled yet."""

    fresh.stats = SimpleNamespace(cache_path=str(tmp_path))  # type: ignore[attr-defined]

    announce_compilation(fresh)
    announce_compilation(fresh)

    assert capsys.readouterr().err.count("compiling") == 1
