"""Written and wanted text to numbers: matches, overlaps and format checks."""

from __future__ import annotations

import json
import re
import string
import sys
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from ...core.errors import DataError, MissingExtraError, RecipeError

Metric = Callable[[str, str], float]
"""(prediction, target) to a number; larger is better."""
BINARY = {"exact_match", "normalized_match", "valid_json", "regex", "schema"}
"""Metrics that are 0 or 1 for every row."""
ARTICLES = re.compile(r"\b(a|an|the)\b")


def find_metric(name: str) -> Metric:
    """The function behind a metric's name.

    Raises:
        RecipeError: there is none.
        MissingExtraError: it needs a library that is not installed.
    """
    if name in PLAIN:
        return PLAIN[name]
    if name == "rouge_l":
        return _rouge_l()
    if name == "chrf":
        return _chrf()
    if name.startswith("regex:"):
        pattern = _pattern(name.removeprefix("regex:"))
        return lambda prediction, _target: float(pattern.search(prediction) is not None)
    if name.startswith("schema:"):
        return _schema(Path(name.removeprefix("schema:")))
    if ":" in name:
        return _own(name)
    known = ", ".join([*PLAIN, "rouge_l", "chrf", "regex:…", "schema:…", "module:function"])
    raise RecipeError(f"evaluate.metrics: {name!r} is none of {known}")


def is_binary(name: str) -> bool:
    """Whether a metric is 0 or 1 for every row."""
    return name.split(":")[0] in BINARY


def exact_match(prediction: str, target: str) -> float:
    """1 where both are equal but for space around them."""
    return float(prediction.strip() == target.strip())


def normalized_match(prediction: str, target: str) -> float:
    """1 where both are equal but for case, punctuation, articles and spacing (SQuAD's rule)."""
    return float(_words(prediction) == _words(target))


def token_f1(prediction: str, target: str) -> float:
    """Harmonic mean of precision and recall over normalised words (SQuAD's F1); two empty texts agree."""
    ours, theirs = _words(prediction), _words(target)
    if not ours or not theirs:
        return float(ours == theirs)
    shared = sum((Counter(ours) & Counter(theirs)).values())
    return 2 * shared / (len(ours) + len(theirs))


def valid_json(prediction: str, _target: str) -> float:
    """1 where the text is one JSON value."""
    try:
        json.loads(prediction)
    except ValueError:
        return 0.0
    return 1.0


PLAIN: dict[str, Metric] = {
    "exact_match": exact_match,
    "normalized_match": normalized_match,
    "token_f1": token_f1,
    "valid_json": valid_json,
}


def _words(text: str) -> list[str]:
    bare = "".join(character for character in text.lower() if character not in string.punctuation)
    return ARTICLES.sub(" ", bare).split()


def _rouge_l() -> Metric:
    try:
        from rouge_score.rouge_scorer import RougeScorer  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingExtraError("text", "rouge-score") from error
    scorer = RougeScorer(["rougeL"], use_stemmer=True)
    return lambda prediction, target: (
        exact_match(prediction, target) or float(scorer.score(target, prediction)["rougeL"].fmeasure)
    )


def _chrf() -> Metric:
    try:
        from sacrebleu.metrics.chrf import CHRF
    except ImportError as error:
        raise MissingExtraError("text", "sacrebleu") from error
    scorer = CHRF()
    return lambda prediction, target: (
        exact_match(prediction, target) or float(scorer.sentence_score(prediction, [target]).score) / 100
    )


def _schema(path: Path) -> Metric:
    try:
        from jsonschema import Draft202012Validator, SchemaError  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingExtraError("text", "jsonschema") from error
    try:
        validator = Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))
        validator.check_schema(validator.schema)
    except (OSError, ValueError) as error:
        raise DataError(f"evaluate.metrics: schema:{path}: cannot be read ({error})") from error
    except SchemaError as error:
        place = ".".join(map(str, error.path)) or "its top"
        raise DataError(f"evaluate.metrics: schema:{path}: no JSON schema (at {place}: {error.message})") from error

    def conforms(prediction: str, _target: str) -> float:
        try:
            return float(validator.is_valid(json.loads(prediction)))
        except ValueError:
            return 0.0

    return conforms


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise RecipeError(f"evaluate.metrics: regex:{text} is no regular expression of Python ({error})") from error


def _own(name: str) -> Metric:
    """A function of an installed module, or of a file in the working directory."""
    module, _, function = name.partition(":")
    before = list(sys.path)
    sys.path.append(str(Path.cwd()))  # last, so that it hides no installed module
    try:
        found: Any = getattr(import_module(module), function)
    except Exception as error:  # a module of the user's may fail in any way
        told = f"{type(error).__name__}: {error}"
        raise RecipeError(f"evaluate.metrics: {name!r} cannot be imported ({told}); write module:function") from error
    finally:
        sys.path[:] = before
    return lambda prediction, target: float(found(prediction, target))
