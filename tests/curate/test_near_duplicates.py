"""The laws of the near-duplicate search, checked against comparing every pair of texts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tunegate.core.formats import load_examples
from tunegate.curate import CurateConfig, curate_dataset, forecast_duplicates
from tunegate.curate.config import DedupConfig
from tunegate.curate.duplicates.near_duplicates import (
    cross_duplicates,
    describe_search,
    find_near_duplicates,
    star_clusters,
)
from tunegate.curate.folding import fold

WORDS = ["the", "a", "Cat", "dog", "ran", "é", "Über", "slow", "RED", "字", ":)", "x1", "naïve", "ﬁne", "…", "no"]
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join), min_size=1, max_size=30)


def shingles(text: str, shingle: str) -> frozenset[str]:
    """Shingle set by definition: n-grams of the folded text; a shorter text is its own shingle."""
    unit, _, size = shingle.partition(":")
    parts = fold(text).split() if unit == "word" else list(fold(text))
    n, glue = min(int(size), len(parts)), " " if unit == "word" else ""
    return frozenset(glue.join(parts[i : i + n]) for i in range(len(parts) - n + 1)) if parts else frozenset()


def every_pair(texts: Sequence[str], config: DedupConfig) -> dict[tuple[int, int], float]:
    """Jaccard similarity of all pairs of different texts at the threshold, by comparing each with each."""
    first = {fold(text): row for row, text in reversed(list(enumerate(texts)))}
    rows = sorted(first.values())
    sets = {row: shingles(texts[row], config.shingle) for row in rows}
    found = {}
    for at, i in enumerate(rows):
        for j in rows[at + 1 :]:
            union = len(sets[i] | sets[j])
            if union and len(sets[i] & sets[j]) / union >= config.threshold:
                found[i, j] = len(sets[i] & sets[j]) / union
    return found


def varied_texts(rows: int, seed: int = 0) -> list[str]:
    """Short texts of which many are edits of others."""
    draw = np.random.default_rng(seed)
    texts: list[str] = []
    while len(texts) < rows:
        words = list(draw.choice(WORDS, size=draw.integers(0, 15)))
        for _ in range(draw.integers(1, 5)):
            texts.append(" ".join(words))
            if words:
                words[draw.integers(len(words))] = str(draw.choice(WORDS))
    order = draw.permutation(rows)
    return [texts[row] for row in order]


def as_dict(near: object) -> dict[tuple[int, int], float]:
    return {(i, j): jaccard for (i, j), jaccard in zip(near.pairs.tolist(), near.jaccard.tolist(), strict=True)}


@settings(max_examples=40, deadline=None)
@given(texts=TEXTS, shingle=st.sampled_from(["word:1", "word:2", "char:3"]), threshold=st.sampled_from([0.5, 0.7, 0.8]))
def test_exact_mode_finds_every_pair_with_its_true_similarity(texts: list[str], shingle: str, threshold: float) -> None:
    """The exact join equals comparing each text with each."""
    config = DedupConfig(exact=True, shingle=shingle, threshold=threshold)

    assert as_dict(find_near_duplicates(texts, config=config)) == every_pair(texts, config)


@pytest.mark.parametrize("shingle", ["word:1", "word:2", "word:4", "char:5"])
def test_bands_find_nearly_every_pair_and_none_that_is_wrong(shingle: str) -> None:
    """Precision is 1: each pair carries its true Jaccard similarity; recall is at least the target."""
    texts, config = varied_texts(600), DedupConfig(shingle=shingle, threshold=0.6, recall=0.99)
    truth, found = every_pair(texts, config), as_dict(find_near_duplicates(texts, config=config))

    assert {pair: truth.get(pair) for pair in found} == found
    assert len(found) >= 0.97 * len(truth) > 0


@settings(max_examples=30, deadline=None)
@given(texts=TEXTS, seed=st.integers(0, 1000))
def test_result_does_not_depend_on_the_order_or_the_chunks(texts: list[str], seed: int) -> None:
    """Shuffled and cut into chunks, the same texts give the same pairs and survivors."""
    config = DedupConfig(threshold=0.5)
    order = np.random.default_rng(seed).permutation(len(texts))
    rank = np.random.default_rng(seed + 1).permutation(len(texts))
    shuffled = [texts[row] for row in order]
    chunked = pa.chunked_array([shuffled[:3], shuffled[3:]], type=pa.string())
    near, other = find_near_duplicates(texts, config=config), find_near_duplicates(chunked, config=config)
    survivor, jaccard = star_clusters(near, rank)
    other_survivor, other_jaccard = star_clusters(other, rank[order])

    assert sorted(similarity for similarity in other.jaccard) == sorted(near.jaccard)
    assert order[other_survivor].tolist() == survivor[order].tolist()
    assert other_jaccard.tolist() == jaccard[order].tolist()


@settings(max_examples=40, deadline=None)
@given(texts=TEXTS, seed=st.integers(0, 1000))
def test_no_row_is_replaced_without_a_verified_survivor(texts: list[str], seed: int) -> None:
    """A row that does not survive cites a surviving row of at least the threshold, with the true similarity."""
    config = DedupConfig(threshold=0.5, exact=True)
    near = find_near_duplicates(texts, config=config)
    survivor, jaccard = star_clusters(near, np.random.default_rng(seed).permutation(len(texts)))
    sets = [shingles(text, config.shingle) for text in texts]

    for row, other in enumerate(survivor.tolist()):
        union = len(sets[row] | sets[other])
        assert survivor[other] == other
        assert jaccard[row] == (len(sets[row] & sets[other]) / union if union else 1.0)
        assert jaccard[row] >= config.threshold


def test_similarity_is_never_chained() -> None:
    """With a ~ b ~ c and a not like c, the rank of b decides: it stands for both, or the outer ones stay."""
    texts = ["a b c d e f", "b c d e f g", "c d e f g h"]
    near = find_near_duplicates(texts, config=DedupConfig(threshold=0.6, shingle="word:1", exact=True))

    assert as_dict(near) == {(0, 1): 5 / 7, (1, 2): 5 / 7}
    assert star_clusters(near, np.array([1, 0, 2]))[0].tolist() == [1, 1, 1]
    assert star_clusters(near, np.array([0, 1, 2]))[0].tolist() == [0, 0, 2]


def test_best_ranked_of_identical_rows_survives() -> None:
    """Of rows with one folded text the best-ranked stands for the others, wherever they lie."""
    near = find_near_duplicates(["Same text", "other", "same  TEXT!", "same text"], config=DedupConfig())

    assert near.representative.tolist() == [0, 1, 0, 0]
    assert star_clusters(near, np.array([3, 0, 1, 2]))[0].tolist() == [2, 1, 2, 2]


def test_groups_are_never_mixed() -> None:
    """Rows of different groups are neither paired nor represented by one another."""
    texts = ["one two three four", "one two three four", "one two three four five", "one two three four five"]
    config = DedupConfig(threshold=0.7)
    near = find_near_duplicates(texts, config=config, groups=np.array([0, 1, 0, 1]))

    assert near.representative.tolist() == [0, 1, 2, 3]
    assert near.pairs.tolist() == [[0, 2], [1, 3]]


def test_one_word_equals_only_the_same_word() -> None:
    """A text shorter than a shingle is its own only shingle; texts without words keep their symbols."""
    texts = ["yes", "Yes!", "yes sir", ":)", ":(", "", None]
    near = find_near_duplicates(texts, config=DedupConfig(threshold=0.1, shingle="word:2", exact=True))

    assert near.representative.tolist() == [0, 0, 2, 3, 4, 5, 5]
    assert near.pairs.tolist() == []


TEMPLATE = "please check order number {} of customer {} and tell me when it will be shipped to the shop in my home town"


def crowd(rows: int) -> list[str]:
    """Fills of one template, all alike at 0.6."""
    draw = np.random.default_rng(3)
    return [TEMPLATE.format(*(f"w{n}" for n in draw.integers(0, 10**6, 2))) for _ in range(rows)]


def test_a_corpus_of_one_template_keeps_one_row_in_linear_time() -> None:
    """Thousands of fills of a template do not make millions of pairs, and few rows are left, whatever their order."""
    texts, config = crowd(3000), DedupConfig(threshold=0.6, recall=0.999)
    rank = np.random.default_rng(1).permutation(len(texts))
    near = find_near_duplicates(texts, config=config, rank=rank)
    survivor, _ = star_clusters(near, rank)
    order = np.random.default_rng(2).permutation(len(texts))
    shuffled = find_near_duplicates([texts[row] for row in order], config=config, rank=rank[order])

    assert len(near.pairs) < 64 * len(texts)
    assert len(set(survivor.tolist())) <= 3
    assert sorted(map(tuple, np.sort(order[shuffled.pairs]).tolist())) == list(map(tuple, near.pairs.tolist()))


def test_a_crowd_is_cut_by_label() -> None:
    """Rows of one template with two labels keep a survivor of each, and the pairs across labels show the conflict."""
    texts, config = crowd(400), DedupConfig(threshold=0.6, recall=0.999)
    labels, rank = np.arange(400) % 2, np.arange(400)
    near = find_near_duplicates(texts, config=config, rank=rank, labels=labels)
    same = labels[near.pairs[:, 0]] == labels[near.pairs[:, 1]]
    led = {row for row in range(400) for pair in near.pairs[same].tolist() if row in pair}

    assert {0, 1} <= led
    assert len(led) >= 396
    assert not same.all()


@settings(max_examples=25, deadline=None)
@given(left=TEXTS, right=TEXTS, exact=st.booleans())
def test_cross_duplicates_mark_every_row_with_a_partner(left: list[str], right: list[str], exact: bool) -> None:
    """Exactly the rows with a near-duplicate on the other side are in a pair, each with the true similarity."""
    config = DedupConfig(threshold=0.5, shingle="word:1", exact=exact, recall=0.9999)
    pairs, jaccard = cross_duplicates(left, right, config=config)
    ours, theirs = ([shingles(text, config.shingle) for text in side] for side in (left, right))
    alike = {
        (i, j)
        for i, one in enumerate(ours)
        for j, two in enumerate(theirs)
        if (len(one & two) / len(one | two) if one | two else fold(left[i]) == fold(right[j])) >= config.threshold
    }

    assert {tuple(pair) for pair in pairs.tolist()} <= alike
    for (i, j), similarity in zip(pairs.tolist(), jaccard.tolist(), strict=True):
        union = len(ours[i] | theirs[j])
        assert similarity == (len(ours[i] & theirs[j]) / union if union else 1.0)
    if exact:
        assert set(pairs[:, 0].tolist()) == {i for i, _ in alike}
        assert set(pairs[:, 1].tolist()) == {j for _, j in alike}


def test_nothing_is_found_in_nothing() -> None:
    """No texts, no pairs; no error."""
    config = DedupConfig()

    assert find_near_duplicates([], config=config).pairs.shape == (0, 2)
    assert cross_duplicates([], ["a"], config=config)[0].shape == (0, 2)


def test_dry_run_states_bands_recall_and_memory() -> None:
    """The plan is JSON-ready and grows with the rows."""
    config = DedupConfig(threshold=0.8, recall=0.99, permutations=128)
    plan = describe_search(config, 1_000_000)

    assert (plan["bands"], plan["rows_per_band"], plan["permutations"]) == (16, 6, 96)
    assert plan["expected_recall"]["0.80"] >= 0.99
    assert plan["passes"] == 1
    assert 128e6 < plan["peak_memory_above_text"] < 512e6


SCRIPT = """
import hashlib, sys
from pathlib import Path
import numpy as np
from tunegate.curate.config import DedupConfig
from tunegate.curate.duplicates.near_duplicates import find_near_duplicates, star_clusters
texts = Path(sys.argv[1]).read_text(encoding="utf-8").split("\\n")
digest = hashlib.sha256()
for exact in (False, True):
    rank = np.random.default_rng(0).permutation(len(texts))
    config = DedupConfig(threshold=0.6, exact=exact)
    near = find_near_duplicates(texts, config=config, rank=rank)
    for part in (near.pairs, near.jaccard, near.representative, *star_clusters(near, rank)):
        digest.update(np.ascontiguousarray(part).tobytes())
