"""CPU time and memory of training: this trainer, transformers' Trainer and TRL's SFTTrainer on identical batches.

    python benchmarks/train_speed.py --data SHARED_DATA --rounds 3 --trl-python TRL_ENVIRONMENT/bin/python

A randomly initialised Llama (256 wide, 6 layers, untied) is trained on batches of 16 rows, clip 1, constant rate, the
same rows in the same order for every system, whose losses must agree. Systems: own; trainer (defaults: 8 × 2
accumulation); trainer-grouped (rows grouped by length, which makes other batches, of more rows: compare it per token;
bf16 where the processor has it: the strong baseline); trl (its defaults: bf16, activation checkpointing) and trl-fp32.
Each run is a process of its own with one thread; rounds interleave the systems. Runs that are already in
benchmarks/results/train_speed.json are not repeated; the table goes into docs/training.md.
"""

from __future__ import annotations

import argparse
import copy
import gzip
import json
import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from train_tables import speed_lines, write_tables

RESULTS = Path(__file__).parent / "results" / "train_speed.json"
BATCH, RATE, LIMIT, END = 16, 5e-4, 1024, 50256
CASES = {"mix": 50257, "bank": 50257, "small": 512}
"""Vocabulary of each case: mix and small are dolly with gsm8k, bank is banking77 as short text."""
STEPS = {"mix": 2, "bank": 6, "small": 4}
"""Steps of a run. The first warms up and is not timed; this trainer, which keeps the memory that a step frees, takes
two untimed steps of a copy before, so that what is timed is what the hundredth step costs."""
GROUPED_STEPS = 8
"""Steps of a run grouped by length, all of them timed: grouping needs a choice of rows and takes the longest first."""
SYSTEMS = ("own", "trainer", "trainer-grouped", "trl", "trl-fp32")
KEY = ("case", "system", "round")


def read_pairs(data: Path, case: str) -> list[tuple[str, str]]:
    """Prompts and answers."""

    def rows(name: str) -> list[dict[str, str]]:
        return [json.loads(line) for line in gzip.open(data / name, "rt")]

    generator = random.Random(0)
    if case == "bank":
        pairs = [(f"Text: {row['text']}\nIntent: ", row["label"]) for row in rows("labelled/banking77/train.jsonl.gz")]
        generator.shuffle(pairs)
        return pairs
    dolly = [
        (f"### Instruction:\n{row['instruction']}\n{row.get('input', '')}\n### Response:\n", row["output"])
        for row in rows("instruct/dolly_3k/train.jsonl.gz")
    ]
    sums = [(f"Question: {row['question']}\nAnswer: ", row["answer"]) for row in rows("instruct/gsm8k/train.jsonl.gz")]
    pairs = generator.sample(dolly, 1000) + generator.sample(sums, 1000)
    generator.shuffle(pairs)
    return pairs


def encode(data: Path, case: str, count: int) -> list[dict[str, list[int]]]:
    """`count` rows of token ids and labels (−100 in the prompt)."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(data / "tokenizers/gpt2/tokenizer.json"))
    vocabulary, rows = CASES[case], []
    for prompt, answer in read_pairs(data, case):
        start = tokenizer.encode(prompt).ids
        ids = [token % vocabulary for token in [*start, *tokenizer.encode(answer).ids, END]][:LIMIT]
        if len(start) < len(ids):
            rows.append({"input_ids": ids, "labels": [-100] * len(start) + ids[len(start) :]})
        if len(rows) == count:
            return rows
    raise SystemExit(f"only {len(rows)} rows for {count}")


def make_model(case: str) -> Any:
    """The same random weights for every system."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=CASES[case],
            hidden_size=256,
            intermediate_size=704,
            num_hidden_layers=6,
            num_attention_heads=4,
            max_position_embeddings=2048,
            tie_word_embeddings=False,
            pad_token_id=None,
            bos_token_id=None,
            eos_token_id=None,
        )
    )


