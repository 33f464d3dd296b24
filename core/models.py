"""Model folders (or hub ids) to models and tokenizers, always in safetensors, never with remote code unasked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from .errors import ModelError
from .store import fingerprint, hash_files

Family = Literal["causal", "encoder", "classifier"]
"""causal: writes text; encoder: reads text, has no head yet; classifier: either one with a trained label head."""


def model_family(model: str | Path) -> Family:
    """What a local model folder or a hub id holds, by the architecture that its config names.

    Raises:
        ModelError: nothing can be loaded from there.
    """
    architectures = _config(model).architectures or [""]
    if architectures[0].endswith("ForSequenceClassification"):
        return "classifier"
    if architectures[0].endswith(("ForCausalLM", "LMHeadModel")):
        return "causal"
    return "encoder"


def load_tokenizer(model: str | Path, *, trust_remote_code: bool = False) -> Any:
    """The tokenizer of a model.

    Raises:
        ModelError: there is none, or it cannot be read.
    """
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
    """A sequence classifier in eval mode; `options` (such as num_labels, id2label) make a new head on an encoder.

    Raises:
        ModelError: it cannot be loaded, or has no safetensors.
    """
    from transformers import AutoModelForSequenceClassification

    loaded = _load(
        AutoModelForSequenceClassification, model, dtype=dtype, trust_remote_code=trust_remote_code, **options
    )
    return _with_adapter(loaded, adapter)


def model_fingerprint(model: str | Path, adapter: Path | None = None) -> str:
    """Hash of the weights, config and tokenizer on disk: a retrained model at the same path has another.

    A hub id is hashed by its resolved files in the local cache.
    """
    folders = [Path(model) if Path(model).is_dir() else _cached_snapshot(str(model))]
    folders += [adapter] if adapter else []
    return fingerprint([hash_files(sorted(path for path in folder.iterdir() if _counts(path))) for folder in folders])


def _counts(path: Path) -> bool:
    return path.is_file() and path.suffix in {".safetensors", ".json", ".jinja", ".txt", ".model"}


def _cached_snapshot(model: str) -> Path:
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(model, allow_patterns=["*.safetensors", "*.json", "*.jinja", "*.txt", "*.model"]))


def _config(model: str | Path) -> Any:
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(str(model))
    except (OSError, ValueError) as error:
        raise ModelError(f"{model}: not a model folder or a reachable hub id ({_first_line(error)})") from error


def _load(auto_class: Any, model: str | Path, **options: Any) -> Any:
    folder = Path(model)
    if folder.is_dir() and not any(folder.glob("*.safetensors")):
        pickles = sorted(path.name for path in folder.glob("*.bin"))
        found = f"found the pickle {pickles[0]!r}, which can run code when opened" if pickles else "found no weights"
        raise ModelError(f"{model}: no safetensors ({found}); convert with save_pretrained(safe_serialization=True)")
    try:
        return auto_class.from_pretrained(str(model), use_safetensors=True, **options).eval()
    except (OSError, ValueError, json.JSONDecodeError) as error:
        raise ModelError(f"{model}: cannot be loaded ({_first_line(error)})") from error


def _with_adapter(model: Any, adapter: Path | None) -> Any:
    if adapter is None:
        return model
    from peft import PeftModel

    return PeftModel.from_pretrained(model, str(adapter)).eval()


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