print(len(near.pairs), digest.hexdigest())
"""


def test_threads_and_compilation_do_not_change_a_bit(tmp_path: Path) -> None:
    """One thread, three threads, and plain numpy give the same pairs, similarities and survivors."""
    file = tmp_path / "texts.txt"
    file.write_text("\n".join(varied_texts(300, seed=4) + crowd(80)), encoding="utf-8")
    outputs = set()
    for settings_ in ({"NUMBA_NUM_THREADS": "1"}, {"NUMBA_NUM_THREADS": "3"}, {"TUNEGATE_NO_JIT": "1"}):
        command = [sys.executable, "-c", SCRIPT, str(file)]
        done = subprocess.run(command, env=os.environ | settings_, capture_output=True, text=True, check=True)
        outputs.add(done.stdout)

    assert len(outputs) == 1
    assert int(outputs.pop().split()[0]) > 50


def test_a_dry_run_tells_groups_bands_recall_and_memory() -> None:
    """What is compared within what, the promise of the bands, and the peak stand in the forecast."""
    examples = load_examples([{"text": f"row {n}", "label": "ab"[n % 2], "source": "x"} for n in range(4)])
    config = CurateConfig(dedup=DedupConfig(keep_columns=("label", "source")))
    banded = "\n".join(forecast_duplicates(examples, config))
    joined = "\n".join(forecast_duplicates(examples, CurateConfig(dedup=DedupConfig(exact=True))))
    answered = load_examples([{"prompt": "why", "completion": "because"}])
    fields = "\n".join(forecast_duplicates(answered, CurateConfig()))

    assert "within 2 groups" in banded
    assert "16 bands of 6" in banded
    assert "99.23 % at 0.80" in banded
    assert "exact join: recall 100 %" in joined
    assert "24 bands of 4" in fields  # several fields are searched as one text, at a lower threshold
    assert "of text" in joined


@pytest.mark.parametrize("exact", [False, True])
def test_kept_columns_keep_their_values_apart(exact: bool) -> None:
    """Equal rows of two languages stay both; within a language one goes, for several columns as for one."""
    rows = [
        {"text": text, "label": "a", "lang": lang, "source": source}
        for text in ("please tell me where my card is", "please tell me where my card is now")
        for lang, source in (("en", "x"), ("en", "y"), ("de", "x"))
    ]
    for columns, kept in ((("lang",), 2), (("lang", "source"), 3), ((), 1)):
        config = CurateConfig(dedup=DedupConfig(keep_columns=columns, exact=exact))
        curation = curate_dataset(load_examples(rows), config=config)

        assert len(curation.kept) == kept
