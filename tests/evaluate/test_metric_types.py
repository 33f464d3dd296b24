"""Every kind of task and metric, from a definition of one's own: the same items and the same numbers as in lm-eval."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import yaml
from tunegate.core.errors import ModelError
from tunegate.core.models import load_causal, load_tokenizer
from tunegate.core.prompts import PromptConfig
from tunegate.evaluate import Benchmark, EvaluateConfig, evaluate_model
from tunegate.evaluate.benchmarks.lmeval import build_requests, item_results
from tunegate.evaluate.benchmarks.rows import number
from tunegate.evaluate.benchmarks.scored import open_benchmarks

ROWS = [
    {
        "question": f"The {colour} {animal} number {n} is",
        "choices": [" small", " very large", f" {colour}", " not here"],
        "gold": n % 4,
        "answer": f"{n % 3}",
    }
    for n, (colour, animal) in enumerate(
        (colour, animal) for colour in ("red", "blue", "green") for animal in ("cat", "dog", "bird")
    )
]
CHOICES = {"output_type": "multiple_choice", "doc_to_text": "{{question}}", "doc_to_choice": "choices"}
KINDS: dict[str, dict[str, Any]] = {
    "choices": {
        **CHOICES,
        "doc_to_target": "gold",
        "metric_list": [{"metric": name} for name in ("acc", "acc_norm", "acc_mutual_info", "brier_score", "mcc")],
    },
    "solved examples": {
        **CHOICES,
        "doc_to_target": "gold",
        "fewshot_split": "test",
        "num_fewshot": 2,
        "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}],
    },
    "last words": {
        "output_type": "loglikelihood",
        "doc_to_text": "{{question}}",
        "doc_to_target": "{{choices[gold]}}",
        "metric_list": [{"metric": "perplexity"}, {"metric": "acc"}],
    },
    "whole texts": {
        "output_type": "loglikelihood_rolling",
        "doc_to_text": "",
        "doc_to_target": "{{question}} {{choices|join}}",
        "metric_list": [{"metric": name} for name in ("bits_per_byte", "byte_perplexity", "word_perplexity")],
    },
    "written": {
        "output_type": "generate_until",
        "doc_to_text": "{{question}}",
        "doc_to_target": "answer",
        "generation_kwargs": {"until": ["\n", "cat"], "do_sample": False, "max_gen_toks": 12},
        "filter_list": [
            {"name": "first", "filter": [{"function": "take_first"}]},
            {
                "name": "digit",
                "filter": [{"function": "regex", "regex_pattern": "([0-9])"}, {"function": "take_first"}],
            },
        ],
        "metric_list": [{"metric": "exact_match", "ignore_case": True}],
    },
}
TEMPLATE = (
    "{% for m in messages %}<{{ m.role }}> {{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant> {% endif %}"
)
VALUES = {"choices": 4, "solved examples": 2, "last words": 2, "whole texts": 1, "written": 2}
"""Numbers of one item; mcc, and perplexities of whole texts, exist for all items together only."""
CASES = [(kind, False) for kind in KINDS] + [(kind, True) for kind in ("solved examples", "written")]


def write_task(folder: Path, kind: str) -> Path:
    (folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    place = {"dataset_path": "json", "dataset_kwargs": {"data_files": {"test": str(folder / "items.jsonl")}}}
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({"task": "mine", "test_split": "test", **place, **KINDS[kind]}))
    return path


def theirs(model: Path, folder: Path, templated: bool) -> list[dict[str, Any]]:
    """lm-eval's own samples with its own adapter."""
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    found = simple_evaluate(
        model=HFLM(pretrained=load_causal(model), tokenizer=load_tokenizer(model), batch_size=4),
        tasks=["mine"],
        task_manager=TaskManager(include_path=str(folder), include_defaults=False),
        apply_chat_template=templated,
        bootstrap_iters=0,
    )
    samples: list[dict[str, Any]] = found["samples"]["mine"]
    return samples


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("kind", "templated"), CASES)
def test_every_metric_of_every_item_is_lm_evals(
    kind: str, templated: bool, quickstart_base: Path, tmp_path: Path
) -> None:
    """Same documents, prompts (in the chat template too), targets, filters, and the number of each metric."""
    path, model = write_task(tmp_path, kind), copytree(quickstart_base, tmp_path / "model")
    (model / "chat_template.jinja").write_text(TEMPLATE)
    config = EvaluateConfig(benchmarks=(str(path),), limit=None, apply_chat_template=templated)
    scores = evaluate_model(str(model), task=None, config=config, prompts=PromptConfig())
    rows = {(row["doc_hash"], row["filter"], row["metric"]): row for row in scores.rows.to_pylist()}
    samples = theirs(model, tmp_path, templated)
    first, compared = samples[0]["filter"], 0

    for sample in samples:
        for metric in sample["metrics"]:
            expected = number(metric, sample[metric])
            if expected is None:
                continue  # exists for the whole corpus only
            name = metric if sample["filter"] == first else f"{metric},{sample['filter']}"
            row = rows[sample["doc_hash"], sample["filter"], name]
            assert (row["prompt_hash"], row["target_hash"]) == (sample["prompt_hash"], sample["target_hash"])
            assert (row["value"], row["weight"]) == pytest.approx(expected, abs=1e-4)
            compared += 1
    assert compared == len(ROWS) * VALUES[kind]


