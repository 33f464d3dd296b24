"""tunegate: clean the data, tune the model, prove nothing broke.

The public Python API; nothing heavy is imported until one of its functions is used.

    curate_dataset  examples → Curation: what stays, what goes, and why
    train_model     examples and a base model → Tuned
    evaluate_model  a model and items → Scores
    compare_scores  two Scores → Comparison
    judge           a Comparison and a policy → Verdict
    write_report    results → HTML, Markdown, JUnit, JSON
    run_recipe      all of it, from a recipe file
    load_examples   a path, table or list of dicts → Examples
"""

import sys as _sys
from importlib import import_module as _import_module
from pathlib import Path as _Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .core.formats import load_examples
    from .curate import curate_dataset
    from .evaluate import compare_scores, evaluate_model, judge
    from .pipeline import run_recipe, write_report
    from .train import train_model

__all__ = [
    "compare_scores",
    "curate_dataset",
    "evaluate_model",
    "judge",
    "load_examples",
    "run_recipe",
    "train_model",
    "write_report",
]

_HOMES = {
    "compare_scores": ".evaluate",
    "curate_dataset": ".curate",
    "evaluate_model": ".evaluate",
    "judge": ".evaluate",
    "load_examples": ".core.formats",
    "run_recipe": ".pipeline",
    "train_model": ".train",
    "write_report": ".pipeline",
}


def _hide_checkout_from_imports() -> None:
    """Drop `sys.path` entries in which `import evaluate` finds our stage and not the library that lm-eval needs.

    With a checkout as working directory (`python -m tunegate`, a notebook in the root) its folders are top-level names,
    whether or not this package was imported from there; our own imports are relative and need no such entry.
    """
    of_ours = _Path("evaluate", "gate", "judge.py")
    _sys.path[:] = [entry for entry in _sys.path if not (_Path(entry or ".") / of_ours).is_file()]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        _attach_views()
        return getattr(_import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _attach_views() -> None:
    """Let results show themselves in a notebook; done here, since the nouns live below the reports."""
    from .curate import ledger_of
    from .reports import attach_views

    attach_views(ledger_of)


_hide_checkout_from_imports()
