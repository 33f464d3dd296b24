"""Verdicts and comparisons on disk."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from tunegate.core.errors import IntegrityError
from tunegate.core.results import Check
from tunegate.evaluate import (
    GateConfig,
    compare_scores,
    judge,
    read_comparison,
    read_verdict,
    verdict_schema,
    verdict_to_json,
    write_comparison,
    write_verdict,
)


def violations(value: Any, schema: dict[str, Any], place: str = "$") -> list[str]:
    """What breaks the part of JSON Schema that the verdict's schema uses."""
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}
    allowed = schema.get("type", [])
    names = [allowed] if isinstance(allowed, str) else allowed
    if names and not any(value is None if name == "null" else isinstance(value, kinds[name]) for name in names):
        return [f"{place}: {value!r} is not {names}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{place}: {value!r} is not in {schema['enum']}"]
    if "const" in schema and value != schema["const"]:
        return [f"{place}: {value!r} is not {schema['const']!r}"]
    found = []
    if isinstance(value, dict) and "properties" in schema:
        found += [f"{place}.{name} is missing" for name in schema["required"] if name not in value]
        found += [f"{place}.{name} is unknown" for name in value if name not in schema["properties"]]
        for name in value.keys() & schema["properties"].keys():
            found += violations(value[name], schema["properties"][name], f"{place}.{name}")
    if isinstance(value, list):
        found += [text for item in value for text in violations(item, schema["items"], f"{place}[]")]
    return found


@pytest.fixture
def comparison(make_scores: Any) -> Any:
    """A comparison with every kind of content: a task, clusters, subjects, numbers, bits per byte, a void benchmark."""
    infos = {
        "f1": {"scale": "continuous", "metric": "f1"},
        "text": {"scale": "ratio", "higher_is_better": False},
        "guess": {"chance": 0.5},
    }
    sides = []
    for shift in (0, 1):
        values = [int((i + shift) % 7 > 0) for i in range(60)]
        tasks = {
            "task": values,
            "clustered": {"value": values, "cluster": [f"p{i // 3}" for i in range(60)]},
            "subjects": {"value": values, "subject": ["x", "y"] * 30},
            "f1": [0.5 + 0.01 * ((i * (1 + shift)) % 5) for i in range(60)],
            "text": {"value": [100.0 + i + shift for i in range(60)], "weight": [50.0] * 60},
            "guess": [i % 2 for i in range(60)],
        }
        sides.append(make_scores(tasks, model=f"model {shift}", infos=infos))
    return compare_scores(*sides)


def test_a_verdict_survives_the_disk(tmp_path: Path, comparison: Any) -> None:
    """What is read is what was written, to the last digit."""
    verdict = judge(comparison, GateConfig())
    write_verdict(verdict, tmp_path / "verdict.json")

    assert read_verdict(tmp_path / "verdict.json") == verdict


def test_a_comparison_survives_the_disk(tmp_path: Path, comparison: Any) -> None:
    """And gives the same verdict afterwards."""
    write_comparison(comparison, tmp_path / "comparison.json")
    again = read_comparison(tmp_path / "comparison.json")

    assert again == comparison
    assert judge(again, GateConfig()) == judge(comparison, GateConfig())


def test_a_verdict_follows_its_published_schema(comparison: Any) -> None:
    """Every field is described and nothing else is written."""
    data = json.loads(json.dumps(verdict_to_json(judge(comparison, GateConfig()))))

    assert violations(data, verdict_schema()) == []
    assert violations({**data, "outcome": "maybe"}, verdict_schema()) == [
        "$.outcome: 'maybe' is not in ['pass', 'fail', 'inconclusive']"
    ]


def test_the_schema_names_every_field_of_a_check() -> None:
    """A new field of a check cannot be forgotten in the schema."""
    published = verdict_schema()["properties"]["checks"]["items"]["properties"]

    assert sorted(published) == sorted(field.name for field in fields(Check))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a whole JSON file"),
        ('{"schema_version": 1, "outcome": "pa', "not a whole JSON file"),
        ("[]", "not a verdict of tunegate"),
        ('{"hello": 1}', "not a verdict of tunegate"),
        ('{"schema_version": 99}', "schema_version is 99, not 1"),
        ('{"schema_version": 1}', "a Verdict is incomplete"),
        ('{"schema_version": 1, "surprise": 1}', "unknown field 'surprise' in a Verdict"),
    ],
)
def test_empty_truncated_and_foreign_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    """Each with the file's name and what is wrong."""
    path = tmp_path / "verdict.json"
    path.write_text(text)

    with pytest.raises(IntegrityError, match=message):
        read_verdict(path)
    with pytest.raises(IntegrityError, match=str(path)):
        read_comparison(path)


def test_a_verdict_that_contradicts_itself_is_refused(tmp_path: Path, comparison: Any) -> None:
    """An outcome that was edited by hand no longer fits its exit code."""
    path = tmp_path / "verdict.json"
    write_verdict(judge(comparison, GateConfig()), path)
    path.write_text(path.read_text().replace('"outcome": "fail"', '"outcome": "pass"'))

    with pytest.raises(IntegrityError, match="exit_code 1 contradicts outcome 'pass'"):
        read_verdict(path)
