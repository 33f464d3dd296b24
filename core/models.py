"""Model folders (or hub ids) to models and tokenizers, always in safetensors, never with remote code unasked."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .errors import ModelError
from .hub import skip_unreachable_hub
from .store import fingerprint, hash_files

Family = Literal["causal", "encoder", "classifier"]
"""causal: writes text; encoder: reads text, has no head yet; classifier: either one with a trained label head."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShape:
    """Sizes of a model without its head."""

    weights: int
    """Number of weights."""
    body: int
    """Those without the token embeddings: what every token is multiplied with."""
    layers: int
    width: int
    """Numbers per token between layers."""


def model_family(model: str | Path) -> Family:
    """What a local model folder or a hub id holds, by the architecture that its config names.

    Raises:
        ModelError: nothing can be loaded from there.
    """
    architecture = _architecture(_stated_config(model))
    if architecture.endswith("ForSequenceClassification"):
        return "classifier"
    if architecture.endswith(("ForCausalLM", "LMHeadModel")):
        return "causal"
    return "encoder"


def load_tokenizer(model: str | Path, *, trust_remote_code: bool = False) -> Any:
    """The tokenizer of a model.

    Raises:
        ModelError: there is none, or it cannot be read.
    """
    skip_unreachable_hub(model)
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(str(model), trust_remote_code=trust_remote_code)
    except (OSError, ValueError) as error:
        raise ModelError(f"{model}: no tokenizer can be loaded ({_first_line(error)})") from error


def load_causal(
    model: str | Path, *, adapter: Path | None = None, dtype: str = "float32", trust_remote_code: bool = False
) -> Any:
    """A causal language model in eval mode, with a PEFT adapter on top where one is given.

    Raises:
        ModelError: it cannot be loaded, or has no safetensors.
    """
    from transformers import AutoModelForCausalLM

    loaded = _load(AutoModelForCausalLM, model, dtype=dtype, trust_remote_code=trust_remote_code)
    return _with_adapter(loaded, adapter)


def load_classifier(
    model: str | Path,
    *,
    adapter: Path | None = None,
    dtype: str = "float32",
    trust_remote_code: bool = False,
    **options: Any,
) -> Any:
    """A sequence classifier in eval mode; `options` (such as id2label) make a new head on an encoder.

    An adapter of a label head brings its label map along.

    Raises:
        ModelError: it cannot be loaded, or has no safetensors.
    """
    from transformers import AutoModelForSequenceClassification

    if adapter and (adapter / "config.json").is_file() and not options:
        options = {"id2label": load_config(adapter).id2label, "label2id": load_config(adapter).label2id}
    loaded = _load(
        AutoModelForSequenceClassification, model, dtype=dtype, trust_remote_code=trust_remote_code, **options
    )
    return _with_adapter(loaded, adapter)


def load_new_classifier(
    model: str | Path,
    label_map: Mapping[str, int],
    *,
    is_multi_label: bool = False,
    dtype: str = "float32",
    trust_remote_code: bool = False,
) -> tuple[Any, tuple[str, ...]]:
    """A sequence classifier for these labels, and the names of its modules that hold fresh weights.

    A model that already classifies into exactly these labels keeps its head: then no module is new. Seed torch before.

    Raises:
        ModelError: it cannot be loaded, or has no safetensors.
    """
    from transformers import AutoModelForSequenceClassification

    names = {number: label for label, number in label_map.items()}
    loaded, report = _load(
        AutoModelForSequenceClassification,
        model,
        dtype=dtype,
        trust_remote_code=trust_remote_code,
        num_labels=len(names),
        id2label=names,
        label2id=dict(label_map),
        problem_type="multi_label_classification" if is_multi_label else "single_label_classification",
        ignore_mismatched_sizes=True,
        output_loading_info=True,
    )
    fresh = {*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])}
    if lost := sorted(key for key in fresh if re.search(r"\.\d+\.", key)):
        raise ModelError(f"{model}: the weights lack {lost[0]!r} and {len(lost) - 1} more; the folder is incomplete")
    if loaded.config.pad_token_id is None:
        loaded.config.pad_token_id = load_tokenizer(model, trust_remote_code=trust_remote_code).eos_token_id
    return loaded.eval(), tuple(sorted({key.split(".")[_depth(key, loaded)] for key in fresh}))


def known_labels(model: str | Path) -> dict[str, int]:
    """The label map of a model that classifies; empty for any other."""
    config = _stated_config(model)
    if not _architecture(config).endswith("ForSequenceClassification"):
        return {}
    labels = config.get("label2id") or {"LABEL_0": 0, "LABEL_1": 1}  # what transformers does not write down
    return {str(label): int(number) for label, number in labels.items()}


