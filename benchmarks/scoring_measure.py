"""Work with a model to its wall and CPU seconds, tokens computed, memory above what was there before, and answers."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Work = Callable[[], list[Any]]


def measure(work: Work, model: Any) -> dict[str, Any]:
    """wall_s, cpu_s, tokens, memory_mb, answers; on a GPU whose memory does not suffice, endless seconds."""
    return _measure_on_gpu(work, model) if next(model.parameters()).is_cuda else _measure_on_cpu(work, model)


def _measure_on_cpu(work: Work, model: Any) -> dict[str, Any]:
    """In a forked process, whose peak memory is its own."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=_send, args=(work, model, sender))
    child.start()
    found: dict[str, Any] = receiver.recv()
    child.join()
    return found


def _send(work: Work, model: Any, sender: Any) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = _timed(work, model)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sender.send({**found, "memory_mb": (peak - before) / 1024})


def _measure_on_gpu(work: Work, model: Any) -> dict[str, Any]:
    """In this process, since CUDA cannot be forked; torch counts the bytes of tensors."""
    import torch

    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    try:
        found = _timed(work, model)
    except torch.OutOfMemoryError:
        found = {"wall_s": float("inf"), "cpu_s": float("inf"), "tokens": 0, "answers": []}
    peak = torch.cuda.max_memory_allocated()
    torch.cuda.empty_cache()
    return {**found, "memory_mb": (peak - before) / 2**20}


def _timed(work: Work, model: Any) -> dict[str, Any]:
    import torch

    with _counted(model) as tokens:
        wall, cpu = time.monotonic(), time.process_time()
        answers = work()
        if torch.cuda.is_initialized():
            torch.cuda.synchronize()
        wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    return {"wall_s": wall, "cpu_s": cpu, "tokens": sum(tokens), "answers": answers}


@contextmanager
def _counted(model: Any) -> Iterator[list[int]]:
    """Tokens of every forward pass."""
    tokens: list[int] = []

    def count(_module: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> None:
        ids = options.get("input_ids", inputs[0] if inputs else None)
        tokens.append(0 if ids is None else ids.numel())

    handle = model.register_forward_pre_hook(count, with_kwargs=True)
    try:
        yield tokens
    finally:
        handle.remove()
