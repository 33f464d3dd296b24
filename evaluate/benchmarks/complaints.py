"""What lm-eval raises over a definition to one sentence that says what to do."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ...core.errors import DataError, ModelError

SPLITS = ("training_split", "validation_split", "test_split", "fewshot_split")
"""Keys of a definition that name a split."""
PACKAGES = {
    **dict.fromkeys(("langdetect", "immutabledict", "nltk"), "'lm-eval[ifeval]'"),
    **dict.fromkeys(("antlr4", "math_verify", "sympy"), "'lm-eval[math]'"),
    "rouge_score": "rouge-score",
}
"""Modules that definitions import → what pip installs them by, where that is called otherwise."""
CORPUS_ONLY = frozenset(
    {"f1", "mcc", "likelihood", "bleu", "chrf", "chrf++", "ter", "perplexity", "word_perplexity", "byte_perplexity"}
)
"""Metrics that lm-eval's own processing only makes of all items together; perplexity's rows are
log-likelihoods, of which more is better, not less."""
UNKNOWN_KEY = re.compile(r"unexpected keyword argument '(.+)'")


def cannot_open(
    name: str,
    error: Exception,
    definition: Mapping[str, Any],
    *,
    keys: Collection[str],
    mirror: Path | None,
    is_local: bool,
) -> DataError:
    """The error for a benchmark that lm-eval cannot open.

    Args:
        name: The benchmark.
        error: What was raised.
        definition: As it stands in its file.
        keys: Keys that a definition may have.
        mirror: The mirror that was looked in, if any.
        is_local: Whether its data is in that mirror or in files beside the definition.
    """
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    known = _known_causes(error, definition, keys)
    if known or is_local:
        return DataError(f"benchmark {name!r} cannot be loaded: {known or first}")
    where = f"; {mirror}/index.json does not list it" if mirror else ""
    remedy = f"make a mirror where there is a network: tunegate mirror {name}"
    return DataError(f"benchmark {name!r} cannot be loaded ({first}){where}; {remedy}")


def too_few_examples(name: str, shots: int) -> DataError:
    """The error for more solved examples than there are documents to take them from."""
    return DataError(
        f"benchmark {name!r}: {shots} solved examples are to stand in every prompt, but the split that they come from "
        "is smaller; lower num_fewshot"
    )


def require_metric(name: str, metric: str | None, known: Collection[str], *, is_standard: bool) -> None:
    """Refuse a metric that a task does not have for each of its items, or a task that has none.

    Args:
        name: The benchmark.
        metric: The one that is asked for; None: any.
        known: Those of the task.
        is_standard: Whether lm-eval's own processing makes them.

    Raises:
        DataError: it does not have it.
    """
    if metric is not None and metric not in known:
        raise DataError(f"benchmark {name!r} has no metric {metric!r}; it has {', '.join(sorted(known))}")
    single = sorted(set(known) - CORPUS_ONLY) if is_standard else sorted(known)
    if not single or (metric is not None and metric not in single):
        raise no_single_metric(name, metric, of_all=known, single=single)


def no_single_metric(name: str, metric: str | None, *, of_all: Collection[str], single: Collection[str]) -> DataError:
    """The error for a metric, or a whole task, that exists for no single item."""
    wanted = metric or " and ".join(sorted(of_all))
    remedy = f"take {' or '.join(sorted(single))}" if single else "add acc or exact_match to a copy of its definition"
    return DataError(
        f"benchmark {name!r}: {wanted} can only be made of all items together, and models are compared item by item; "
        f"{remedy}"
    )


def no_answer(url: str, error: Exception) -> ModelError:
    """The error for a server of which an adapter gets no answer."""
    return ModelError(
        f"evaluate.backend: the server at {url} does not answer ({type(error).__name__}: {error}); "
        f"see that it runs and serves that model, or correct evaluate.backend_options.base_url"
    )


def _known_causes(error: Exception, definition: Mapping[str, Any], keys: Collection[str]) -> str:
    if isinstance(error, KeyError):
        missing = error.args[0] if error.args else None
        named = [key for key in SPLITS if definition.get(key) == missing]
        if missing is None:
            return "a metric of its metric_list is none of lm-eval's; state its aggregation, or take another"
        if named:
            return f"{named[0]} is {missing!r}, but its data has no such split"
    if found := UNKNOWN_KEY.search(str(error)):
        near = get_close_matches(found[1], keys, n=1)
        return f"unknown key {found[1]!r}" + (f"; did you mean {near[0]!r}?" if near else "")
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = PACKAGES.get(error.name, error.name)
        return f"it needs {error.name!r}, which is not installed; run: pip install {package}"
    if type(error).__name__ == "UndefinedError":
        return f"{error}: its template names a field that its documents do not have"
    return ""
