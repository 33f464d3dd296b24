"""What is measured is lm-eval's: the same documents, prompts, hashes and numbers; and its traps stay shut."""

from __future__ import annotations

import gc
import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tunegate.core.collector import collector_at_rest
from tunegate.core.errors import DataError
from tunegate.core.models import load_causal, load_tokenizer
from tunegate.core.prompts import PromptConfig
from tunegate.evaluate import Benchmark, EvaluateConfig, benchmark_items, evaluate_model
from tunegate.evaluate.benchmarks import locate
from tunegate.evaluate.benchmarks.lmeval import chosen_documents, narrow
from tunegate.evaluate.benchmarks.locate import find_leaves
from tunegate.evaluate.benchmarks.scored import open_benchmarks

TASKS = ["blimp_adjunct_island", "lambada_openai", "copa", "truthfulqa_mc2"]


def reference(model: Path, tasks: list[str], items: dict[str, list[int]], mirror: Path, **options: Any) -> Any:
    """lm-eval's own evaluation with its own Hugging Face adapter and its own reading of the data files."""
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    index = json.loads((mirror / "index.json").read_text())
    paths = {str(leaf.path.parent) for task in tasks for _, leaves in find_leaves(task) for leaf in leaves if leaf.path}
    members = [
        {
            "task": task,
            "dataset_path": "json",
            "dataset_name": None,
            "dataset_kwargs": {
                "data_files": {split: str(mirror / file) for split, file in index[task]["data_files"].items()}
            },
            **dict.fromkeys(index[task].get("null_splits", [])),
        }
        for task in tasks
    ]
    return simple_evaluate(
        model=HFLM(pretrained=load_causal(model), tokenizer=load_tokenizer(model), batch_size=16),
        tasks=[{"group": "all", "task": members}],
        task_manager=TaskManager(include_path=sorted(paths), include_defaults=False),
        samples=items,
        bootstrap_iters=0,
        **options,
    )


def compare_with_lm_eval(model: Path, tasks: list[str], mirror: Path, limit: int, **options: Any) -> int:
    """Assert equality item by item; the number of values compared."""
    config = EvaluateConfig(
        benchmarks=tuple(Benchmark(task=task, **options) for task in tasks), mirror=str(mirror), limit=limit
    )
    scores = evaluate_model(str(model), task=None, config=config, prompts=PromptConfig())
    items = {one.name: list(one.parts[0].items) for one in open_benchmarks(config, seed=0)}
    found = {
        (row["task"], row["metric"], row["doc_hash"], row["target_hash"], row["prompt_hash"], row["occurrence"]): row
        for row in scores.rows.to_pylist()
    }
    compared = 0
    for task, samples in reference(model, tasks, items, mirror, **options)["samples"].items():
        seen: dict[Any, int] = {}
        for sample in samples:
            for metric in sample["metrics"]:
                if metric == "perplexity":
                    continue
                key = (task, metric, sample["doc_hash"], sample["target_hash"], sample["prompt_hash"])
                seen[key] = seen.get(key, -1) + 1
                row = found[(*key, seen[key])]
                assert row["value"] == pytest.approx(float(sample[metric]), abs=1e-4)
                likelihoods = [float(answer[0][0]) for answer in sample["resps"]]
                assert row["logprobs"] == pytest.approx(likelihoods, abs=2e-3)
                compared += 1
    return compared


@pytest.mark.filterwarnings("ignore")
def test_every_item_scores_as_in_lm_eval(shared_data: Path) -> None:
    """On a real model: same documents, prompts, targets, log-likelihoods and metrics as lm-eval's own run."""
    model = shared_data / "models" / "stories260K"

    assert compare_with_lm_eval(model, TASKS, shared_data / "benchmarks", 12) == 12 * len(TASKS)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_many_items_score_as_in_lm_eval(shared_data: Path, quickstart_base: Path) -> None:
    """The same on hundreds of items and two real models."""
    for model in (shared_data / "models" / "stories260K", quickstart_base):
        mirror = shared_data / "benchmarks"
        blimp = ["blimp_adjunct_island", "blimp_determiner_noun_agreement_1"]
        assert compare_with_lm_eval(model, blimp, mirror, 300) == 600
        assert compare_with_lm_eval(model, ["hellaswag"], mirror, 100) == 200
        assert compare_with_lm_eval(model, ["winogrande", "piqa", "boolq"], mirror, 20) == 80