@pytest.mark.parametrize("drawn", [True, False])
def test_several_texts_of_one_item_are_drawn_and_filtered(drawn: bool, tmp_path: Path) -> None:
    """Self-consistency: as many requests as the task repeats, if they are drawn; its filters see all of them."""
    path = write_task(tmp_path, "written")
    filters = [{"function": "majority_vote"}, {"function": "take_first"}]
    options = {"until": ["\n"], "do_sample": drawn, "temperature": 0.7}
    content = yaml.safe_load(path.read_text()) | {"repeats": 5, "generation_kwargs": options}
    path.write_text(yaml.safe_dump({**content, "filter_list": [{"name": "maj@5", "filter": filters}]}))
    (one,) = open_benchmarks(EvaluateConfig(benchmarks=(str(path),)), seed=0)
    (part,) = one.parts
    pairs = build_requests(part.task, part.items)
    texts = {0: "2", 1: "1", 2: "0", 3: "1", 4: "3"}
    results = item_results(part.task, part.items, [(instance, texts[request.draw]) for instance, request in pairs])

    assert len({request.key for _, request in pairs}) == len(pairs) == len(ROWS) * (5 if drawn else 1)
    assert [result.response for result in results] == ["1" if drawn else "2"] * len(ROWS)
    assert [result.metrics["exact_match"] for result in results] == [
        row["answer"] == results[0].response for row in ROWS
    ]


def test_a_chat_template_that_is_not_there_is_missed_at_once(quickstart_base: Path, tmp_path: Path) -> None:
    """The message says which setting asks for it."""
    config = EvaluateConfig(benchmarks=(str(write_task(tmp_path, "choices")),), apply_chat_template=True)

    with pytest.raises(ModelError, match=r"no chat template; set evaluate\.apply_chat_template: false"):
        evaluate_model(str(quickstart_base), task=None, config=config, prompts=PromptConfig())


@pytest.mark.filterwarnings("ignore")
def test_a_definition_in_the_config_is_the_file_that_it_would_be(quickstart_base: Path, tmp_path: Path) -> None:
    """Inline, or in a YAML file beside its data: the same items and numbers."""
    path = write_task(tmp_path, "choices")
    inline = Benchmark(task="mine", definition=yaml.safe_load(path.read_text()))
    both = [
        evaluate_model(
            str(quickstart_base), task=None, config=EvaluateConfig(benchmarks=(entry,)), prompts=PromptConfig()
        )
        for entry in (str(path), inline)
    ]

    assert both[0].rows.equals(both[1].rows)


@pytest.mark.filterwarnings("ignore")
def test_a_folder_that_datasets_saved_serves_a_task(quickstart_base: Path, tmp_path: Path) -> None:
    """A mirror's entry may point at such a folder in place of files."""
    from datasets import Dataset, DatasetDict

    path = write_task(tmp_path, "choices")
    DatasetDict({"test": Dataset.from_list(ROWS)}).save_to_disk(str(tmp_path / "saved"))
    (tmp_path / "index.json").write_text(json.dumps({"mine": {"folder": "saved"}}))
    both = [
        evaluate_model(
            str(quickstart_base),
            task=None,
            config=EvaluateConfig(benchmarks=(str(path),), mirror=mirror),
            prompts=PromptConfig(),
        )
        for mirror in (None, str(tmp_path))
    ]

    assert both[0].rows.equals(both[1].rows)
