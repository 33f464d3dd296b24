"""However tunegate is started, it is found, and so is the library `evaluate` that lm-eval needs."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

FIND_BOTH = "import tunegate.evaluate, importlib.util as u; print(u.find_spec('evaluate').origin)"


def run_python(python: Path | str, *arguments: str, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([str(python), *arguments], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def regular_install(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with a regular (not editable) install that sees this one's libraries."""
    folder = tmp_path_factory.mktemp("regular") / "venv"
    source = folder.parent / "source"  # a build leaves files beside its sources
    shutil.copytree(root, source, ignore=shutil.ignore_patterns(".*", "build", "runs", "tests", "*.egg-info"))
    venv.create(folder, with_pip=False)
    site = next(folder.glob("lib/python*/site-packages"))
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "--target",
            site,
            source,
        ],
        check=True,
    )
    here = next(path for path in map(Path, sys.path) if path.name == "site-packages")
    (site / "libraries.pth").write_text(f"{here}\n")
    return folder / "bin" / "python"


def test_python_m_tunegate_works_from_the_checkout(root: Path) -> None:
    """`python -m tunegate` in the root puts the checkout on sys.path and must still start."""
    assert "curate" in run_python(sys.executable, "-m", "tunegate", "--help", cwd=root)


def test_the_console_script_works_from_the_checkout(root: Path) -> None:
    """The installed `tunegate` command starts in the root."""
    script = Path(sys.executable).with_name("tunegate")
    done = subprocess.run([script, "--help"], cwd=root, capture_output=True, text=True, check=True)

    assert "curate" in done.stdout


def test_the_checkout_does_not_hide_the_library_evaluate(root: Path) -> None:
    """In an editable install, with the root as working directory, `import evaluate` finds the library."""
    assert run_python(sys.executable, "-c", FIND_BOTH, cwd=root).endswith("site-packages/evaluate/__init__.py")


def test_a_regular_install_works_from_the_checkout(regular_install: Path, root: Path) -> None:
    """The installed package may lie elsewhere than the checkout that is the working directory."""
    assert run_python(regular_install, "-c", FIND_BOTH, cwd=root).endswith("site-packages/evaluate/__init__.py")


def test_a_regular_install_carries_its_data(regular_install: Path, root: Path, tmp_path: Path) -> None:
    """Whatever the package reads at run time is in the wheel: suites, schemas, the demo's model and recipes."""
    where = run_python(regular_install, "-c", "import tunegate; print(tunegate.__path__[0])", cwd=tmp_path)
    data = {".yaml", ".json", ".jsonl", ".safetensors", ".css", ".js", ".typed", ".html"}
    folders = ("curate", "evaluate", "reports", "train", "examples/quickstart")
    wanted = {
        path.relative_to(root) for folder in folders for path in root.glob(f"{folder}/**/*") if path.suffix in data
    }
    missing = sorted(str(path) for path in wanted if not (Path(where) / path).exists())

    assert missing == []


def test_this_process_finds_the_library_evaluate() -> None:
    """Inside the suite `import evaluate` means the library."""
    spec = importlib.util.find_spec("evaluate")

    assert spec is not None
    assert Path(str(spec.origin)).parts[-3:] == ("site-packages", "evaluate", "__init__.py")


@pytest.mark.parametrize("command", [[sys.executable, "-m", "pytest"], [Path(sys.executable).with_name("pytest")]])
def test_pytest_and_python_m_pytest_find_the_library_evaluate(command: list[str | Path], root: Path) -> None:
    """Both ways of starting pytest in the root leave `import evaluate` to the library."""
    probe = "tests/test_install.py::test_this_process_finds_the_library_evaluate"
    done = subprocess.run([*command, "-p", "no:cacheprovider", probe], cwd=root, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
