"""Models are loaded from safetensors alone, and what cannot be loaded is one clear error."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tunegate.core.errors import ModelError
from tunegate.core.models import (
    known_labels,
    load_causal,
    load_classifier,
    load_tokenizer,
    model_family,
    model_fingerprint,
    model_shape,
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


CUSTOM_CODE = """
from transformers import LlamaConfig, LlamaForCausalLM


class OwnConfig(LlamaConfig):
    model_type = "own"


class OwnForCausalLM(LlamaForCausalLM):
    config_class = OwnConfig
"""


def test_a_model_with_code_of_its_own_is_sized_when_trusted_and_told_apart_always(
    tmp_path: Path, quickstart_base: Path
) -> None:
    """Its family needs none of its code; its size does, and without trust the refusal says so."""
    model = tmp_path / "own"
    shutil.copytree(quickstart_base, model)
    config = json.loads((model / "config.json").read_text())
    named = {"AutoConfig": "modeling_own.OwnConfig", "AutoModelForCausalLM": "modeling_own.OwnForCausalLM"}
    changes = {"model_type": "own", "architectures": ["OwnForCausalLM"], "auto_map": named}
    (model / "config.json").write_text(json.dumps({**config, **changes}))
    (model / "modeling_own.py").write_text(CUSTOM_CODE)

    assert (model_family(model), known_labels(model)) == ("causal", {})
    assert model_shape(model, trust_remote_code=True) == model_shape(quickstart_base)
    with pytest.raises(ModelError, match="trust_remote_code"):
        model_shape(model)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    """A folder that holds no config is no encoder."""
    with pytest.raises(ModelError, match=r"no config\.json"):
        model_family(tmp_path)
