"""The README is true: its tree is the disk, its Python runs, its commands and links exist."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def readme(root: Path) -> str:
    """The README's text."""
    return (root / "README.md").read_text()


def test_the_tree_is_the_disk(readme: str, root: Path) -> None:
    """Every file stands in the tree with the first sentence of its docstring; `make tree` writes it anew."""
    spec = importlib.util.spec_from_file_location("make_tree", root / "docs" / "make_tree.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    shown = re.search(r"```text\n(.*?)\n```", readme, flags=re.DOTALL)

    assert shown is not None
    assert shown[1] == module.tree(root)


def test_its_python_prints_what_its_comments_say(readme: str) -> None:
    """The snippet is run, and each comment after a print is what it prints."""
    code = re.search(r"```python\n(.*?)\n```", readme, flags=re.DOTALL)
    assert code is not None
    said = re.findall(r"print\(.*\) +# (.*)", code[1])
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(code[1], {})

    assert printed.getvalue().split("\n")[:-1] == said


def test_its_commands_and_options_exist(readme: str, root: Path) -> None:
    """Every `tunegate COMMAND` and every `--option` that the README names is in the command line's code."""
    source = "".join(path.read_text() for path in [root / "cli.py", *(root / "commands").glob("*.py")])
    prose = readme.split("<details>")[0]
    commands = set(re.findall(r"(?:\$ |`)tunegate ([a-z]+)\b", prose))
    options = set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", prose))

    assert [command for command in sorted(commands) if f"def {command}(" not in source] == []
    assert [option for option in sorted(options) if option not in source and f"{option[2:]}: " not in source] == []


def test_its_links_lead_somewhere(readme: str, root: Path) -> None:
    """Every relative link of the README and the documents points at a file."""
    texts = {root: readme} | {path: path.read_text() for path in (root / "docs").glob("*.md")}
    broken = [
        f"{path.name}: {link}"
        for path, text in texts.items()
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
        if not ((path if path.is_dir() else path.parent) / link).exists()
    ]

    assert broken == []
