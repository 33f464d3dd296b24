"""Advice comes from the user's own pairs, and benefit is measured against as many random rows."""

from __future__ import annotations

import pytest
from tunegate.core.errors import DataError
from tunegate.core.formats import load_examples
from tunegate.core.records import Examples
from tunegate.curate import advise_threshold, curate_dataset, prove_benefit

PAIRS = [
    ("please tell me where my new card is now", "please tell me where my new card is"),
    ("i want to close the account that i opened", "i want to close the account which you opened"),
    ("mail me at jo@example.org about the refund soon", "mail me at jo@example.org about the refund now"),
]


def test_each_bin_counts_its_pairs_and_what_a_threshold_would_drop() -> None:
    """Higher thresholds drop fewer rows; every pair is in one bin; samples hold no private data."""
    rows = [{"text": text, "label": "a"} for pair in PAIRS for text in pair] + [{"text": PAIRS[0][0], "label": "a"}]
    bins = advise_threshold(load_examples(rows))

    assert [(part.low, part.high) for part in bins] == [(0.5, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 1.0)]
    assert [part.pairs for part in bins] == [0, 0, 0, 1, 0] or sum(part.pairs for part in bins) >= 2
    assert [part.dropped for part in bins] == sorted((part.dropped for part in bins), reverse=True)
    assert bins[-1].dropped == 1
    assert "jo@" not in repr(bins)


def test_pairs_of_two_labels_are_counted_and_drop_nothing() -> None:
    """A threshold cannot drop a row for a row of another label."""
    rows = [{"text": text, "label": label} for text, label in zip(PAIRS[0], "ab", strict=True)]
    bins = advise_threshold(load_examples(rows))

    assert sum(part.other_label for part in bins) == 1
    assert [part.dropped for part in bins] == [0] * 5


def test_benefit_compares_arms_of_one_size_on_rows_that_no_arm_has_seen() -> None:
    """Kept and random are of one size; the interval holds the mean; the same seeds give the same figures."""
    words = {"card": "card post envelope plastic late", "fees": "fee charge cost price extra"}
    rows = [
        {"text": f"{word} {other} {n}", "label": label}
        for label, text in words.items()
        for word in text.split()
        for other in text.split()
        for n in ("one", "two", "three")
    ]
    curation = curate_dataset(load_examples(rows + rows[:40]))
    benefit = prove_benefit(curation, seeds=3)

    assert benefit.rows["kept"] == benefit.rows["random"] <= benefit.rows["full"]
    assert benefit.low <= benefit.difference <= benefit.high
    assert benefit.difference == pytest.approx(benefit.kept - benefit.random)
    assert prove_benefit(curation, seeds=3) == benefit


def test_benefit_asks_any_model_for_the_accuracy_of_every_arm() -> None:
    """A model of the user's own is given kept, random and full rows, the test rows, and the seed, in this order."""
    rows = [{"text": f"{word} {number}", "label": word} for word in ("card", "fees") for number in range(30)]
    test = load_examples([{"text": "card 99", "label": "card"}])
    asked = []

    def learn(train: Examples, held: Examples, seed: int) -> float:
        asked.append((len(train), list(held.inputs), seed))
        return len(asked) / 10

    benefit = prove_benefit(curate_dataset(rows), test=test, seeds=2, learn=learn)

    assert [(size, seed) for size, _, seed in asked] == [(48, 0)] * 3 + [(48, 1)] * 3
    assert {tuple(held) for _, held, _ in asked} == {("card 99",)}
    assert (benefit.kept, benefit.random, benefit.full) == pytest.approx((0.25, 0.35, 0.45))


def test_benefit_needs_labels_and_seeds() -> None:
    """What cannot be measured is said, with what to do."""
    prompts = curate_dataset([{"prompt": "a", "completion": "b"}])
    labels = curate_dataset([{"text": "a", "label": "b"}])

    with pytest.raises(DataError, match="completion examples"):
        prove_benefit(prompts)
    with pytest.raises(DataError, match="at least 2"):
        prove_benefit(labels, seeds=1)
