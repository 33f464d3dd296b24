"""Names of shipped suites to their benchmarks."""

from __future__ import annotations

from importlib.resources import files

import yaml

from .config import Benchmark


def load_suite(name: str) -> tuple[Benchmark, ...]:
    """The benchmarks of a shipped suite, in its order; of `none`, none."""
    if name == "none":
        return ()
    content = yaml.safe_load((files(__package__) / "suites" / f"{name}.yaml").read_text(encoding="utf-8"))
    return tuple(Benchmark.model_validate(entry) for entry in content["benchmarks"])
