"""Laws that hold for every curation, whatever the data."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tunegate.core.formats import load_examples, original_rows
from tunegate.core.records import Curation
from tunegate.curate import CurateConfig, curate_dataset
from tunegate.curate.overlap import jaccard, text_shingles

WORDS = ["card", "lost", "my", "I", "the", "pay", "Pay!", "help", "in", "rome", "", "12", "é"]
texts = st.lists(st.sampled_from(WORDS), min_size=0, max_size=12).map(" ".join)
label_rows = st.lists(
    st.fixed_dictionaries({"text": texts, "label": st.sampled_from(["a", "b", " "])}), min_size=1, max_size=40
)
prompt_rows = st.lists(
    st.fixed_dictionaries({"prompt": texts, "completion": texts, "note": st.sampled_from(["x", "y"])}),
    min_size=1,
    max_size=40,
)
POLICIES = [
    CurateConfig(),
    CurateConfig.model_validate(
        {"dedup": {"threshold": 0.5, "survivor": "longest"}, "conflicts": {"same": "majority"}}
    ),
    CurateConfig.model_validate(
        {"conflicts": {"same": "drop-all", "near": "drop-all"}, "dedup": {"shingle": "char:3"}}
    ),
    CurateConfig.model_validate({"rules": {"near-duplicate": "flag"}}),
    CurateConfig.model_validate({"conflicts": {"near": "majority"}, "dedup": {"threshold": 0.5}}),
    CurateConfig.model_validate(
        {
            "conflicts": {"same": "majority", "near": "majority"},
            "dedup": {"threshold": 0.6, "shingle": "word:1"},
            "rules": {"near-duplicate": "flag"},
        }
    ),
    CurateConfig.model_validate({"rules": {"near-label-conflict": "drop", "label-conflict": "drop"}}),
]
configs = st.sampled_from(POLICIES)


def kept_rows(curation: Curation) -> Counter[str]:
    return Counter(repr(row) for row in original_rows(curation.kept_examples))


def curated(rows: list[dict[str, Any]], config: CurateConfig) -> Curation:
    return curate_dataset(load_examples(rows, kind="label" if "label" in rows[0] else "completion"), config=config)


@settings(max_examples=60, deadline=None)
@given(st.one_of(label_rows, prompt_rows), configs)
def test_kept_and_rejected_make_the_input(rows: list[dict[str, Any]], config: CurateConfig) -> None:
    """Every row is kept or rejected, none twice, and the summary says the same."""
    curation = curated(rows, config)
    dropped = [decision.row for decision in curation.decisions if decision.action == "drop"]

    assert sorted([*curation.kept.tolist(), *dropped]) == list(range(len(rows)))
    assert curation.summary["rows_in"] == len(rows)
    assert curation.summary["rows_kept"] + sum(curation.summary["by_rule"].values()) == len(rows)


@settings(max_examples=60, deadline=None)
@given(st.one_of(label_rows, prompt_rows), configs, st.integers(0, 10))
def test_the_order_of_rows_does_not_matter(rows: list[dict[str, Any]], config: CurateConfig, seed: int) -> None:
    """The same rows in another order keep the same rows."""
    shuffled = random.Random(seed).sample(rows, len(rows))

    assert kept_rows(curated(rows, config)) == kept_rows(curated(shuffled, config))


@settings(max_examples=60, deadline=None)
@given(st.one_of(label_rows, prompt_rows), configs)
def test_curating_the_kept_rows_drops_nothing(rows: list[dict[str, Any]], config: CurateConfig) -> None:
    """Curation is idempotent."""
    once = curated(rows, config)
    if not len(once.kept):
        return
    twice = curate_dataset(once.kept_examples, config=config)

    assert twice.summary["by_rule"] == {}


@settings(max_examples=60, deadline=None)
@given(st.one_of(label_rows, prompt_rows), configs)
def test_a_duplicate_cites_a_surviving_row_that_is_as_alike_as_it_says(
    rows: list[dict[str, Any]], config: CurateConfig
) -> None:
    """No row goes as a duplicate without a row that stays, of the same label and at the threshold or above."""
    curation = curated(rows, config)
    fields = ["text"] if "label" in rows[0] else ["prompt", "completion"]
    kept = set(curation.kept.tolist())
    for decision in curation.decisions:
        if decision.action != "drop" or "duplicate" not in decision.finding.rule:
            continue
        own, other = rows[decision.row], rows[decision.finding.related or 0]
        sets = [[text_shingles(row[name], config.dedup.shingle) for name in fields] for row in (own, other)]

        assert decision.finding.related in kept
        assert own.get("label") == other.get("label")
        assert min(jaccard(one, two) for one, two in zip(*sets, strict=True)) >= config.dedup.threshold
