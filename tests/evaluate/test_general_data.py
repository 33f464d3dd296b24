"""Shipped suites of general datasets: found in a folder, measured on an encoder, and never the task's own data."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import ValidationError
from tunegate.core.errors import DataError
from tunegate.core.formats import load_examples
from tunegate.core.prompts import PromptConfig
from tunegate.core.records import Examples
from tunegate.evaluate import (
    EvaluateConfig,
    Retention,
    compare_scores,
    evaluate_model,
    require_measures,
    retention_items,
)
from tunegate.evaluate.general_data import RETENTION_SUITES, describe_retention_suite, general_datasets

WORDS = {"one": ["apple", "pear", "plum"], "two": ["iron", "gold", "zinc"], "three": ["horse", "goat", "mule"]}


def rows(name: str, count: int = 60) -> list[dict[str, str]]:
    """Labelled rows that no other name has: texts and labels bear it."""
    random = Random(name)
    found = []
    for number in range(count):
        label = random.choice(sorted(WORDS))
        found.append(
            {"text": f"{name} {number} {' '.join(random.sample(WORDS[label], 2))}", "label": f"{name} {label}"}
        )
    return found


def write(path: Path, content: list[dict[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in content)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Every file that a shipped suite names, some packed; train and test parts of a dataset share their labels."""
    for suite in RETENTION_SUITES:
        for dataset in describe_retention_suite(suite)[1]:
            write(tmp_path / f"{dataset.data}.jsonl.gz", rows(dataset.name))
            if dataset.test:
                write(tmp_path / f"{dataset.test}.jsonl", rows(dataset.name, 90)[60:])
    return tmp_path


def measure(model: Path, config: EvaluateConfig, task: Examples | None = None) -> Any:
    return evaluate_model(str(model), task=task, config=config, prompts=PromptConfig())


def suite(name: str, folder: Path, **more: Any) -> EvaluateConfig:
    return EvaluateConfig.model_validate({"retention": [{"suite": name, "data": str(folder), **more}]})


@pytest.mark.parametrize("name", RETENTION_SUITES)
def test_a_suite_is_measured_on_what_the_folder_holds(encoder: Path, folder: Path, name: str) -> None:
    """One line in the config gives one benchmark per dataset, with its ability, paired on the same items."""
    config = suite(name, folder, limit=30)
    base, again = measure(encoder, config), measure(encoder, config)
    _, datasets = describe_retention_suite(name)
    compared = compare_scores(base, again).tasks

    assert [(task.name, task.ability) for task in base.tasks] == [(one.name, one.ability) for one in datasets]
    assert [(task.n, task.delta) for task in compared] == [(30, 0.0)] * len(datasets)
    assert base.extras["warnings"] == []


def test_what_would_be_tested_is_known_without_a_model(encoder: Path, folder: Path) -> None:
    """A dry run names the datasets and rows that the run then measures, and what it leaves out."""
    config = suite("general", folder, limit=30)
    task = load_examples(rows("sst2", 90)[60:])
    scores = measure(encoder, config, task)
    counts, warnings = retention_items(config, task)
    measured = [row["task"] for row in scores.rows.to_pylist()]

    assert counts == {name: measured.count(name) for name in ("clinc150", "20news", "sms_spam")}
    assert warnings == scores.extras["warnings"] == ["evaluate.retention: 'sst2' holds the rows of the task: left out"]


def test_pairs_without_gold_scores_are_refused_before_a_model_is_loaded(tmp_path: Path) -> None:
    """A similarity dataset needs a second text and numbers."""
    write(tmp_path / "pairs.jsonl", rows("pairs"))
    entry = {"name": "pairs", "data": str(tmp_path / "pairs.jsonl"), "measure": "similarity"}

    with pytest.raises(DataError, match=r"'pairs' has no second text; set columns\.pair"):
        retention_items(EvaluateConfig.model_validate({"retention": [entry]}), None)


def test_absent_files_are_one_error_before_anything_is_tuned(folder: Path) -> None:
    """The error names every file that is missing, where it was looked for, and what to do."""
    (folder / "clinc150/train.jsonl.gz").unlink()
    (folder / "sms_spam/all.jsonl.gz").unlink()

    with pytest.raises(DataError) as found:
        require_measures(suite("general", folder), "label")
    assert str(found.value) == (
        f"evaluate.retention: suite 'general' does not find clinc150/train, sms_spam/all in {folder}; put each there "
        "as .jsonl, .csv or .parquet (also .gz) with columns such as text and label, or list only what you have: "
        "{name: NAME, data: FILE}"
    )
    with pytest.raises(DataError, match="which is no folder; put each there"):
        require_measures(suite("intents", folder / "nowhere"), "label")


