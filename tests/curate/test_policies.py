"""What the policies make of conflicts, limits and late drops."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tunegate.core.formats import load_examples
from tunegate.core.records import Curation
from tunegate.curate import CurateConfig, curate_dataset

TOP_UP = "how long until my top up shows in the app"


def curated(rows: list[tuple[str, str]], **settings: Any) -> Curation:
    data = [{"text": text, "label": label} for text, label in rows]
    return curate_dataset(load_examples(data, kind="label"), config=CurateConfig.model_validate(settings))


def kept(curation: Curation) -> list[tuple[str, str]]:
    return list(zip(curation.kept_examples.inputs, curation.kept_examples.targets, strict=True))


def dropped(curation: Curation, rule: str) -> list[int]:
    return [d.row for d in curation.decisions if d.action == "drop" and d.finding.rule == rule]


NEAR = [
    (TOP_UP, "pending"),
    (TOP_UP + " please", "pending"),
    (TOP_UP + " then", "reverted"),
    ("cancel my order", "cancel"),
]


def test_near_majority_drops_the_side_with_fewer_rows() -> None:
    """Two alike rows of one label outvote one of another; the pair itself collapses as usual."""
    curation = curated(NEAR, conflicts={"near": "majority"}, dedup={"threshold": 0.7})

    assert dropped(curation, "near-label-conflict") == [2]
    assert len(dropped(curation, "near-duplicate")) == 1
    assert curated(kept(curation), conflicts={"near": "majority"}, dedup={"threshold": 0.7}).summary["by_rule"] == {}


def test_near_majority_leaves_equal_sides_alone() -> None:
    """One row against one row: both stay and are flagged."""
    curation = curated(NEAR[1:], conflicts={"near": "majority"}, dedup={"threshold": 0.7})

    assert curation.kept.tolist() == [0, 1, 2]
    assert sum(finding.rule == "near-label-conflict" for finding in curation.findings) == 2


def test_a_row_whose_opponent_lost_stays() -> None:
    """Votes are settled from the heaviest side down: who was alike only with a loser is not outvoted by it."""
    words = [f"w{at}" for at in range(12)]
    heavy, middle, light = (" ".join(words[at : at + 8]) for at in (0, 2, 4))
    rows = [(heavy, "a"), (heavy, "a"), (heavy, "a"), (middle, "b"), (middle, "b"), (light, "c")]
    curation = curated(
        rows,
        conflicts={"near": "majority"},
        dedup={"threshold": 0.6, "shingle": "word:1"},
        rules={"exact-duplicate": "flag"},
    )

    assert dropped(curation, "near-label-conflict") == [3, 4]
    assert kept(curation) == [(heavy, "a")] * 3 + [(light, "c")]


@pytest.mark.parametrize(("policy", "left"), [("flag", 4), ("drop-all", 1), ("majority", 3)])
def test_near_policies_reach_every_copy(policy: str, left: int) -> None:
    """A policy is about all rows of a text: each copy of it is found, and goes or stays with the others."""
    rows = [(TOP_UP, "pending"), (TOP_UP.upper(), "pending"), (TOP_UP + " then", "reverted"), ("bye", "cancel")]
    curation = curated(rows, conflicts={"near": policy}, dedup={"threshold": 0.7}, rules={"exact-duplicate": "flag"})

    assert sum(finding.rule == "near-label-conflict" for finding in curation.findings) == 3
    assert len(curation.kept) == left


@pytest.mark.parametrize("rule", ["label-conflict", "near-label-conflict"])
def test_a_rule_set_to_drop_drops_all_members(rule: str) -> None:
    """The rule's own action goes before the conflict policy, and no duplicate cites a member that went."""
    other = TOP_UP if rule == "label-conflict" else TOP_UP + " then"
    rows = [(TOP_UP, "pending"), (TOP_UP + " please", "pending"), (other, "reverted"), ("bye", "cancel")]
    curation = curated(rows, rules={rule: "drop"}, dedup={"threshold": 0.7})
    stays = set(curation.kept.tolist())

    assert 2 in dropped(curation, rule)
    assert all(
        d.finding.related in stays
        for d in curation.decisions
        if d.finding.rule in ("exact-duplicate", "near-duplicate")
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["a b c d", "a b c d e", "f g h", "i"]), st.sampled_from("xy")), min_size=1))
def test_no_duplicate_cites_a_row_that_the_cap_drops(rows: list[tuple[str, str]]) -> None:
    """Where the row that stands for others goes over the cap, they go with it; again, nothing goes."""
    config = {"cap": {"per": "label", "rows": 1}, "dedup": {"threshold": 0.6}}
    curation = curated(rows, **config)
    stays = set(curation.kept.tolist())

    assert len(stays) == len({label for _, label in rows})
    for decision in curation.decisions:
        if decision.action == "drop" and "duplicate" in decision.finding.rule:
            assert decision.finding.related in stays
    assert curated(kept(curation), **config).summary["by_rule"] == {}


def test_the_ledger_says_why_a_row_followed_its_survivor() -> None:
    """The duplicate of a row over the cap is rejected for the cap, in words, and still names the survivor."""
    rows = [(f"question number {name}", "a") for name in ("one", "two", "three")] * 2
    curation = curated(rows, cap={"per": "label", "rows": 1})
    followed = [d for d in curation.decisions if d.finding.reason.startswith("The row that stood for this one went")]

    assert len(curation.kept) == 1
    assert {d.finding.rule for d in followed} == {"over-cap"}
    assert curation.summary["rows_kept"] + curation.summary["rows_rejected"] == 6


@pytest.mark.parametrize(
    "texts",
    [
        ["WHERE IS MY NEW CARD???!", "Where is my new card?"],
        ["WHERE IS MY NEW CARD TODAY THEN, PLEASE", "Where is my new card today, please"],
        ["Where is my new card?", "where is my new card"],
    ],
)
def test_of_copies_the_longest_survives_that_is_not_shouted(texts: list[str]) -> None:
    """Whatever their order."""
    for order in (texts, texts[::-1]):
        config = CurateConfig.model_validate({"dedup": {"threshold": 0.6}})
        kept = curate_dataset([{"text": text, "label": "a"} for text in order], config=config).kept_examples

        assert [text for text in kept.inputs if text.lower().startswith("where")] == [
            next(text for text in texts if not text.isupper())
        ]


def test_dropping_label_errors_says_that_it_does_not_settle() -> None:
    """Models fitted again on the kept rows judge anew; whoever lets them drop rows is told."""
    rows = [(f"card {at} lost in the post {at % 7}", "card") for at in range(40)]
    rows += [(f"password {at} reset by mail {at % 7}", "login") for at in range(40)]
    rows += [("card 91 lost in the post 3", "login"), ("card 92 lost in the post 5", "login")]
    off = {"near-duplicate": "off", "exact-duplicate": "off", "near-label-conflict": "off"}
    warnings = {
        action: curated(rows, rules={**off, "label-error": action}).summary["warnings"] for action in ("flag", "drop")
    }

    assert warnings["flag"] == []
    assert any("label-error is set to drop" in warning for warning in warnings["drop"])
