"""Names of lm-eval tasks, groups and tags to the definitions they stand for, without building lm-eval's full index.

lm-eval parses all of its 14,000 YAML files (7 to 15 seconds) to know what a name means. Here a file that bears the name
is looked into first; only where none defines it, the text of all files is searched. Only what is asked for is parsed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from ...core.errors import DataError
from ...core.settings import repeated_keys

DEFINES = re.compile(rb"(?m)^[\"']?(?:task|group)[\"']?[ \t]*:[ \t]*[\"']?([^\s\"'#]+)[\"']?[ \t\r]*$")
"""The line of a definition that names it."""
INCLUDES = re.compile(rb"(?m)^[\"']?include[\"']?[ \t]*:[ \t]*[\"']?([^\s\"'#]+)")
SUFFIX = ".yaml"
GROUP_KEYS = {"group", "group_alias", "task", "aggregate_metric_list", "metadata", "include", "tag"}
"""Keys of a group's own; all others are defaults for its members."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One task definition inside a benchmark."""

    name: str
    """Name of the task."""
    path: Path | None
    """YAML file that defines it; None where the definition is given inline."""
    overrides: Mapping[str, Any] = field(default_factory=dict)
    """What the group it was reached through sets for it."""


def find_leaves(name: str) -> list[tuple[str, list[Leaf]]]:
    """What a name stands for: (benchmark, its leaves) pairs.

    A task is one benchmark with one leaf. A group that lm-eval itself gives one score to (`mmlu`, `blimp`) is one
    benchmark whose leaves are subjects. A tag, or a group without a score of its own, is as many benchmarks as it
    has members.

    Raises:
        DataError: neither lm-eval nor a file defines the name, or the file sets a key twice.
    """
    if name.endswith((".yaml", ".yml")):
        path = Path(name).expanduser()
        leaves = _from_file(path, {})
        _require_distinct_keys(path)  # some of lm-eval's own have keys twice
        return leaves
    return _from_name(name, {})


def _from_name(name: str, overrides: Mapping[str, Any]) -> list[tuple[str, list[Leaf]]]:
    if path := official_file(name):
        return _from_file(path, overrides, name)
    members = _tagged(name)
    if not members:
        near = get_close_matches(name, _defining_files(), n=3, cutoff=0.75)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "see `lm-eval ls tasks`"
        raise DataError(f"benchmark {name!r}: lm-eval knows no such task or group; {hint}")
    return [pair for member in members for pair in _from_name(member, overrides)]


def _from_file(path: Path, overrides: Mapping[str, Any], name: str | None = None) -> list[tuple[str, list[Leaf]]]:
    definition = read_definition(path)
    if "group" in definition and isinstance(definition.get("task"), list):
        return _from_group(definition, overrides)
    if not isinstance(definition.get("task"), str):
        raise DataError(f"{path}: no 'task' or 'group' is named in it")
    leaf = Leaf(name=definition["task"], path=path, overrides=overrides)
    return [(name or leaf.name, [leaf])]


def _from_group(definition: Mapping[str, Any], overrides: Mapping[str, Any]) -> list[tuple[str, list[Leaf]]]:
    defaults = {key: value for key, value in definition.items() if key not in GROUP_KEYS}
    pairs = [pair for member in definition["task"] for pair in _from_member(member, {**defaults, **overrides})]
    if "aggregate_metric_list" not in definition:
        return pairs
    return [(definition["group"], [leaf for _, leaves in pairs for leaf in leaves])]


def _from_member(member: str | Mapping[str, Any], overrides: Mapping[str, Any]) -> list[tuple[str, list[Leaf]]]:
    if isinstance(member, str):
        return _from_name(member, overrides)
    own = {key: value for key, value in member.items() if key not in {"task", "group", "task_alias", "group_alias"}}
    if isinstance(member.get("task"), list):
        return _from_group(member, overrides)
    return _from_name(member.get("task") or member["group"], {**overrides, **own})


