"""Every mistake in a settings file is reported at once, with file, line, key, value and what is allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field
from tunegate.core.config import Config, PathString
from tunegate.core.errors import RecipeError
from tunegate.core.settings import make_config, read_config


class Engine(Config):
    fuel: Literal["petrol", "steam"] = "petrol"
    cylinders: int = Field(4, ge=1)


class Car(Config):
    name: str
    engine: Engine = Engine()
    manual: PathString = "none"
    colours: tuple[str, ...] = ()


def write(folder: Path, text: str) -> Path:
    path = folder / "car.yaml"
    path.write_text(text)
    return path


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    """A person mends everything in one go: unknown keys suggest the nearest, values say what is allowed."""
    path = write(tmp_path, "engine:\n  cylnders: 3\n  fuel: coal\n  cylinders: 0\nwings: 2\n")

    with pytest.raises(RecipeError) as caught:
        read_config(Car, path)

    assert str(caught.value).splitlines() == [
        f"{path}: 'name' is missing",
        f"{path}:3: engine.fuel: Input should be 'petrol' or 'steam' (found 'coal')",
        f"{path}:4: engine.cylinders: Input should be greater than or equal to 1 (found 0)",
        f"{path}:2: unknown key 'engine.cylnders'; did you mean 'cylinders'?",
        f"{path}:5: unknown key 'wings' (known: colours, engine, manual, name)",
    ]


def test_changes_go_on_top_of_the_file(tmp_path: Path) -> None:
    """`--set` wins over the file, makes sections that are not there, and reads values as YAML."""
    path = write(tmp_path, "name: a\nengine: {fuel: steam}\n")

    assert read_config(Car, path, changes=["engine.cylinders=6", "name=b"]) == Car(
        name="b", engine=Engine(fuel="steam", cylinders=6)
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("engine", "--set 'engine': write it as key=value, such as train.epochs=2"),
        ("name.first=x", "--set 'name.first=x': 'name' is 'a', not a mapping"),
        ("name=[", "--set 'name=[': the value is not valid YAML"),
    ],
)
def test_a_change_that_cannot_be_applied_says_why(change: str, message: str, tmp_path: Path) -> None:
    """A change names the part of itself that is wrong."""
    with pytest.raises(RecipeError) as caught:
        read_config(Car, write(tmp_path, "name: a\n"), changes=[change])

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [1\nengine:", "{path}:2: not valid YAML (expected ',' or ']', but got ':')"),
        ("- a\n", "{path}: expected a mapping of keys such as 'model' and 'data', found ['a']"),
        ("", "{path}: expected a mapping of keys such as 'model' and 'data', found None"),
    ],
)
def test_a_file_that_is_no_settings_file_says_so(text: str, message: str, tmp_path: Path) -> None:
    """Broken YAML is named with its line, and another shape with what was found."""
    path = write(tmp_path, text)

    with pytest.raises(RecipeError) as caught:
        read_config(Car, path)

    assert str(caught.value) == message.format(path=path)


def test_an_absent_file_names_the_command_that_writes_one(tmp_path: Path) -> None:
    """The remedy stands in the message."""
    with pytest.raises(RecipeError, match=r"no such file; write a recipe with: tunegate init DATA"):
        read_config(Car, tmp_path / "none.yaml")


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    """A path is looked up beside the settings file; what is not there stays as it is, since it may be a hub id."""
    (tmp_path / "books").mkdir()

    assert read_config(Car, write(tmp_path, "name: a\nmanual: books\n")).manual == str(tmp_path / "books")
    assert read_config(Car, write(tmp_path, "name: a\nmanual: org/books\n")).manual == "org/books"
    assert read_config(Car, write(tmp_path, "name: a\nmanual: ./books\n")).manual == str(tmp_path / "books")
    assert read_config(Car, write(tmp_path, "name: a\nmanual: ~/books\n")).manual == str(Path.home() / "books")


def test_a_data_file_that_is_nowhere_is_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No hub id ends like one; it is looked for beside the settings file and in the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipes").mkdir()
    (tmp_path / "here.jsonl").touch()
    path = write(tmp_path / "recipes", "name: a\nmanual: nowhere.jsonl.gz\n")

    with pytest.raises(RecipeError) as caught:
        read_config(Car, path)
    assert str(caught.value) == (
        f"{path}:2: manual: no such file in {tmp_path / 'recipes'} or {tmp_path} (found 'nowhere.jsonl.gz')"
    )
    with pytest.raises(RecipeError, match="no such file in"):
        read_config(Car, write(tmp_path / "recipes", "name: a\nmanual: no/*.csv\n"))
    with pytest.raises(RecipeError, match="manual: no such file \\(found"):
        read_config(Car, write(tmp_path / "recipes", f"name: a\nmanual: {tmp_path}/none.csv\n"))
    assert read_config(Car, write(tmp_path / "recipes", "name: a\nmanual: here.jsonl\n")).manual == "here.jsonl"


def test_settings_without_a_file_are_checked_the_same_way() -> None:
    """Options of a single stage get the same messages as a recipe."""
    assert make_config(Engine, ["cylinders=2"]) == Engine(cylinders=2)
    with pytest.raises(RecipeError, match=r"^--set: unknown key 'colour' \(known: cylinders, fuel\)$"):
        make_config(Engine, ["colour=red"])


class Lamp(Config):
    state: Literal["on", "off"] = "on"
    dimmed: bool = False


def test_off_is_a_word_and_true_is_a_boolean(tmp_path: Path) -> None:
    """`off` without quotes reaches a setting that is called so, in a file and as a change."""
    path = tmp_path / "lamp.yaml"
    path.write_text("state: off\ndimmed: true\n")

    assert read_config(Lamp, path) == Lamp(state="off", dimmed=True)
    assert make_config(Lamp, ["state=off", "dimmed=true"]) == Lamp(state="off", dimmed=True)


def test_one_value_for_a_list_is_told_how_to_be_written() -> None:
    """The remedy is the very text to write."""
    with pytest.raises(RecipeError, match=r"colours: expected a list, even of one; write \[red\] \(found 'red'\)"):
        make_config(Car, ["name=a", "colours=red"])


def test_a_key_that_stands_twice_is_a_mistake(tmp_path: Path) -> None:
    """YAML would keep the last without a word; each is named with both lines, at any depth, also in `--set`."""
    path = write(tmp_path, "name: a\nengine: {fuel: steam}\nname: b\nengine:\n  cylinders: 1\n  cylinders: 2\n")

    with pytest.raises(RecipeError) as caught:
        read_config(Car, path)

    assert str(caught.value).splitlines() == [
        f"{path}:3: 'name' is set twice, first in line 1; keep one of them",
        f"{path}:4: 'engine' is set twice, first in line 2; keep one of them",
        f"{path}:6: 'engine.cylinders' is set twice, first in line 5; keep one of them",
    ]
    with pytest.raises(RecipeError, match="'fuel' is set twice"):
        make_config(Car, ["engine={fuel: steam, fuel: petrol}"])
