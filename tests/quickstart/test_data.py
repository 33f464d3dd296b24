"""The quickstart's files are what its generators make, and its benchmarks are held out from what pretraining reads."""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice
from pathlib import Path
from random import Random

import pytest
from tunegate.evaluate import benchmark_items, selection_items
from tunegate.examples.quickstart import messages, prose, skills
from tunegate.examples.quickstart.knowledge import whole_text
from tunegate.examples.quickstart.make_benchmarks import ABILITIES, benchmark, make_benchmarks
from tunegate.examples.quickstart.make_data import make_data
from tunegate.examples.quickstart.pretrain import documents
from tunegate.recipe import read_recipe

DOCUMENTS = 11_000
"""About a tenth of what pretraining reads."""


@pytest.fixture(scope="module")
def quickstart(root: Path) -> Path:
    return root / "examples" / "quickstart"


@pytest.fixture(scope="module")
def read_in_pretraining() -> str:
    return "\n".join(islice(documents(1000), DOCUMENTS))


def test_the_shipped_data_is_what_the_generator_makes(quickstart: Path, tmp_path: Path) -> None:
    """Seed 0 gives the committed bytes, so nobody edited the planted truth by hand."""
    make_data(tmp_path)

    for name in ("train.jsonl", "test.jsonl", "general.jsonl", "truth.json"):
        assert (tmp_path / name).read_bytes() == (quickstart / "data" / name).read_bytes(), name


def test_the_shipped_benchmarks_are_what_the_generator_makes(quickstart: Path, tmp_path: Path) -> None:
    """The gate's items are the committed bytes."""
    make_benchmarks(tmp_path)

    for ability in ABILITIES:
        name = f"{ability}.jsonl"
        assert (tmp_path / name).read_bytes() == (quickstart / "benchmarks" / name).read_bytes(), ability


def test_another_seed_gives_other_messages(tmp_path: Path) -> None:
    """The seed draws the task's rows, not only their order."""
    make_data(tmp_path / "0", seed=0)
    make_data(tmp_path / "1", seed=1)
    texts = [set((tmp_path / seed / "test.jsonl").read_text().splitlines()) for seed in "01"]

    assert len(texts[0] & texts[1]) < 3


@pytest.mark.parametrize("ability", ABILITIES)
def test_every_benchmark_has_hundreds_of_distinct_items_with_one_right_choice(ability: str) -> None:
    """An item is asked once, its choices differ, and gold points at one of them."""
    items = benchmark(ability)

    assert len(items) >= (120 if ability == "order" else 250)
    assert len({whole_text(item) for item in items}) == len(items)
    for item in items:
        assert len(set(item["choices"])) == len(item["choices"]) in (2, 4)
        assert 0 <= item["gold"] < len(item["choices"])


def test_the_careful_recipe_chooses_by_items_of_every_gated_ability(quickstart: Path) -> None:
    """The gate leaves over some items of each ability that it decides by, and of none that are on both sides."""
    recipe = read_recipe(quickstart / "careful.yaml")
    limit = recipe.train.monitor.benchmark_items
    asked = benchmark_items(recipe.evaluate, seed=recipe.seed)
    chosen = selection_items(recipe.evaluate, limit=limit, seed=recipe.seed)
    counts = Counter(item.task.removeprefix("quickstart_") for item in chosen)

    assert counts == {
        "facts": 100, "opposites": 30, "forms": 48, "arithmetic": 68, "agreement": 100, "sentiment": 100,
        "copying": 100, "topics": 100,
    }  # fmt: skip
    assert set(ABILITIES) - set(counts) == {name.removeprefix("quickstart_") for name in recipe.gate.advisory}
    assert not {(item.question, item.answer) for item in asked} & {(item.question, item.answer) for item in chosen}


@pytest.mark.parametrize("ability", ABILITIES)
def test_pretraining_never_reads_a_benchmark_item(ability: str, read_in_pretraining: str) -> None:
    """No question with its right answer occurs in the pretraining text."""
    seen = [whole_text(item) for item in benchmark(ability) if whole_text(item) in read_in_pretraining]

    assert seen == []


def test_arithmetic_holds_out_whole_number_families(read_in_pretraining: str) -> None:
    """If a + b is held out, so are b + a and both subtractions, in every template."""
    for a in range(skills.LARGEST_NUMBER + 1):
        for b in range(a, skills.LARGEST_NUMBER + 1):
            if skills.is_held_sum(a, b):
                told = (f"{a} + {b} =", f"{b} plus {a} is", f"{a + b} - {a} =", f"{a + b} minus {b} is")
                assert [text for text in told if f"\n{text}" in read_in_pretraining] == []


def test_replayed_text_is_of_another_make_than_the_benchmarks() -> None:
    """No benchmark question occurs in general text, not even those whose answer pretraining may know."""
    random = Random(1)
    text = "\n".join(prose.replayed_passage(random) for _ in range(1_500))
    items = [item for ability in ABILITIES for item in benchmark(ability)]
    whole = [whole_text(item) for item in items]
    asked = [item["query"] for item in items if len(item["query"].split()) > 2]

    assert [query for query in whole + asked if query in text] == []


def test_pretraining_never_sees_the_task(read_in_pretraining: str) -> None:
    """The prompt that asks for an intent is new to the base model."""
    assert "Intent:" not in read_in_pretraining
    assert "Message:" not in read_in_pretraining


def test_test_messages_share_no_wording_with_training_messages() -> None:
    """Frames and small talk of the test are held out; its key phrases are not."""
    assert not set(messages.TRAIN_FRAMES) & set(messages.TEST_FRAMES)
    assert not set(messages.TRAIN_TALK) & set(messages.TEST_TALK)


def test_the_truth_points_at_the_planted_rows(quickstart: Path) -> None:
    """Each defect names a line of the training file that shows it, and every kind is there."""
    truth = json.loads((quickstart / "data" / "truth.json").read_text())
    lines = (quickstart / "data" / "train.jsonl").read_text().splitlines()
    kinds = {defect["kind"] for defect in truth["defects"]}

    assert len(lines) == truth["rows"]
    assert kinds == {
        "exact-duplicate", "near-duplicate", "label-conflict", "wrong-label", "test-leak", "benchmark-leak",
        "placeholder", "empty", "damaged-text", "broken-row",
    }  # fmt: skip
    for defect in truth["defects"]:
        line = lines[defect["line"] - 1]
        if defect["kind"] == "broken-row":
            assert line == defect["note"]
        if defect["kind"] in ("placeholder", "damaged-text", "benchmark-leak"):
            assert json.loads(line)["text"] == defect["note"]
        if defect["kind"] in ("label-conflict", "wrong-label"):
            assert json.loads(line)["label"] != defect["note"]