def _tagged(tag: str) -> list[str]:
    """Names of the tasks that carry a tag, themselves or by what they include, sorted as lm-eval sorts them."""
    word, names = tag.encode(), set()
    for path in official_texts():
        if _mentions(path, word):
            definition = read_definition(Path(path))
            tags = definition.get("tag") or []
            if tag in ([tags] if isinstance(tags, str) else tags) and isinstance(definition.get("task"), str):
                names.add(definition["task"])
    return sorted(names)


def _mentions(path: str, word: bytes) -> bool:
    if word in (official_texts().get(path) or _template(path)):
        return True
    included = _included(path)
    return included is not None and _mentions(included, word)


@cache
def _included(path: str) -> str | None:
    found = INCLUDES.search(official_texts().get(path) or _template(path))
    return str(Path(path).parent / found[1].decode()) if found else None


@cache
def _template(path: str) -> bytes:
    return Path(path).read_bytes() if Path(path).is_file() else b""


def official_file(name: str) -> Path | None:
    """The file of the installed lm-eval that defines a task or group."""
    path = _namesake(name) or _defining_files().get(name)
    return Path(path) if path else None


def _namesake(name: str) -> str | None:
    """The file that is called like a task or group (`_mmlu.yaml` for `mmlu`) and defines it."""
    return next((path for path in _by_stem().get(name, ()) if name.encode() in DEFINES.findall(_read(path))), None)


@lru_cache(maxsize=1)
def _by_stem() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in _official_files():
        found.setdefault(path.rpartition(os.sep)[2].removesuffix(SUFFIX).lstrip("_"), []).append(path)
    return found


@lru_cache(maxsize=1)
def _defining_files() -> dict[str, str]:
    """Name of every official task and group to the first file that defines it."""
    pairs = [(name.decode(), path) for path, text in official_texts().items() for name in DEFINES.findall(text)]
    return dict(reversed(pairs))


@lru_cache(maxsize=1)
def official_texts() -> dict[str, bytes]:
    """Path to content of every YAML file of the installed lm-eval (7 MB, read in under a second)."""
    return {path: _read(path) for path in _official_files()}


@lru_cache(maxsize=1)
def _official_files() -> list[str]:
    """Every YAML file of the installed lm-eval, a folder's own before those below it."""
    package = find_spec("lm_eval")
    if package is None or not package.submodule_search_locations:
        raise DataError("lm-eval is not installed; run: pip install lm-eval")
    found = []
    for folder, folders, names in os.walk(Path(package.submodule_search_locations[0]) / "tasks"):
        folders.sort()
        found += [f"{folder}{os.sep}{name}" for name in sorted(names) if name.endswith(SUFFIX)]
    return found


def _read(path: str) -> bytes:
    with open(path, "rb") as stream:  # noqa: PTH123  of 14,000 files, a Path each would be half of the time
        return stream.read()


def read_definition(path: Path) -> dict[str, Any]:
    """A definition with what it includes, as plain data; functions that it names stay names."""
    try:
        content = yaml.load(path.read_bytes(), Loader=_PlainLoader)  # noqa: S506  a SafeLoader with one more tag
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); name a task of lm-eval or a YAML file") from error
    except yaml.YAMLError as error:
        raise DataError(f"{path}: not YAML ({error})") from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: a task definition is a mapping, this is a {type(content).__name__}")
    includes = content.pop("include", [])
    merged: dict[str, Any] = {}
    for include in [includes] if isinstance(includes, str) else includes:
        merged |= read_definition(path.parent / include)
    return merged | content


def _require_distinct_keys(path: Path) -> None:
    if repeated := list(repeated_keys(yaml.compose(path.read_text(encoding="utf-8")))):
        raise DataError("\n".join(f"{path}:{problem}" for problem in repeated))


class _PlainLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML in which `!function module.name` is the text `module.name`."""


_PlainLoader.add_constructor("!function", lambda loader, node: loader.construct_scalar(node))