def model_shape(model: str | Path, *, trust_remote_code: bool = False) -> ModelShape:
    """How large a model is, from its config alone: nothing is loaded."""
    import torch
    from transformers import AutoModel, AutoModelForCausalLM

    config = load_config(model, trust_remote_code=trust_remote_code)
    own_code = getattr(config, "auto_map", None) or {}
    auto: Any = AutoModelForCausalLM if own_code and "AutoModel" not in own_code else AutoModel
    with torch.device("meta"):
        empty = auto.from_config(config, trust_remote_code=trust_remote_code).base_model
    table = empty.get_input_embeddings().weight.numel()
    weights = sum(weight.numel() for weight in empty.parameters())
    text = config.get_text_config()
    return ModelShape(
        weights=int(weights),
        body=int(weights - table),
        layers=int(getattr(text, "num_hidden_layers", 0) or getattr(text, "n_layer", 1)),
        width=int(getattr(text, "hidden_size", 0) or getattr(text, "n_embd", 1)),
    )


def model_fingerprint(model: str | Path, adapter: Path | None = None) -> str:
    """Hash of the weights, config and tokenizer on disk: a retrained model at the same path has another.

    A hub id is hashed by its resolved files in the local cache.
    """
    folders = [Path(model) if Path(model).is_dir() else _cached_snapshot(str(model))]
    folders += [adapter] if adapter else []
    return fingerprint([hash_files(sorted(path for path in folder.iterdir() if _counts(path))) for folder in folders])


def require_safetensors(model: str | Path) -> None:
    """Refuse a local folder whose weights are pickles or absent.

    Raises:
        ModelError: no safetensors; the message names the remedy.
    """
    folder = Path(model)
    if folder.is_dir() and not any(folder.glob("*.safetensors")):
        pickles = sorted(path.name for path in folder.glob("*.bin"))
        found = f"found the pickle {pickles[0]!r}, which can run code when opened" if pickles else "found no weights"
        raise ModelError(f"{model}: no safetensors ({found}); convert with save_pretrained(safe_serialization=True)")


def _depth(key: str, loaded: Any) -> int:
    """Where in a weight's name its module stands: below the prefix of the pretrained part, if it belongs to that."""
    return 1 if key.split(".")[0] == loaded.base_model_prefix else 0


def _counts(path: Path) -> bool:
    return path.is_file() and path.suffix in {".safetensors", ".json", ".jinja", ".txt", ".model"}


def _cached_snapshot(model: str) -> Path:
    skip_unreachable_hub(model)
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(model, allow_patterns=["*.safetensors", "*.json", "*.jinja", "*.txt", "*.model"]))


def load_config(model: str | Path, *, trust_remote_code: bool = False) -> Any:
    """The config of a model.

    Raises:
        ModelError: it cannot be read.
    """
    skip_unreachable_hub(model)
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(str(model), trust_remote_code=trust_remote_code)
    except (OSError, ValueError) as error:
        if "trust_remote_code" in str(error):
            remedy = "look at it, then set trust_remote_code: true"
            raise ModelError(f"{model}: brings code of its own; {remedy}") from error
        raise ModelError(f"{model}: not a model folder or a reachable hub id ({_first_line(error)})") from error


def _stated_config(model: str | Path) -> dict[str, Any]:
    """The config as it is written, which needs no code of the model's own."""
    skip_unreachable_hub(model)
    from transformers import PreTrainedConfig

    try:
        stated: dict[str, Any] = PreTrainedConfig.get_config_dict(str(model))[0]
    except (OSError, ValueError) as error:
        raise ModelError(f"{model}: not a model folder or a reachable hub id ({_first_line(error)})") from error
    if not stated:
        raise ModelError(f"{model}: not a model folder (no config.json)")
    return stated


def _architecture(config: Mapping[str, Any]) -> str:
    return str(next(iter(config.get("architectures") or ()), ""))


def _load(auto_class: Any, model: str | Path, **options: Any) -> Any:
    from transformers.utils import logging

    require_safetensors(model)
    verbosity = logging.get_verbosity()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # its table of missing keys is what `load_new_classifier` returns
    try:
        loaded = auto_class.from_pretrained(str(model), use_safetensors=True, **options)
        return loaded if isinstance(loaded, tuple) else loaded.eval()
    except (OSError, ValueError, json.JSONDecodeError) as error:
        raise ModelError(f"{model}: cannot be loaded ({_first_line(error)})") from error
    finally:
        logging.set_verbosity(verbosity)


def _with_adapter(model: Any, adapter: Path | None) -> Any:
    if adapter is None:
        return model
    from peft import PeftModel

    with quiet_peft():
        return PeftModel.from_pretrained(model, str(adapter)).eval()


@contextmanager
def quiet_peft() -> Iterator[None]:
    """Silence a warning that no user can act on: peft asks transformers for an attribute that was renamed."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)
        yield


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
