"""What a run rehearses holds no item that its gate asks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tunegate.core.errors import DataError
from tunegate.core.formats import load_examples
from tunegate.core.results import BenchmarkItem
from tunegate.recipe import Recipe
from tunegate.screening import screen_replay, screened_config
from tunegate.train import read_texts

QUESTION = "A baker makes 24 rolls each morning and sells half of them before noon. How many rolls are left?"
ITEM = BenchmarkItem(task="sums", doc_hash="h", question=QUESTION, answer="12")
TEXTS = [f"The {colour} train leaves at {hour}." for colour in ("red", "blue") for hour in range(4)]
LEAKED = [*TEXTS[:3], f"Let us think. {QUESTION} Twelve.", *TEXTS[3:]]


def write(folder: Path, name: str) -> Path:
    """The texts in one of the forms in which general text comes."""
    if name.endswith(".txt"):
        content = "\n\n".join(LEAKED)
    else:
        keys = ("text",) if name == "texts.jsonl" else ("prompt", "completion")
        rows: list[dict[str, str]] = [dict.fromkeys(keys[1:], "Yes.") | {keys[0]: text} for text in LEAKED]
        content = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / name).write_text(content)
    return folder / name


def recipe_of(source: Any, **more: Any) -> Recipe:
    """A recipe that rehearses a file."""
    settings = {"model": "m", "data": {"train": "t"}, "train": {"replay": {"source": str(source)}}, **more}
    return Recipe.model_validate(settings)


@pytest.mark.parametrize("name", ["texts.jsonl", "texts.txt", "prompts.jsonl"])
def test_rows_with_benchmark_items_are_not_rehearsed(name: str, tmp_path: Path) -> None:
    """Text, paragraphs or training data; all other rows stay, in their order."""
    recipe = recipe_of(write(tmp_path, name))
    told = screen_replay(recipe, [ITEM], tmp_path / "curated")
    source = screened_config(recipe, tmp_path / "curated").replay.source
    assert source is not None
    texts = read_texts(source)
    kept = load_examples(source).inputs if texts is None else [text for _, text in texts]

    assert told == ["1 of 9 rows of train.replay.source hold benchmark items and are not rehearsed"]
    assert kept == TEXTS


def test_a_file_of_nothing_but_items_is_refused(tmp_path: Path) -> None:
    """Nothing would be left to rehearse; text that no example may be is kept all the same."""
    (tmp_path / "items.jsonl").write_text(json.dumps({"text": QUESTION}) + "\n")
    (tmp_path / "odd.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in ("a\0b", QUESTION, "c")))
    told = screen_replay(recipe_of(tmp_path / "odd.jsonl"), [ITEM], tmp_path / "curated")

    assert told == ["1 of 3 rows of train.replay.source hold benchmark items and are not rehearsed"]
    assert read_texts(str(tmp_path / "curated" / "rehearsed.jsonl")) == [(1, "a\0b"), (2, "c")]
    with pytest.raises(DataError, match=r"train\.replay\.source: every row of .* holds benchmark items; name other"):
        screen_replay(recipe_of(tmp_path / "items.jsonl"), [ITEM], tmp_path / "curated")


def test_what_holds_none_is_left_alone(tmp_path: Path) -> None:
    """Nor is anything read where nothing is rehearsed, nothing is asked, or the data is not to be cleaned."""
    recipe = recipe_of(write(tmp_path, "texts.jsonl"))
    other = BenchmarkItem(task="sums", doc_hash="o", question="Who wrote the longest of all the old poems?", answer="x")

    assert screen_replay(recipe, [other], tmp_path / "curated") == []
    assert screen_replay(recipe, [], tmp_path / "curated") == []
    assert screen_replay(recipe_of("self"), [ITEM], tmp_path / "curated") == []
    assert screen_replay(recipe_of("absent.txt", curate=False), [ITEM], tmp_path / "curated") == []
    assert screened_config(recipe, tmp_path / "curated") == recipe.train
