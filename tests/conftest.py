"""What all tests share: the import trap closed, no network, real small models and data by path."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# `python -m pytest` puts the checkout on sys.path, where `import evaluate` would find our stage.
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT]
os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")


def pytest_configure(config: pytest.Config) -> None:
    """Hide GPUs unless tests for them are asked for: the others expect what `auto` chooses on a CPU."""
    if "gpu" not in str(config.option.markexpr).replace("not gpu", ""):
        os.environ["CUDA_VISIBLE_DEVICES"] = ""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests that need an accelerator say so where there is none."""
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("no CUDA device here")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def quickstart_base() -> Path:
    """The small causal model that the repository ships."""
    return ROOT / "examples" / "quickstart" / "base"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real datasets beside the checkout; tests that need them are skipped elsewhere."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real datasets are not at {folder}; they are large and not part of the repository")
    return folder
