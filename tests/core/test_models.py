"""Models are loaded from safetensors alone, and what cannot be loaded is one clear error."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tunegate.core.errors import ModelError
from tunegate.core.models import (
    load_causal,
    load_classifier,
    load_tokenizer,
    model_family,
    model_fingerprint,
    require_safetensors,
)


@pytest.fixture
def copy(quickstart_base: Path, tmp_path: Path) -> Path:
    """The quickstart model, to be broken."""
    return Path(shutil.copytree(quickstart_base, tmp_path / "model"))


def test_the_quickstart_base_is_a_small_causal_model(quickstart_base: Path) -> None:
    """The model that the repository ships loads, in eval mode, with a tokenizer of its own vocabulary."""
    model, tokenizer = load_causal(quickstart_base), load_tokenizer(quickstart_base)

    assert model_family(quickstart_base) == "causal"
    assert not model.training
    assert sum(weight.numel() for weight in model.parameters()) < 1_000_000
    assert max(tokenizer("The cat sat.")["input_ids"]) < model.get_input_embeddings().num_embeddings


def test_a_folder_with_only_pickles_is_refused(copy: Path) -> None:
    """A pickle can run code when it is opened, so it never is."""
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")

    for load in (load_causal, load_classifier, require_safetensors):
        with pytest.raises(ModelError, match=r"no safetensors \(found the pickle 'pytorch_model.bin'"):
            load(copy)


def test_a_folder_without_weights_is_refused(copy: Path) -> None:
    """A config without weights is no model."""
    (copy / "model.safetensors").unlink()

    with pytest.raises(ModelError, match=r"no safetensors \(found no weights\)"):
        load_causal(copy)


def test_a_model_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A missing folder or unreachable hub id is a ModelError that names it."""
    with pytest.raises(ModelError, match="nowhere: not a model folder or a reachable hub id"):
        model_family(tmp_path / "nowhere")
    with pytest.raises(ModelError, match="nowhere: no tokenizer can be loaded"):
        load_tokenizer(tmp_path / "nowhere")
    with pytest.raises(ModelError, match="nobody/nothing"):
        model_family("nobody/nothing")


def test_fingerprints_follow_weights_not_paths(quickstart_base: Path, copy: Path) -> None:
    """A copy has the fingerprint of the original; one changed byte of the weights gives another."""
    same = model_fingerprint(copy)
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "model.safetensors").write_bytes(weights)

    assert same == model_fingerprint(quickstart_base)
    assert model_fingerprint(copy) != same
