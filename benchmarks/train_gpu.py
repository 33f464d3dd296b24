"""Wall time and memory of training on a GPU: this trainer and transformers' Trainer on identical batches.

    python benchmarks/train_gpu.py --data SHARED_DATA

A Llama of the shape of GPT-2 (12 layers, 768 wide, untied, random weights) is trained on batches of 32 rows of dolly
and gsm8k, clip 1, constant rate, the same rows in the same order for every system, whose losses must agree. Systems:
own (its defaults, bf16 here); trainer-bf16 (the batch in one padded pass); trainer-grouped (the strong baseline: rows
grouped by length, which makes other batches, so compare it per token, and padded to a multiple of 64 tokens); own-fp32
and trainer (their float32). Rounds interleave the systems in one process; the first WARM_UP steps of each run are not
timed. Results go to benchmarks/results/train_gpu.json, the table into docs/training.md.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from functools import partial
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
import train_speed
from train_tables import gpu_lines, write_tables

RESULTS = Path(__file__).parent / "results" / "train_gpu.json"
BATCH, STEPS, WARM_UP = 32, 25, 5
SYSTEMS = ("own", "trainer-bf16", "trainer-grouped", "own-fp32", "trainer")
ROUNDS = 2
ROUND_TO = 64
"""Tokens that the strong baseline's batches are padded to a multiple of: cuDNN's attention is built per length."""


def make_model() -> Any:
    """The same random weights for every system, in float32 on the GPU."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    with torch.device("cuda"):
        return LlamaForCausalLM(
            LlamaConfig(
                vocab_size=train_speed.CASES["mix"],
                hidden_size=768,
                intermediate_size=2048,
                num_hidden_layers=12,
                num_attention_heads=12,
                max_position_embeddings=2048,
                tie_word_embeddings=False,
                pad_token_id=None,
                bos_token_id=None,
                eos_token_id=None,
            )
        )


class Clock:
    """Seconds since the end of the last untimed step, once the GPU has nothing left to do."""

    def __init__(self) -> None:
        self.started = 0.0
        self.tokens: list[int] = []
        """Tokens of each step, without padding."""

    def after(self, step: int) -> None:
        """Called behind every step, counted from 1."""
        if step == WARM_UP:
            torch.cuda.synchronize()
            self.started = time.monotonic()

    def seconds(self) -> float:
        """Of the timed steps."""
        torch.cuda.synchronize()
        return time.monotonic() - self.started


def run_own(model: Any, rows: list[dict[str, list[int]]], system: str, clock: Clock) -> tuple[float, list[float]]:
    """This trainer's steps, as `tunegate train` takes them."""
    from tunegate.train import TrainConfig
    from tunegate.train.device import find_place
    from tunegate.train.encoding import Row
    from tunegate.train.estimate import GPU_TOKENS
    from tunegate.train.objective import CausalObjective
    from tunegate.train.optimiser import make_optimiser
    from tunegate.train.step import Session, train_step
    from tunegate.train.varlen import use_varlen

    config = TrainConfig(device="cuda", weight_decay=0.0, precision="fp32" if system == "own-fp32" else "auto")
    use_varlen(model)
    session = Session(
        network=model,
        objective=CausalObjective(layout="varlen", pad=0, is_linear=True),
        optimiser=make_optimiser(model, config, rate=train_speed.RATE, head_rate=train_speed.RATE, head_names=()),
        place=find_place(config),
        micro_tokens=GPU_TOKENS[0],
        clip=1.0,
        trained=list(model.parameters()),
    )
    made = [
        Row(ids=np.array(row["input_ids"], np.int32), supervised=np.array(row["labels"]) != -100, origin=str(n))
        for n, row in enumerate(rows)
    ]
    losses = []
    for step in range(STEPS):
        batch = made[step * BATCH : (step + 1) * BATCH]
        clock.tokens.append(sum(map(len, batch)))
        losses.append(train_step(session, batch, step=step).loss)
        clock.after(step + 1)
    return clock.seconds(), losses


def run_trainer(model: Any, rows: list[dict[str, list[int]]], system: str, clock: Clock) -> tuple[float, list[float]]:
    """Trainer's steps."""
    from datasets import Dataset
    from transformers import Trainer, TrainerCallback, TrainingArguments

    losses: list[float] = []

    class Watch(TrainerCallback):
        def on_step_end(self, _args: Any, state: Any, _control: Any, **_more: Any) -> None:
            clock.after(state.global_step)

        def on_log(self, _args: Any, _state: Any, _control: Any, logs: Any = None, **_more: Any) -> None:
            losses.extend([logs["loss"]] if "loss" in logs else [])

    wanted = train_speed.settings(rows) | {
        "per_device_train_batch_size": BATCH,
        "gradient_accumulation_steps": 1,
        "max_steps": STEPS,
        "use_cpu": False,
        "bf16": system != "trainer",
        "remove_unused_columns": False,
    }
    if system == "trainer-grouped":
        wanted["train_sampling_strategy"] = "group_by_length"
    trainer = Trainer(
        model,
        args=TrainingArguments(**wanted),
        train_dataset=Dataset.from_list(rows),
        data_collator=partial(pad_and_count, multiple=ROUND_TO if system == "trainer-grouped" else 1, clock=clock),
        callbacks=[Watch()],
    )
    trainer.train()
    return clock.seconds(), losses


def pad_and_count(batch: list[dict[str, list[int]]], *, multiple: int, clock: Clock) -> dict[str, torch.Tensor]:
    """Rows padded to the longest, and on to a multiple."""
    clock.tokens.append(sum(len(row["input_ids"]) for row in batch))
    padded = train_speed.pad(batch)
    more = -padded["input_ids"].shape[1] % multiple
    fill = {"input_ids": 0, "labels": -100, "attention_mask": 0}
    return {name: torch.nn.functional.pad(padded[name], (0, more), value=value) for name, value in fill.items()}


def measure(rows: list[dict[str, list[int]]], system: str) -> dict[str, Any]:
    """One system, from a fresh model."""
    model, clock = make_model(), Clock()
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    seconds, losses = (run_own if system.startswith("own") else run_trainer)(model, rows, system, clock)
    tokens = sum(clock.tokens[WARM_UP:STEPS])
    found = {
        "system": system,
        "ms_per_step": round(1e3 * seconds / (STEPS - WARM_UP), 1),
        "tokens_per_second": round(tokens / seconds),
        "peak_gib": round(torch.cuda.max_memory_allocated() / 2**30, 2),
        "losses": [round(loss, 4) for loss in losses],
    }
    del model
    gc.collect()
    torch.cuda.empty_cache()
    return found


def main() -> None:
    """Measure every system in every round and write results and table."""
    import transformers

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    rows = train_speed.encode(arguments.data, "mix", STEPS * BATCH)
    about = {
        "device": torch.cuda.get_device_name(),
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "batch": BATCH,
        "timed_steps": STEPS - WARM_UP,
    }
    runs = []
    for number, system in product(range(arguments.rounds), SYSTEMS):
        runs.append({"round": number, **measure(rows, system)})
        print(json.dumps({name: value for name, value in runs[-1].items() if name != "losses"}), flush=True)
        arguments.out.write_text(json.dumps({"about": about, "runs": runs}, indent=1) + "\n")
    if arguments.out == RESULTS:
        write_tables(Path(__file__).name, list(gpu_lines(runs)))
    print({system: median(run["ms_per_step"] for run in runs if run["system"] == system) for system in SYSTEMS})


if __name__ == "__main__":
    main()