def run_own(model: Any, rows: list[dict[str, list[int]]]) -> tuple[float, list[float]]:
    """This trainer's steps; returns CPU seconds and losses."""
    from tunegate.train import TrainConfig
    from tunegate.train.allocator import freed_memory_kept
    from tunegate.train.device import find_place
    from tunegate.train.encoding import Row
    from tunegate.train.estimate import MICRO_TOKENS
    from tunegate.train.objective import CausalObjective
    from tunegate.train.optimiser import make_optimiser
    from tunegate.train.step import Session, train_step
    from tunegate.train.varlen import use_varlen

    config = TrainConfig(device="cpu", weight_decay=0.0)
    use_varlen(model)
    session = Session(
        network=model,
        objective=CausalObjective(layout="varlen", pad=0, is_linear=True),
        optimiser=make_optimiser(model, config, rate=RATE, head_rate=RATE, head_names=()),
        place=find_place(config),
        micro_tokens=MICRO_TOKENS,
        clip=1.0,
        trained=list(model.parameters()),
    )
    start = 0.0
    made = [
        Row(ids=np.array(row["input_ids"], np.int32), supervised=np.array(row["labels"]) != -100, origin=str(n))
        for n, row in enumerate(rows)
    ]
    losses = []
    with freed_memory_kept(session.place.device):
        spare = copy.deepcopy(session)
        spare.trained = list(spare.network.parameters())
        for _ in range(2):
            train_step(spare, made[BATCH : 2 * BATCH], step=0)
        del spare
        for first in range(0, len(made), BATCH):
            losses.append(train_step(session, made[first : first + BATCH], step=0).loss)
            start = start if first else time.process_time()
    return time.process_time() - start, losses


def run_transformers(
    model: Any, rows: list[dict[str, list[int]]], system: str, data: Path
) -> tuple[float, list[float]]:
    """Trainer's or SFTTrainer's steps; returns CPU seconds and logged losses."""
    from transformers import TrainerCallback

    losses: list[float] = []
    start = 0.0

    class Clock(TrainerCallback):
        def on_step_end(self, _args: Any, state: Any, _control: Any, **_more: Any) -> None:
            nonlocal start
            if state.global_step == 1 and system != "trainer-grouped":
                start = time.process_time()

        def on_log(self, _args: Any, _state: Any, _control: Any, logs: Any = None, **_more: Any) -> None:
            losses.extend([logs["loss"]] if "loss" in logs else [])

    trainer = (make_sft_trainer if system.startswith("trl") else make_trainer)(model, rows, system, data)
    trainer.add_callback(Clock())
    start = time.process_time()
    trainer.train()
    return time.process_time() - start, losses


def settings(rows: list[dict[str, list[int]]]) -> dict[str, Any]:
    """What both trainers are told: the same batches, and nothing but training."""
    return {
        "output_dir": tempfile.mkdtemp(),
        "per_device_train_batch_size": 8,
        "gradient_accumulation_steps": BATCH // 8,
        "max_steps": len(rows) // BATCH,
        "learning_rate": RATE,
        "lr_scheduler_type": "constant",
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "use_cpu": True,
        "disable_tqdm": True,
        "train_sampling_strategy": "sequential",
    }


def make_trainer(model: Any, rows: list[dict[str, list[int]]], system: str, _data: Path) -> Any:
    """Plain Trainer, or the strong baseline."""
    from datasets import Dataset
    from transformers import Trainer, TrainingArguments

    wanted = settings(rows)
    if system == "trainer-grouped":
        wanted |= {"train_sampling_strategy": "group_by_length", "bf16": torch.cpu._is_amx_tile_supported()}
    arguments = TrainingArguments(**wanted, remove_unused_columns=False)
    return Trainer(model, args=arguments, train_dataset=Dataset.from_list(rows), data_collator=pad)


def make_sft_trainer(model: Any, rows: list[dict[str, list[int]]], system: str, data: Path) -> Any:
    """TRL's SFTTrainer as it comes, or in float32 without checkpointing."""
    from datasets import Dataset
    from transformers import PreTrainedTokenizerFast
    from trl import SFTConfig, SFTTrainer

    wanted = settings(rows)
    if system == "trl-fp32":
        wanted |= {"bf16": False, "gradient_checkpointing": False}
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(data / "tokenizers/gpt2/tokenizer.json"))
    end = tokenizer.convert_ids_to_tokens(END % model.config.vocab_size)
    tokenizer.add_special_tokens({"eos_token": end, "pad_token": end})
    return SFTTrainer(
        model, args=SFTConfig(**wanted), train_dataset=Dataset.from_list(rows), processing_class=tokenizer
    )