def test_the_tasks_own_dataset_is_left_out_of_a_suite(encoder: Path, folder: Path) -> None:
    """Neither its held-out rows nor other rows with its labels can show what was retained; what is left out is said."""
    held = load_examples(rows("banking77")[:20])
    sisters = load_examples([{"text": f"new {row['text']}", "label": row["label"]} for row in rows("banking77")])
    same, alike = (measure(encoder, suite("intents", folder, limit=20), task) for task in (held, sisters))

    assert [task.name for task in same.tasks] == ["task", "clinc150", "snips"]
    assert same.extras["warnings"] == ["evaluate.retention: 'banking77' holds the rows of the task: left out"]
    assert [task.name for task in alike.tasks] == ["task", "clinc150", "snips"]
    assert alike.extras["warnings"] == ["evaluate.retention: 'banking77' has the labels of the task: left out"]


def test_the_tasks_own_dataset_is_measured_if_the_user_says_so(encoder: Path, folder: Path) -> None:
    """Who names a dataset gets it, with a warning."""
    data = str(folder / "snips/train.jsonl.gz")
    config = EvaluateConfig.model_validate({"retention": [{"name": "own", "data": data}]})
    found = measure(encoder, config, load_examples(rows("snips")))

    assert [task.name for task in found.tasks] == ["task", "own"]
    assert found.extras["warnings"] == [
        "evaluate.retention: 'own' holds the rows of the task: it says nothing about other abilities"
    ]


def test_numbers_as_labels_do_not_make_two_datasets_one(encoder: Path, folder: Path) -> None:
    """0 and 1 mean something else in every dataset."""
    for name in ("mine", "other"):
        numbered = [{"text": row["text"], "label": str(place % 2)} for place, row in enumerate(rows(name))]
        write(folder / f"{name}.jsonl", numbered)
    config = EvaluateConfig.model_validate({"retention": [{"name": "other", "data": str(folder / "other.jsonl")}]})

    assert measure(encoder, config, load_examples(str(folder / "mine.jsonl"))).extras["warnings"] == []


def test_suites_overlap_once_and_yield_to_the_user(folder: Path) -> None:
    """A dataset of two suites is measured once; the user's own entry of that name takes its place."""
    mine = {"name": "snips", "data": "mine.jsonl", "limit": 50}
    suites = [{"suite": name, "data": str(folder)} for name in RETENTION_SUITES]
    config = EvaluateConfig.model_validate({"retention": [mine, *suites]})
    found = [(entry.name, entry.limit) for entry in general_datasets(config.retention)]

    assert found == [
        ("clinc150", 1000), ("sst2", 1000), ("20news", 600), ("sms_spam", 1000), ("banking77", 1000), ("snips", 50),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"data": "x.jsonl"}, "name is missing"),
        ({"suite": "general", "data": "x", "name": "a", "measure": "neighbours"}, "name and measure cannot be set"),
        ({"suite": "unknown", "data": "x"}, "'none', 'general' or 'intents'"),
    ],
)
def test_an_entry_is_a_dataset_or_a_suite(entry: dict[str, Any], problem: str) -> None:
    """Half of each is a mistake, told when the recipe is read."""
    with pytest.raises(ValidationError, match=problem):
        Retention.model_validate(entry)


def test_a_suite_survives_being_written_out() -> None:
    """A recipe with every default filled in reads back as the same recipe."""
    entry = Retention(suite="general", data="labelled")

    assert Retention.model_validate(entry.model_dump(mode="json")) == entry


def test_the_command_line_lists_the_files_of_every_suite() -> None:
    """`--list-suites` says what a folder must hold."""
    from tunegate.cli import app
    from typer.testing import CliRunner

    lines = CliRunner().invoke(app, ["evaluate", "--list-suites"]).stdout.splitlines()

    assert "  snips            intents           700            probe   3.0 pt  snips/train snips/validation" in lines


def test_the_files_of_the_suites_are_real(shared_data: Path) -> None:
    """The public datasets, as a mirror holds them, fit the shipped definitions: columns, classes and enough rows."""
    folder = shared_data / "labelled"
    entries = [Retention(suite=name, data=str(folder)) for name in RETENTION_SUITES]
    found = {}
    for entry in general_datasets(entries):
        examples = load_examples(entry.test or entry.data, kind="label")
        found[entry.name] = len(set(examples.targets))
        assert len(examples) >= (entry.limit or 0)

    assert found == {"clinc150": 151, "sst2": 2, "20news": 20, "sms_spam": 2, "banking77": 77, "snips": 7}
