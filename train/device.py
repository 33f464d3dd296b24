"""Where training runs and in which number format: accelerator, precision, and this process among several."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..core.console import enable
from ..core.errors import InputError
from .config import TrainConfig
from .encoding import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One process's device and number format, and which part of every batch is its own."""

    device: torch.device
    """Where the network lies."""
    precision: str
    """fp32, bf16 or fp16: format of matrix products; trained weights are always float32."""
    rank: int = 0
    """Number of this process."""
    processes: int = 1
    """Processes that share every batch."""

    def autocast(self) -> AbstractContextManager[Any]:
        """The context of a forward pass."""
        if self.precision == "fp32":
            return nullcontext()
        dtype = torch.bfloat16 if self.precision == "bf16" else torch.float16
        return torch.autocast(self.device.type, dtype=dtype)

    def share(self, rows: Sequence[Row]) -> list[Row]:
        """This process's rows of a batch: dealt out by length, so that all have like work."""
        if self.processes == 1:
            return list(rows)
        return sorted(rows, key=len)[self.rank :: self.processes]

    def sum_tensors(self, tensors: Sequence[torch.Tensor]) -> None:
        """Replace every tensor by its sum over all processes, in one message."""
        if self.processes == 1 or not tensors:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        torch.distributed.all_reduce(flat)
        start = 0
        for tensor in tensors:
            tensor.copy_(flat[start : start + tensor.numel()].view_as(tensor))
            start += tensor.numel()

    def wait(self) -> None:
        """Let every process arrive here."""
        if self.processes > 1:
            torch.distributed.barrier()


def find_place(config: TrainConfig) -> Place:
    """The device and precision of a config; several processes where torchrun or `accelerate launch` started them.

    Raises:
        InputError: the device or the precision is not to be had here.
    """
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    device = torch.device(_available_device(processes) if config.device == "auto" else config.device)
    if device.type != "cpu" and not getattr(torch, device.type).is_available():
        raise InputError(f"train.device: {device.type!r} is not available here; use auto or cpu")
    if processes > 1:
        return _distributed_place(device, processes, config)
    return Place(device=device, precision=choose_precision(config.precision, device))


def choose_precision(wanted: str, device: torch.device) -> str:
    """The format of matrix products: bf16 only where the hardware computes it, fp16 only on CUDA.

    Raises:
        InputError: fp16 elsewhere than on CUDA.
    """
    if wanted == "fp16" and device.type != "cuda":
        raise InputError("train.precision: fp16 needs a CUDA device; use auto")
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return "bf16" if device.type == "cpu" and _cpu_multiplies_bf16() else "fp32"


def free_memory(device: torch.device) -> int:
    """Bytes that can still be allocated on a device."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass  # not Linux
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _available_device(processes: int) -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if processes == 1 and torch.backends.mps.is_available() else "cpu"


def _cpu_multiplies_bf16() -> bool:
    probe = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return bool(probe and probe())


def _distributed_place(device: torch.device, processes: int, config: TrainConfig) -> Place:
    from accelerate import PartialState  # type: ignore[import-untyped]

    state = PartialState(cpu=device.type == "cpu")  # on a machine without GPUs it joins processes only when told so
    if state.num_processes != processes:
        raise InputError(
            f"{processes} processes were started, and {device.type!r} joins only {state.num_processes}; "
            f"set train.device: cpu, or start one process"
        )
    if state.process_index:
        enable(False)  # one process of several speaks
    precision = choose_precision(config.precision, device)
    return Place(device=torch.device(state.device), precision=precision, rank=state.process_index, processes=processes)
