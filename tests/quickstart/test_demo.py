"""The demonstration: a workspace of the user's own, and an exit code that says how it went."""

from __future__ import annotations

from pathlib import Path

import pytest
from tunegate.core.errors import InputError
from tunegate.examples.quickstart.demo import PARTS, make_workspace, run_demo
from tunegate.recipe import read_recipe


def test_a_workspace_holds_recipes_that_run_where_it_is(tmp_path: Path) -> None:
    """Every path in the copied recipes points into the workspace, not into the package."""
    make_workspace(tmp_path / "demo")

    assert sorted(path.name for path in (tmp_path / "demo").iterdir()) == sorted(PARTS)
    for name in ("naive", "careful"):
        recipe = read_recipe(tmp_path / "demo" / f"{name}.yaml")
        benchmarks = [getattr(entry, "task", entry) for entry in recipe.evaluate.benchmarks]
        inside = [recipe.model, *recipe.data.train, str(recipe.data.test), *benchmarks]
        assert [path for path in inside if not Path(path).is_relative_to(tmp_path / "demo")] == []


def test_both_recipes_ask_the_same_of_the_tuned_model(root: Path) -> None:
    """Same data, base, benchmarks and gate: only how the model is tuned differs."""
    naive, careful = (read_recipe(root / "examples" / "quickstart" / f"{name}.yaml") for name in ("naive", "careful"))

    assert naive.curate is None
    for part in ("model", "data", "prompts", "evaluate", "gate", "seed"):
        assert getattr(naive, part) == getattr(careful, part), part


def test_an_edited_workspace_stays_as_it_is(tmp_path: Path) -> None:
    """A second demo in the same folder goes on with the user's files."""
    make_workspace(tmp_path)
    (tmp_path / "naive.yaml").write_text("mine")
    make_workspace(tmp_path)

    assert (tmp_path / "naive.yaml").read_text() == "mine"


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    """The demo never writes among other files."""
    (tmp_path / "thesis.tex").write_text("x")

    with pytest.raises(InputError, match="holds something else"):
        make_workspace(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.slow
def test_the_demonstration_goes_as_it_should(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The naive run fails the gate and the careful one passes, on the shipped data and base."""
    code = run_demo(tmp_path / "demo")
    printed = capsys.readouterr().out

    assert code == 0
    assert "FAIL      PASS" in printed
    assert (tmp_path / "demo" / "naive" / "report.html").is_file()
    assert (tmp_path / "demo" / "careful" / "report.html").is_file()
