"""Benchmark items in the training data are found, listed, and told from what only looks alike."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from tunegate.core.results import BenchmarkItem
from tunegate.curate import CurateConfig, curate_dataset
from tunegate.curate.folding import fold
from tunegate.curate.leaks import word_runs

QUESTIONS = [
    ("A baker makes 24 rolls each morning and sells half of them before noon. How many rolls are left at noon?", "12"),
    ("Which planet has the most moons?", "Saturn"),
    ("Explain the law.", "Every body stays at rest or in uniform motion unless a force acts on it from the outside."),
    ("Who wrote it?", "A poet"),
]
ITEMS = [
    BenchmarkItem(task="quiz", doc_hash=f"h{at}", question=question, answer=text)
    for at, (question, text) in enumerate(QUESTIONS)
]


def leaks(prompt: str, completion: str, **config: Any) -> list[str]:
    """Hashes of the items found in one row, which must be listed for the evaluation too."""
    rows = [{"prompt": prompt, "completion": completion}]
    curation = curate_dataset(rows, config=CurateConfig.model_validate(config), benchmarks=ITEMS)
    listed = [item["doc_hash"] for item in curation.benchmark_findings]

    assert sorted(listed) == sorted(
        item["doc_hash"]
        for finding in curation.findings
        if finding.rule.startswith("benchmark")
        for item in finding.evidence["items"]
    )
    return listed


def test_a_question_alone_is_a_leak() -> None:
    """Whatever the answer says, in any case, inside other text."""
    assert leaks("Solve: " + QUESTIONS[0][0].upper() + " Think.", "no idea") == ["h0"]


def test_a_long_answer_alone_is_a_leak() -> None:
    """Copied solutions count without their questions."""
    assert leaks("Tell me of Newton.", "Well. " + QUESTIONS[2][1]) == ["h2"]


def test_a_question_of_prices_and_formulas_is_found() -> None:
    """Symbols are words of a run as they are of the question."""
    question = "Tom has $5, spends $2 + $1, then $3 / 4: what is 100% - 25% of $20 * 2 in $?"
    item = BenchmarkItem(task="sums", doc_hash="s", question=question, answer="30")
    around = "one word after another that has nothing to do with it " * 5
    rows = [{"prompt": f"{around}{question} {around}", "completion": "x"}]

    (found,) = curate_dataset(rows, benchmarks=[item]).benchmark_findings

    assert found["doc_hash"] == "s"


def test_half_a_question_is_enough_and_a_phrase_is_not() -> None:
    """Containment of half the word runs counts; a shared opening does not."""
    assert leaks("A baker makes 24 rolls each morning and sells half of them before noon. Why?", "Trade.") == ["h0"]
    assert leaks("A baker makes 24 rolls each morning and a boy eats them all at once on the way.", "Yes.") == []


def test_a_short_question_counts_only_as_a_whole() -> None:
    """Six words or more in one run, or nothing."""
    assert leaks("Which planet has the most moons?", "Jupiter") == ["h1"]
    assert leaks("Which planet has the most craters, and who wrote it?", "Mercury") == []


def test_another_slot_is_another_question() -> None:
    """A near copy with another number is not the item, unless the guard is off."""
    other = QUESTIONS[0][0].replace("24", "90")
    config = {"leakage": {"containment": 1.0}}

    assert leaks(other, "45", **config) == []
    assert leaks(other, "45", leakage={"containment": 1.0, "guard": False}) == ["h0"]


def test_rephrased_items_are_found_where_asked_for() -> None:
    """The similarity search sees other wording that shares no run of words; it is off by default."""
    rows = [
        {"prompt": f"What do {n} apples cost at {n + 3} cents each, all told?", "completion": "x"} for n in range(20)
    ]
    rows.append(
        {"prompt": "Each morning 24 rolls come from a baker, half sold by noon. How many are left?", "completion": "12"}
    )
    config = CurateConfig.model_validate({"leakage": {"similarity": "drop", "compare_numbers": True}})
    found = curate_dataset(rows, config=config, benchmarks=ITEMS)

    assert [finding.row for finding in found.findings if finding.rule == "benchmark-similar"] == [20]
    assert 20 not in found.kept
    assert curate_dataset(rows, benchmarks=ITEMS).benchmark_findings == ()


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(st.text(st.sampled_from("aZ9é_-–−$€.+*#/^ )\n'"), max_size=14), min_size=1, max_size=6))
def test_rows_are_searched_by_their_folded_words(texts: list[str]) -> None:
    """The fold of whole columns is `fold`, so that no symbol or sign breaks a run of words."""
    folded = word_runs.fold_column(pa.chunked_array([pa.array(texts, pa.large_string())])).to_pylist()

    assert folded == [fold(text) if not text.isascii() or re.search(r"[\w$+*#/^]", text) else "" for text in texts]
