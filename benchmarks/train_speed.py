"""CPU time of training one example: this trainer, transformers' Trainer and TRL's SFTTrainer on identical batches.

    python benchmarks/train_speed.py --data SHARED_DATA --case mix --system own --steps 5

A randomly initialised Llama (256 wide, 6 layers, untied) is trained on batches of 16 rows, clip 1, constant rate, the
same rows in the same order for every system, whose losses must agree. TRL needs an environment of its own that has it.
Systems: own; trainer (defaults: 8 × 2 accumulation); trainer-grouped (rows grouped by length, bf16 where the processor
has it: the strong baseline); trl (its defaults: bf16, activation checkpointing) and trl-fp32. Run one system per
process; results are merged into benchmarks/results/train_speed.json.
"""

from __future__ import annotations

import argparse
import gzip
import json
import platform
import random
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

RESULTS = Path(__file__).parent / "results" / "train_speed.json"
BATCH, RATE, LIMIT, END = 16, 5e-4, 1024, 50256
CASES = {"mix": 50257, "bank": 50257, "small": 512}
"""Vocabulary of each case: mix and small are dolly with gsm8k, bank is banking77 as short text."""


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
    from tunegate.train.device import find_place
    from tunegate.train.encoding import Row
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
        micro_tokens=config.micro_tokens,
        clip=1.0,
        trained=list(model.parameters()),
    )
    made = [
        Row(ids=np.array(row["input_ids"], np.int32), supervised=np.array(row["labels"]) != -100, origin=str(n))
        for n, row in enumerate(rows)
    ]
    start = time.process_time()
    losses = [train_step(session, made[first : first + BATCH], step=0).loss for first in range(0, len(made), BATCH)]
    return time.process_time() - start, losses


def run_transformers(
    model: Any, rows: list[dict[str, list[int]]], system: str, data: Path
) -> tuple[float, list[float]]:
    """Trainer's or SFTTrainer's steps; returns CPU seconds and logged losses."""
    from datasets import Dataset
    from transformers import PreTrainedTokenizerFast, Trainer, TrainerCallback, TrainingArguments

    losses: list[float] = []

    class Losses(TrainerCallback):
        def on_log(self, _args: Any, _state: Any, _control: Any, logs: Any = None, **_more: Any) -> None:
            losses.extend([logs["loss"]] if "loss" in logs else [])

    settings: dict[str, Any] = {
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
        "train_sampling_strategy": "group_by_length" if system == "trainer-grouped" else "sequential",
    }
    dataset = Dataset.from_list(rows)
    if system.startswith("trl"):
        from trl import SFTConfig, SFTTrainer

        tokenizer = PreTrainedTokenizerFast(
            tokenizer_file=str(data / "tokenizers/gpt2/tokenizer.json"),
            eos_token="<|endoftext|>",
            pad_token="<|endoftext|>",
        )
        if system == "trl-fp32":
            settings |= {"bf16": False, "gradient_checkpointing": False}
        trainer = SFTTrainer(
            model, args=SFTConfig(**settings), train_dataset=dataset, processing_class=tokenizer, callbacks=[Losses()]
        )
    else:
        settings["bf16"] = system == "trainer-grouped" and torch.cpu._is_amx_tile_supported()
        arguments = TrainingArguments(**settings, remove_unused_columns=False)
        trainer = Trainer(model, args=arguments, train_dataset=dataset, data_collator=pad, callbacks=[Losses()])
    start = time.process_time()
    trainer.train()
    return time.process_time() - start, losses


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


def main() -> None:
    """Measure one system on one case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--case", choices=list(CASES), default="mix")
    parser.add_argument("--system", choices=["own", "trainer", "trainer-grouped", "trl", "trl-fp32"], default="own")
    parser.add_argument("--steps", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = encode(arguments.data, arguments.case, arguments.steps * BATCH)
    model = make_model(arguments.case)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if arguments.system == "own":
        seconds, losses = run_own(model, rows)
    else:
        seconds, losses = run_transformers(model, rows, arguments.system, arguments.data)
    tokens = sum(len(row["input_ids"]) for row in rows)
    supervised = sum(label != -100 for row in rows for label in row["labels"])
    found = {
        "case": arguments.case,
        "system": arguments.system,
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
    print(json.dumps(found))
    results = json.loads(RESULTS.read_text()) if RESULTS.is_file() else []
    key = ("case", "system")
    results = [old for old in results if [old[name] for name in key] != [found[name] for name in key]] + [found]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(sorted(results, key=lambda one: [one[name] for name in key]), indent=2) + "\n")


if __name__ == "__main__":
    main()
