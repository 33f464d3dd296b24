"""The public API is what the package says it is."""

from __future__ import annotations

import ast
from pathlib import Path

import tunegate


def test_every_public_name_is_there_and_sorted() -> None:
    """`__all__` is sorted, and each name is a function with a docstring."""
    assert sorted(tunegate.__all__) == tunegate.__all__
    assert [name for name in tunegate.__all__ if not (getattr(tunegate, name).__doc__ or "").strip()] == []


def test_no_public_function_bears_a_folders_name(root: Path) -> None:
    """`tunegate.curate` is the package; a function of that name would hide it."""
    folders = {path.name for path in root.iterdir() if path.is_dir()}

    assert folders.isdisjoint(tunegate.__all__)


def test_init_files_only_reexport(root: Path) -> None:
    """A stage's `__init__.py` defines nothing but its lazy look-up."""
    for stage in ("core", "curate", "train", "evaluate", "reports", "commands"):
        tree = ast.parse((root / stage / "__init__.py").read_text())
        functions = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)]

        assert set(functions) <= {"__getattr__", "__dir__"}, stage
