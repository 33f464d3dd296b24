"""A training run to files and back, without pickles; a resumed run ends with the weights of an uninterrupted one."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..core.store import atomic_path, read_json, write_json

RandomState = dict[str, Any]


def get_random_state(device: torch.device) -> RandomState:
    """The state of every generator that training draws from."""
    state: RandomState = {"torch": torch.get_rng_state(), "python": random.getstate(), "numpy": np.random.get_state()}  # noqa: NPY002
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def set_random_state(state: RandomState, device: torch.device) -> None:
    """Put every generator back."""
    torch.set_rng_state(state["torch"])
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])  # noqa: NPY002
    if "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)


def trained_weights(network: Any) -> dict[str, torch.Tensor]:
    """The weights that training changes, by name."""
    return {name: weight.detach() for name, weight in network.named_parameters() if weight.requires_grad}


def save_weights(network: Any, path: Path) -> None:
    """Write the trained weights as safetensors."""
    from safetensors.torch import save_file

    with atomic_path(path) as fresh:
        save_file({name: weight.contiguous().cpu() for name, weight in trained_weights(network).items()}, fresh)


def load_weights(network: Any, path: Path) -> None:
    """Put saved weights back into the network."""
    from safetensors.torch import load_file

    saved = load_file(path)
    with torch.no_grad():
        for name, weight in trained_weights(network).items():
            weight.copy_(saved[name])


def save_network(network: Any, tokenizer: Any, folder: Path) -> None:
    """Write a model that stands alone, or an adapter, with its tokenizer."""
    network.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    for file in folder.glob("*.safetensors"):
        file.chmod(0o666 & ~_umask())


def save_checkpoint(
    folder: Path, *, network: Any, optimiser: torch.optim.Optimizer, device: torch.device, progress: dict[str, Any]
) -> None:
    """Write weights, moments, random states and progress, whole or not at all."""
    from safetensors.torch import save_file

    state = get_random_state(device)
    tensors = {"random.torch": state["torch"], "random.numpy": torch.from_numpy(state["numpy"][1].astype(np.int64))}
    if "cuda" in state:
        tensors["random.cuda"] = state["cuda"]
    for number, moments in optimiser.state_dict()["state"].items():
        tensors |= {f"{number}.{key}": value.detach().cpu().contiguous() for key, value in moments.items()}
    others = {"python": state["python"], "numpy": [state["numpy"][0], *state["numpy"][2:]]}
    with atomic_path(folder) as fresh:
        fresh.mkdir()
        save_weights(network, fresh / "weights.safetensors")
        save_file(tensors, fresh / "state.safetensors")
        write_json(fresh / "progress.json", {**progress, "random": others})


def load_checkpoint(
    folder: Path, *, network: Any, optimiser: torch.optim.Optimizer, device: torch.device
) -> dict[str, Any]:
    """Put a checkpoint back; returns its progress."""
    from safetensors.torch import load_file

    load_weights(network, folder / "weights.safetensors")
    tensors = load_file(folder / "state.safetensors")
    progress: dict[str, Any] = read_json(folder / "progress.json")
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        if not key.startswith("random."):
            number, name = key.split(".", 1)
            moments.setdefault(int(number), {})[name] = value
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": moments, "param_groups": groups})
    _restore_random(progress.pop("random"), tensors, device)
    return progress


def read_progress(folder: Path) -> dict[str, Any] | None:
    """Progress of a checkpoint, without loading it; None where there is none."""
    try:
        found: dict[str, Any] = json.loads((folder / "progress.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found


def _umask() -> int:
    """Safetensors makes its files private; a model is to be as readable as any other file."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _restore_random(others: dict[str, Any], tensors: dict[str, torch.Tensor], device: torch.device) -> None:
    version, internal, gauss = others["python"]
    kind, position, has_gauss, cached = others["numpy"]
    keys = tensors["random.numpy"].numpy().astype(np.uint32)
    state: RandomState = {
        "torch": tensors["random.torch"],
        "python": (version, tuple(internal), gauss),
        "numpy": (kind, keys, position, has_gauss, cached),
    }
    if "random.cuda" in tensors:
        state["cuda"] = tensors["random.cuda"]
    set_random_state(state, device)