def pad(rows: list[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
    """Rows padded to the longest."""
    length = max(len(row["input_ids"]) for row in rows)
    fill = {"input_ids": 0, "labels": -100}
    batch = {
        name: torch.tensor([row[name] + [filler] * (length - len(row[name])) for row in rows])
        for name, filler in fill.items()
    }
    mask = torch.tensor([[1] * len(row["input_ids"]) + [0] * (length - len(row["input_ids"])) for row in rows])
    return {**batch, "attention_mask": mask}


def measure(data: Path, case: str, system: str) -> dict[str, Any]:
    """One system on one case, in this process."""
    torch.set_num_threads(1)
    steps = GROUPED_STEPS if system == "trainer-grouped" else STEPS[case]
    rows = encode(data, case, steps * BATCH)
    model = make_model(case)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds, losses = run_own(model, rows) if system == "own" else run_transformers(model, rows, system, data)
    rows = rows if system == "trainer-grouped" else rows[BATCH:]
    tokens = sum(len(row["input_ids"]) for row in rows)
    supervised = sum(label != -100 for row in rows for label in row["labels"])
    return {
        "case": case,
        "system": system,
        "examples": len(rows),
        "cpu_ms_per_example": round(1e3 * seconds / len(rows), 2),
        "cpu_us_per_token": round(1e6 * seconds / tokens, 1),
        "cpu_us_per_supervised_token": round(1e6 * seconds / supervised, 1),
        "peak_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        "gib_before_training": round(before / 2**20, 2),
        "losses": [round(loss, 4) for loss in losses],
        "torch": torch.__version__,
        "processor": platform.processor() or platform.machine(),
        "bf16_in_hardware": bool(torch.cpu._is_amx_tile_supported()),
    }


def summarise(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Per case and system: medians over the rounds, and how many times this trainer's time and memory they are."""
    found = []
    for case in CASES:
        own = [run for run in runs if (run["case"], run["system"]) == (case, "own")]
        for system in SYSTEMS:
            group = [run for run in runs if (run["case"], run["system"]) == (case, system)]
            if not group or not own:
                continue
            times = [run["cpu_ms_per_example"] for run in group]
            line = {
                "case": case,
                "system": system,
                "rounds": len(group),
                "lowest_ms_per_example": min(times),
                "highest_ms_per_example": max(times),
            }
            for name in ("cpu_ms_per_example", "cpu_us_per_token", "cpu_us_per_supervised_token", "peak_gib"):
                line[name] = statistics.median(run[name] for run in group)
                line[f"{name}_over_own"] = round(line[name] / statistics.median(run[name] for run in own), 2)
            found.append(line)
    return found


def main() -> None:
    """Measure what is not yet on record, each run in a process of its own, the systems in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trl-python", type=Path, default=Path(sys.executable), help="interpreter that has trl")
    parser.add_argument("--here", action="store_true", help="measure one case and system in this process; print it")
    arguments = parser.parse_args()
    if arguments.here:
        print(json.dumps(measure(arguments.data, arguments.cases[0], arguments.systems[0])))
        return
    for number, case, system in product(range(arguments.rounds), arguments.cases, arguments.systems):
        if (case, system, number) not in {tuple(run[name] for name in KEY) for run in read_runs()}:
            python = arguments.trl_python if system.startswith("trl") else Path(sys.executable)
            asked = ["--data", str(arguments.data), "--cases", case, "--systems", system, "--here"]
            printed = subprocess.run([str(python), __file__, *asked], check=True, stdout=subprocess.PIPE, text=True)
            record({"round": number, **json.loads(printed.stdout.splitlines()[-1])})


def read_runs() -> list[dict[str, Any]]:
    """What is on record."""
    return json.loads(RESULTS.read_text())["runs"] if RESULTS.is_file() else []


def record(run: dict[str, Any]) -> None:
    """Add a run to what is on record now, which another process may have added to meanwhile."""
    runs = sorted([*read_runs(), run], key=lambda one: [one[name] for name in KEY])
    RESULTS.write_text(json.dumps({"summary": summarise(runs), "runs": runs}, indent=2) + "\n")
    write_tables(Path(__file__).name, list(speed_lines(runs)))
    print(json.dumps(run), flush=True)


if __name__ == "__main__":
    main()
