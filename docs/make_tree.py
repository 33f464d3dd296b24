"""Write the tree of the package with one purpose per file into the README: `make tree`.

A file's purpose is the first sentence of its docstring, so the tree cannot say anything else than the file does.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

FOLDERS = ("commands", "core", "curate", "train", "evaluate", "reports", "examples/quickstart", "benchmarks")


def tree(root: Path) -> str:
    """The tree as lines of text."""
    lines = [_line(path, path.name, "") for path in sorted(root.glob("*.py")) if path.name != "__init__.py"]
    for folder in FOLDERS:
        lines.extend(_folder(root / folder, folder))
    return "\n".join(lines)


def _folder(path: Path, name: str) -> Iterator[str]:
    """The folder's own line, its files, and the folders in it, each under its path from the root."""
    front = path / "__init__.py"
    yield _line(front, f"{name}/", "") if front.exists() else f"{name}/"
    for file in sorted(path.glob("*.py")):
        if file.name != "__init__.py":
            yield _line(file, file.name, "  ")
    for inner in sorted(path.glob("*/__init__.py")):
        yield from _folder(inner.parent, f"{name}/{inner.parent.name}")


def _line(path: Path, name: str, indent: str) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    purpose = " ".join(docstring.split("\n\n")[0].split())
    return f"{indent}{name:{28 - len(indent)}} {purpose}".rstrip()


def write(root: Path) -> None:
    """Put the tree where the README shows it."""
    readme = root / "README.md"
    before, rest = readme.read_text(encoding="utf-8").split("```text\n", 1)
    after = rest.split("\n```", 1)[1]
    readme.write_text(f"{before}```text\n{tree(root)}\n```{after}", encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).resolve().parents[1])
