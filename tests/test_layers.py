"""Imports run downwards only, and importing the package costs nothing heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

STAGES = {"curate", "train", "evaluate", "reports"}
FOLDERS = STAGES | {"core", "commands", "examples"}
RUN = {"recipe", "starter", "preview", "screening", "judging", "pipeline"}
ALLOWED = {
    "core": {"core"},
    **{stage: {"core", stage} for stage in STAGES},
    "recipe": {"core"} | STAGES,
    "starter": {"core"} | STAGES,
    "preview": {"core", "recipe"} | STAGES,
    "screening": {"core", "recipe"} | STAGES,
    "judging": {"core", "recipe"} | STAGES,
    "pipeline": {"core", "recipe", "preview", "screening", "judging"} | STAGES,
    "examples": {"core", "pipeline", "examples"} | STAGES,
    "commands": {"core", "commands", "examples"} | RUN | STAGES,
    "cli": {"core", "commands"},
    "__main__": {"cli"},
    "__init__": {"core", "pipeline"} | STAGES,
}
FRONT_ONLY = RUN | {"examples", "commands", "cli", "__init__"}


def our_imports(file: Path, root: Path) -> set[tuple[str, ...]]:
    """Every relative import of a file, also inside functions, as a path from the package root."""
    package = file.relative_to(root).parent.parts
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            anchor = package[: len(package) - node.level + 1]
            module = tuple(node.module.split(".")) if node.module else ()
            if anchor + module:
                found.add(anchor + module)
            else:
                found.update((name.name,) for name in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "tunegate":
            found.add(("absolute import of tunegate",))
    return found


def package_files(root: Path) -> list[Path]:
    return sorted(root.glob("*.py")) + sorted(file for layer in FOLDERS for file in root.glob(f"{layer}/**/*.py"))


def test_imports_run_downwards_only(root: Path) -> None:
    """A stage imports core and itself, never another stage; only fronts are imported from above."""
    wrong = []
    for file in package_files(root):
        parts = file.relative_to(root).parts
        layer = parts[0] if len(parts) > 1 else file.stem
        for target in our_imports(file, root):
            if target[0] not in ALLOWED.get(layer, set()):
                wrong.append(f"{'/'.join(parts)} imports {'.'.join(target)}")
            elif layer in FRONT_ONLY and target[0] in STAGES and len(target) > 1:
                wrong.append(f"{'/'.join(parts)} imports {'.'.join(target)}, not the stage's front")

    assert wrong == []


@pytest.mark.parametrize(
    "heavy", ["torch", "transformers", "datasets", "pandas", "numba", "sklearn", "scipy", "lm_eval"]
)
def test_importing_the_package_imports_nothing_heavy(heavy: str) -> None:
    """`import tunegate` and the stage fronts leave every heavy library alone."""
    fronts = "tunegate, tunegate.curate, tunegate.train, tunegate.evaluate, tunegate.reports"
    code = f"import sys, {fronts}; print({heavy!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