@pytest.mark.filterwarnings("ignore")
def test_solved_examples_are_those_of_lm_eval(shared_data: Path) -> None:
    """Few-shot draws depend on the order of items; seed and item list are the same as lm-eval's, so prompts are."""
    model = shared_data / "models" / "stories260K"

    assert (
        compare_with_lm_eval(model, ["openbookqa", "mmlu_anatomy"], shared_data / "benchmarks", 6, num_fewshot=2) == 18
    )


def write_task(folder: Path, rows: list[dict[str, Any]], name: str = "colours") -> Path:
    """A multiple-choice task of one's own, its data beside it."""
    (folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    path = folder / f"{name}.yaml"
    path.write_text(
        f"task: {name}\ndataset_path: json\ndataset_kwargs: {{data_files: {{test: items.jsonl}}}}\ntest_split: test\n"
        "output_type: multiple_choice\ndoc_to_text: question\ndoc_to_choice: choices\ndoc_to_target: gold\n"
        "target_delimiter: ''\nmetric_list:\n  - {metric: acc, aggregation: mean, higher_is_better: true}\n"
        "metadata: {version: 1}\n"
    )
    return path


ROWS = [
    {"question": f"The sky {n} is", "choices": [" blue", " red"], "gold": n % 2, "subject": "ab"[n % 2]}
    for n in range(20)
]


def test_a_changed_data_file_is_seen_at_once(tmp_path: Path, quickstart_base: Path) -> None:
    """lm-eval's request cache scored old prompts against new documents; here nothing is remembered but answers."""
    config = EvaluateConfig(benchmarks=(str(write_task(tmp_path, ROWS)),))
    first = evaluate_model(str(quickstart_base), task=None, config=config, prompts=PromptConfig(), cache=tmp_path / "c")
    write_task(tmp_path, [{**row, "question": "Now " + str(row["question"])} for row in ROWS])
    second = evaluate_model(
        str(quickstart_base), task=None, config=config, prompts=PromptConfig(), cache=tmp_path / "c"
    )

    assert set(first.rows["doc_hash"].to_pylist()).isdisjoint(second.rows["doc_hash"].to_pylist())
    assert second.extras["requests_asked"] == 40


def test_items_are_never_the_first_n_and_spread_over_subjects(tmp_path: Path) -> None:
    """A limit draws with the seed, equally from subjects of equal size, and the draw is the same every time."""
    config = EvaluateConfig(benchmarks=(str(write_task(tmp_path, ROWS)),), limit=6)
    (one,) = open_benchmarks(config, seed=1)
    (again,) = open_benchmarks(config, seed=1)
    (other,) = open_benchmarks(config, seed=2)

    assert one.parts[0].items == again.parts[0].items != other.parts[0].items
    assert sorted(one.parts[0].subjects.values()) == ["a"] * 3 + ["b"] * 3
    assert one.parts[0].items != tuple(range(6))


@pytest.mark.parametrize("items", [[], [3, 1], [1, 1]])
def test_item_lists_that_lm_eval_would_misread_are_refused(items: list[int], tmp_path: Path) -> None:
    """An empty list means all items to lm-eval, an unsorted one gives items the wrong names."""
    (one,) = open_benchmarks(EvaluateConfig(benchmarks=(str(write_task(tmp_path, ROWS)),)), seed=0)

    with pytest.raises(ValueError, match="ascending and not empty"):
        narrow(one.parts[0].task, items)


@pytest.mark.parametrize("shots", [0, 3])
def test_a_share_is_the_beginning_of_the_whole_and_asks_nothing_twice(
    tmp_path: Path, quickstart_base: Path, shots: int
) -> None:
    """Solved examples are drawn item by item; measuring fewer items does not change what the first ones read."""
    entry = Benchmark(task=str(write_task(tmp_path, ROWS)), num_fewshot=shots)
    config = EvaluateConfig(benchmarks=(entry,), limit=12, blocks=2)

    def measure(share: float | None, cache: str) -> Any:
        return evaluate_model(
            str(quickstart_base), task=None, config=config, prompts=PromptConfig(), cache=tmp_path / cache, share=share
        )

    half, whole, apart = measure(0.5, "c"), measure(1.0, "c"), measure(None, "d")
    rows = [side.rows.select(["doc_hash", "prompt_hash", "value"]).to_pylist() for side in (half, whole)]

    assert (len(rows[0]), len(rows[1])) == (6, 12)
    assert all(row in rows[1] for row in rows[0])
    assert (half.extras["requests_asked"], whole.extras["requests_asked"]) == (12, 12)
    assert whole.rows.drop_columns("logprobs").equals(apart.rows.drop_columns("logprobs"))  # but for rounding
    assert half.settings["share"] == 0.5
    assert "share" not in apart.settings


def test_items_for_curation_are_the_items_that_are_scored(tmp_path: Path, quickstart_base: Path) -> None:
    """Leakage is searched against the very items of the gate, under the same hashes, without loading a model."""
    config = EvaluateConfig(benchmarks=(str(write_task(tmp_path, ROWS)),), limit=7)
    items = benchmark_items(config, seed=3)
    marked = [{"task": "colours", "doc_hash": items[0].doc_hash}]
    scores = evaluate_model(
        str(quickstart_base), task=None, config=config, prompts=PromptConfig(), seed=3, contaminated=marked
    )

    assert [item.doc_hash for item in items] == scores.rows["doc_hash"].to_pylist()
    assert items[0].question.startswith("The sky")
    assert items[0].answer in (" blue", " red")
    assert scores.rows["contaminated"].to_pylist() == [True] + [False] * 6


def test_a_definition_with_zero_solved_examples_keeps_zero(shared_data: Path) -> None:
    """lm-eval's rule, which makes published BLiMP numbers what they are."""
    config = EvaluateConfig(
        benchmarks=(Benchmark(task="blimp_adjunct_island", num_fewshot=3),), mirror=str(shared_data / "benchmarks")
    )
    (one,) = open_benchmarks(config, seed=0)

    assert one.parts[0].task.config.num_fewshot == 0


def test_a_group_with_a_score_of_its_own_is_one_benchmark(shared_data: Path) -> None:
    """BLiMP is one benchmark with 67 subjects, drawn from equally."""
    config = EvaluateConfig(benchmarks=("blimp",), mirror=str(shared_data / "benchmarks"), limit=134)
    (one,) = open_benchmarks(config, seed=0)

    assert (one.name, len(one.parts)) == ("blimp", 67)
    assert {len(part.items) for part in one.parts} == {2}


def test_a_tag_is_as_many_benchmarks_as_carry_it() -> None:
    """`ai2_arc` marks two tasks, one of which carries the tag only through what it includes."""
    assert [name for name, _ in find_leaves("ai2_arc")] == ["arc_challenge", "arc_easy"]


@pytest.mark.filterwarnings("ignore")
def test_a_definitions_version_is_the_same_in_every_process(shared_data: Path) -> None:
    """A definition with Python functions in it is known by their names, not by where they lie in memory."""
    code = (
        "import sys; from tunegate.evaluate import EvaluateConfig, evaluate_model as e; "
        "from tunegate.core.prompts import PromptConfig; "
        "c = EvaluateConfig(benchmarks=('copa',), mirror=sys.argv[2], limit=4); "
        "print(e(sys.argv[1], task=None, config=c, prompts=PromptConfig()).tasks[0].version)"
    )
    model, mirror = shared_data / "models" / "stories260K", shared_data / "benchmarks"
    command = [sys.executable, "-c", code, str(model), str(mirror)]
    versions = {subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(1)}
    config = EvaluateConfig(benchmarks=("copa",), mirror=str(mirror), limit=4)
    here = evaluate_model(str(model), task=None, config=config, prompts=PromptConfig()).tasks[0].version

    assert versions == {here + "\n"}


def test_a_file_of_the_same_name_is_what_a_search_of_all_files_finds() -> None:
    """Looking into a task's namesake first is quicker, and never another definition."""
    defined = locate._defining_files()
    quick = {name: locate._namesake(name) for name in defined}

    assert {name: path for name, path in quick.items() if path} == {n: p for n, p in defined.items() if quick[n]}
    assert {"hellaswag", "mmlu", "blimp", "arc_easy", "gsm8k"} <= {name for name, path in quick.items() if path}


def test_documents_are_processed_once(tmp_path: Path) -> None:
    """lm-eval looks at a split several times; ten thousand documents are not processed at each look."""
    path = write_task(tmp_path, ROWS)
    path.write_text(path.read_text() + "process_docs: !function counted.process\n")
    (tmp_path / "counted.py").write_text(
        "calls = []\n\n"
        "def process(split):\n    calls.append(len(split))\n    return split.map(lambda doc: {'more': 1})\n"
    )
    (one,) = open_benchmarks(EvaluateConfig(benchmarks=(str(path),), limit=6), seed=0)
    module = next(module for name, module in sys.modules.items() if name.endswith("/counted"))

    assert module.calls == [20]
    assert {doc["more"] for doc in chosen_documents(one.parts[0].task, one.parts[0].items)} == {1}


def test_a_function_that_leaves_no_document_is_named(tmp_path: Path) -> None:
    """And so is the benchmark."""
    path = write_task(tmp_path, ROWS)
    path.write_text(path.read_text() + "process_docs: !function none.process\n")
    (tmp_path / "none.py").write_text("def process(split):\n    return split.select([])\n")

    with pytest.raises(DataError, match=r"benchmark 'colours': its process_docs leaves none of 20 documents"):
        open_benchmarks(EvaluateConfig(benchmarks=(str(path),)), seed=0)


def test_a_key_set_twice_in_a_definition_is_refused(tmp_path: Path) -> None:
    """Its first value would be dropped without a word."""
    path = write_task(tmp_path, ROWS)
    path.write_text(path.read_text() + "doc_to_text: other\n")

    with pytest.raises(DataError, match=r"colours\.yaml:13: 'doc_to_text' is set twice, first in line 6"):
        open_benchmarks(EvaluateConfig(benchmarks=(str(path),)), seed=0)


def test_the_collector_is_left_as_it_was() -> None:
    """It is off while things are loaded, even when that fails, and stays off for whoever had it off."""
    with pytest.raises(DataError), collector_at_rest():
        require_off()
    assert gc.isenabled()
    gc.disable()
    try:
        with collector_at_rest():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def require_off() -> None:
    assert not gc.isenabled()
    raise DataError("cannot be loaded")


def test_an_unknown_benchmark_is_named(quickstart_base: Path) -> None:
    """A typing mistake is the user's to mend: the message names it."""
    config = EvaluateConfig(benchmarks=("helaswag",))

    with pytest.raises(DataError, match="'helaswag': lm-eval knows no such task or group"):
        evaluate_model(str(quickstart_base), task=None, config=config, prompts=PromptConfig())


def test_a_benchmark_named_twice_is_refused(shared_data: Path) -> None:
    """A group and its member would count the same items twice."""
    config = EvaluateConfig(benchmarks=("ai2_arc", "arc_easy"), mirror=str(shared_data / "benchmarks"))

    with pytest.raises(DataError, match="arc_easy is named twice"):
        open_benchmarks(config, seed=0)


def test_a_missing_data_file_is_named(tmp_path: Path) -> None:
    """The message says which file is missing, and where it was looked for."""
    path = write_task(tmp_path, ROWS)
    (tmp_path / "items.jsonl").unlink()

    with pytest.raises(DataError, match=r"benchmark 'colours': items.jsonl: no such data file"):
        open_benchmarks(EvaluateConfig(benchmarks=(str(path),)), seed=0)


def test_a_broken_mirror_file_is_named(tmp_path: Path) -> None:
    """Half a file is no data: the message names it."""
    (tmp_path / "index.json").write_text(
        '{"copa": {"data_files": {"validation": "copa.jsonl.gz"}, "null_splits": ["training_split"]}}'
    )
    (tmp_path / "copa.jsonl.gz").write_bytes(gzip.compress(b'{"premise": "a"')[:-3])

    with pytest.raises(DataError, match=r"copa.jsonl.gz: a damaged archive"):
        open_benchmarks(EvaluateConfig(benchmarks=("copa",), mirror=str(tmp_path)), seed=0)
