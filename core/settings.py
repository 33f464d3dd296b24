"""YAML and `key=value` settings to a config, with every mistake reported at once, by file, line, key and value."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from .config import Config
from .errors import RecipeError

AnyConfig = TypeVar("AnyConfig", bound=Config)


class _Loader(yaml.SafeLoader):
    """YAML in which only true and false are booleans: `off` is a setting of ours and a word to whoever writes it."""

    yaml_implicit_resolvers: ClassVar = {  # type: ignore[misc]
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"true|True|TRUE|false|False|FALSE"), list("tTfF"))


def read_config(config: type[AnyConfig], path: Path, *, changes: Sequence[str] = ()) -> AnyConfig:
    """Read a YAML file as a config and apply `a.b=value` changes on top; its paths are relative to its folder.

    Raises:
        RecipeError: the file is absent or not YAML, or keys or values are wrong: all of them, one a line.
    """
    text = _read_text(path)
    tree = _parse(text, path)
    node = yaml.compose(text)
    if repeated := [f"{path}:{problem}" for problem in repeated_keys(node)]:
        raise RecipeError("\n".join(repeated))
    return _validate(config, tree, changes, place=str(path), lines=_key_lines(node), base=path.parent)


def make_config(config: type[AnyConfig], changes: Sequence[str]) -> AnyConfig:
    """A config with defaults and `a.b=value` changes.

    Raises:
        RecipeError: keys or values are wrong: all of them, one a line.
    """
    return _validate(config, {}, changes, place="--set", lines={}, base=None)


def _validate(
    config: type[AnyConfig],
    tree: dict[str, Any],
    changes: Sequence[str],
    *,
    place: str,
    lines: Mapping[tuple[str, ...], int],
    base: Path | None,
) -> AnyConfig:
    for change in changes:
        _apply(tree, change)
    try:
        return config.model_validate(tree, context={"base": base})
    except ValidationError as error:
        problems = [_describe(problem, config, place, lines) for problem in error.errors()]
        raise RecipeError("\n".join(dict.fromkeys(problems))) from error


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RecipeError(f"{path}: no such file; write a recipe with: tunegate init DATA") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read as UTF-8 text ({error})") from error


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        tree = yaml.load(text, Loader=_Loader)  # noqa: S506  a safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark else str(path)
        raise RecipeError(f"{place}: not valid YAML ({getattr(error, 'problem', error)})") from error
    if not isinstance(tree, dict):
        raise RecipeError(f"{path}: expected a mapping of keys such as 'model' and 'data', found {tree!r:.40}")
    return tree


def _apply(tree: dict[str, Any], change: str) -> None:
    key, equals, value = change.partition("=")
    if not equals or not key:
        raise RecipeError(f"--set {change!r}: write it as key=value, such as train.epochs=2")
    *parents, last = key.split(".")
    for parent in parents:
        below = tree.setdefault(parent, {})
        if not isinstance(below, dict):
            raise RecipeError(f"--set {change!r}: {parent!r} is {below!r:.40}, not a mapping")
        tree = below
    try:
        tree[last] = yaml.load(value, Loader=_Loader)  # noqa: S506  a safe loader
        repeated = next(repeated_keys(yaml.compose(value)), None)
    except yaml.YAMLError as error:
        raise RecipeError(f"--set {change!r}: the value is not valid YAML") from error
    if repeated:
        raise RecipeError(f"--set {change!r}: line {repeated}")


def repeated_keys(node: Any, prefix: tuple[str, ...] = ()) -> Iterator[str]:
    """Keys that stand twice in one mapping, of which YAML would keep the last without a word: line and problem."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from repeated_keys(item, prefix)
    elif isinstance(node, yaml.MappingNode):
        first: dict[str, int] = {}
        for key, value in node.value:
            path, line = (*prefix, str(key.value)), key.start_mark.line + 1
            if path[-1] in first:
                yield f"{line}: {'.'.join(path)!r} is set twice, first in line {first[path[-1]]}; keep one of them"
            first.setdefault(path[-1], line)
            yield from repeated_keys(value, path)


def _key_lines(node: Any, prefix: tuple[str, ...] = ()) -> dict[tuple[str, ...], int]:
    """1-based line of every key, by its path."""
    lines: dict[tuple[str, ...], int] = {}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            path = (*prefix, str(key.value))
            lines[path] = key.start_mark.line + 1
            lines.update(_key_lines(value, path))
    return lines


def _describe(problem: Any, config: type[Config], place: str, lines: Mapping[tuple[str, ...], int]) -> str:
    """One problem as `recipe.yaml:7: train.epochs: …`."""
    key = tuple(_own_keys(problem["loc"]))
    line = next((lines[key[:end]] for end in range(len(key), 0, -1) if key[:end] in lines), None)
    place = f"{place}:{line}" if line else place
    name = ".".join(key)
    if problem["type"] == "extra_forbidden":
        return f"{place}: unknown key {name!r}{_nearest(config, key)}"
    if problem["type"] == "missing":
        return f"{place}: {name!r} is missing"
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] in ("tuple_type", "list_type"):
        message = f"expected a list, even of one; write [{problem['input']!s:.60}]"
    return f"{place}: {name}: {message} (found {problem['input']!r:.60})" if name else f"{place}: {message}"


def _own_keys(location: Sequence[str | int]) -> Iterator[str]:
    """The keys that a person wrote; pydantic also lists the branches of a union, such as `list[str]`."""
    for part in map(str, location):
        if not (part.endswith("Config") or "[" in part or part in {"str", "int", "float", "bool"}):
            yield part


def _below(model: Any, key: str) -> Any:
    """The config class under a key of a config class, or None."""
    field = getattr(model, "model_fields", {}).get(key)
    options = [field.annotation, *get_args(field.annotation)] if field else []
    return next((option for option in options if isinstance(option, type) and issubclass(option, BaseModel)), None)


def _nearest(model: Any, key: Sequence[str]) -> str:
    for part in key[:-1]:
        model = _below(model, part)
    known = sorted(getattr(model, "model_fields", {}))
    close = difflib.get_close_matches(key[-1], known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f" (known: {', '.join(known)})"
