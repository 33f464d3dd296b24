"""Column names and a few rows to a layout: which of the four kinds the data is, and which column plays which part.

Names are compared without case. A guess is made only where one reading is plainly meant; the rest is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from .column_names import (
    CHAT_NAMES,
    LABEL_TIERS,
    PREFERENCE_PROMPTS,
    PROMPT_CONTEXTS,
    PROMPT_PAIRS,
    TEXT_PAIRS,
    TEXT_TIERS,
    TOOL_NAMES,
)
from .errors import DataError
from .records import Kind
from .tool_calls import CallError, read_tools
from .turns import holds_turns

PARTS: Mapping[Kind, tuple[str, ...]] = {
    "label": ("input", "target"),
    "completion": ("input", "target"),
    "chat": ("messages",),
    "preference": ("target", "rejected"),
}
"""Parts that a kind cannot do without."""

OPTIONAL_PARTS: Mapping[Kind, tuple[str, ...]] = {
    "label": ("pair",),
    "completion": ("pair",),
    "chat": ("tools",),
    "preference": ("input",),
}

PART_ALIASES: Mapping[str, str] = {
    **dict.fromkeys(("text", "prompt", "instruction", "question"), "input"),
    **dict.fromkeys(("label", "completion", "response", "answer", "output", "chosen"), "target"),
    "conversations": "messages",
    "text_pair": "pair",
}
"""Everyday words for the canonical parts, understood in `columns`."""

KIND_WORDS: Mapping[str, Kind] = {
    **dict.fromkeys(("messages", "conversations"), "chat"),
    **dict.fromkeys(("chosen", "rejected"), "preference"),
    **dict.fromkeys(("completion", "response", "answer", "output"), "completion"),
    **dict.fromkeys(("label", "text_pair"), "label"),
}
"""Words for parts that only one kind has."""

WORDS: Mapping[Kind, Mapping[str, str]] = {
    "label": {"input": "text", "target": "label"},
    "completion": {"input": "prompt", "target": "completion"},
    "chat": {},
    "preference": {"input": "prompt", "target": "chosen"},
}
"""What the parts of each kind are called in everyday words; the others go by their own name."""


MAX_NUMBER_CLASSES = 20
"""So many different fractions written as text may be classes (ratings such as 4.5) if they repeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which kind the rows are, and which of their columns make each canonical part."""

    kind: Kind
    """One of the four."""
    columns: Mapping[str, tuple[str, ...]]
    """Part → the input's own columns; several are joined by an empty line."""

    @property
    def names(self) -> dict[str, str]:
        """Part → column names as text, several joined by ` + `."""
        return {part: " + ".join(names) for part, names in self.columns.items()}


def recognise(
    names: Sequence[str],
    sample: Sequence[Mapping[str, Any]],
    *,
    place: str,
    kind: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> Layout:
    """The layout of rows with these column names, as told by `kind` and `columns`, the rest guessed.

    Raises:
        DataError: no reading, or several, fit; or a named column does not exist. `place` begins the message.
    """
    every = list(dict.fromkeys([*names, *(name for row in sample for name in row)]))
    given = _given_columns(every, columns or {}, place)
    guesses: dict[Kind, dict[str, tuple[str, ...]]] = {
        "label": _guess_label(names, given),
        "completion": _guess_completion(names, every, sample),
        "chat": _guess_chat(names, every, sample),
        "preference": _guess_preference(names, every),
    }
    guesses = {name: guess for name, guess in guesses.items() if guess}
    chosen = _known_kind(kind, place) or _meant_kind(columns or {}) or _choose_kind(guesses, names, sample, place)
    found = {**_single_parts(chosen, names), **guesses.get(chosen, {}), **given}
    if missing := [WORDS[chosen].get(part, part) for part in PARTS[chosen] if part not in found]:
        words = " and ".join(missing)
        raise DataError(
            f"{place}: no column is plainly the {words} of kind {chosen!r} {_listed(names)}; {_remedy(missing)}"
        )
    allowed = PARTS[chosen] + OPTIONAL_PARTS[chosen]
    return Layout(kind=chosen, columns={part: found[part] for part in allowed if part in found})


def check_labels(sample: Sequence[Mapping[str, Any]], layout: Layout, *, place: str) -> None:
    """Stop at measurements in the place of labels.

    Raises:
        DataError: most labels are numbers with a fraction, of which text has to be as varied as no set of classes is.
    """
    if layout.kind != "label":
        return
    name = layout.columns["target"][0]
    labels = [row[name] for row in sample if row.get(name) is not None]
    numbers = [label for label in labels if _has_fraction(label)]
    from_text = all(isinstance(label, str) for label in numbers)
    repeat = from_text and len(set(numbers)) <= min(MAX_NUMBER_CLASSES, len(numbers) // 2)
    if 2 * len(numbers) > len(labels) and not repeat:
        raise DataError(
            f"{place}: the label column {name!r} holds measurements, such as {numbers[0]}, not classes; "
            f"{_remedy(['label'])} to a column of classes, or turn the numbers into named ranges"
        )


def _has_fraction(label: Any) -> bool:
    if isinstance(label, str):
        if not any(character.isdigit() for character in label):
            return False  # "nan" and "inf" are words, and codes of languages
        try:
            label = float(label)
        except ValueError:
            return False
    return isinstance(label, float) and not label.is_integer()


def _given_columns(names: Sequence[str], columns: Mapping[str, str], place: str) -> dict[str, tuple[str, ...]]:
    parts = {part for kind in PARTS for part in PARTS[kind] + OPTIONAL_PARTS[kind]}
    given = {}
    for key, value in columns.items():
        part = PART_ALIASES.get(key, key)
        if part not in parts:
            raise DataError(f"{place}: data.columns.{key} is unknown; allowed: {', '.join(sorted(parts))}")
        wanted = (value,) if value in names else tuple(name.strip() for name in value.split("+"))
        absent = [name for name in wanted if name not in names]
        if absent:
            raise DataError(f"{place}: there is no column {absent[0]!r} {_listed(names)}; {_remedy([key])}")
        given[part] = wanted
    return given


def _known_kind(kind: str | None, place: str) -> Kind | None:
    for known in PARTS:
        if kind == known:
            return known
    if kind is not None:
        raise DataError(f"{place}: the kind {kind!r} is unknown; allowed: {', '.join(PARTS)}")
    return None


def _meant_kind(columns: Mapping[str, str]) -> Kind | None:
    """The kind that the user's own words for the parts imply."""
    return next((kind for word, kind in KIND_WORDS.items() if word in columns), None)


def _choose_kind(
    guesses: Mapping[Kind, Mapping[str, tuple[str, ...]]],
    names: Sequence[str],
    sample: Sequence[Mapping[str, Any]],
    place: str,
) -> Kind:
    if "preference" in guesses:
        return "preference"
    if "chat" in guesses:
        return "chat"
    label = _find(names, "label") or _find(names, "labels")
    if "completion" in guesses and label and _is_boolean(sample, label):
        raise DataError(
            f"{place}: {label!r} seems to mark good and bad answers {_listed(names)}; "
            "keep the good ones, or set data.kind: completion (--kind) to learn from all"
        )
    if "completion" in guesses and "label" in guesses and label:
        raise DataError(
            f"{place}: these rows could be prompts with answers or texts with labels {_listed(names)}; "
            "set data.kind: completion or data.kind: label (--kind)"
        )
    if "completion" in guesses:
        return "completion"
    if "label" in guesses:
        return "label"
    raise DataError(
        f"{place}: no columns are known as text and label, prompt and answer, messages, or chosen and rejected "
        f"{_listed(names)}; set data.kind, data.columns.input and data.columns.target "
        "(--kind label --column input=NAME --column target=NAME)"
    )


def _single_parts(kind: Kind, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Parts that stand alone: what is left to guess where the other part has no usual name, or is given."""
    if kind == "label":
        found = {"input": _first_tier(names, TEXT_TIERS), "target": _first_tier(names, LABEL_TIERS)}
    elif kind == "completion":
        prompts, answers = zip(*PROMPT_PAIRS, strict=True)
        found = {"input": _first_tier(names, [prompts]), "target": _first_tier(names, [answers])}
    else:
        return {}
    return {part: column for part, column in found.items() if column}


def _guess_label(names: Sequence[str], given: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    label = given.get("target") or _first_tier(names, LABEL_TIERS)
    rest = [name for name in names if name not in (label or ())]
    pairs = [pair for pair in TEXT_PAIRS if "text" in pair or not _find(rest, "text")]
    pair = next(((a, b) for one, two in pairs if (a := _find(rest, one)) and (b := _find(rest, two))), None)
    text = given.get("input") or _first_tier(rest, TEXT_TIERS)
    if not label:
        return {}
    if pair and "input" not in given:
        return {"input": (pair[0],), "pair": (pair[1],), "target": label}
    return {"input": text, "target": label} if text else {}


def _guess_completion(
    names: Sequence[str], every: Sequence[str], sample: Sequence[Mapping[str, Any]]
) -> dict[str, tuple[str, ...]]:
    for prompt, answer in PROMPT_PAIRS:
        first, second = _find(names, prompt), _find(names, answer)
        if first and second and not _is_boolean(sample, second):
            context = next((found for name in PROMPT_CONTEXTS.get(prompt, ()) if (found := _find(every, name))), None)
            return {"input": (first, context) if context else (first,), "target": (second,)}
    return {}


def _guess_chat(
    names: Sequence[str], every: Sequence[str], sample: Sequence[Mapping[str, Any]]
) -> dict[str, tuple[str, ...]]:
    """A list of turns, or a prompt and an answer that are both lists of turns; and the tools that they may call."""
    candidates: list[tuple[str, ...]] = [(column,) for name in CHAT_NAMES if (column := _find(names, name))]
    pairs = ((_find(names, prompt), _find(names, answer)) for prompt, answer in PROMPT_PAIRS)
    candidates += [(first, second) for first, second in pairs if first and second]
    for columns in candidates:
        if any(all(holds_turns(row.get(column)) for column in columns) for row in sample):
            tools = [name for wanted in TOOL_NAMES if (name := _find(every, wanted)) and _holds_tools(sample, name)]
            return {"messages": columns, **({"tools": (tools[0],)} if tools else {})}
    return {}


def _holds_tools(sample: Sequence[Mapping[str, Any]], name: str) -> bool:
    for row in sample:
        with suppress(CallError):
            if read_tools(row.get(name)):
                return True
    return False


def _guess_preference(names: Sequence[str], every: Sequence[str]) -> dict[str, tuple[str, ...]]:
    chosen, rejected = _find(names, "chosen"), _find(names, "rejected")
    prompt = next((found for name in PREFERENCE_PROMPTS if (found := _find(every, name))), None)
    if not chosen or not rejected:
        return {}
    return {**({"input": (prompt,)} if prompt else {}), "target": (chosen,), "rejected": (rejected,)}


def _first_tier(names: Sequence[str], tiers: Sequence[Sequence[str]]) -> tuple[str, ...] | None:
    """The one column of the first tier that has any; none where a tier has several."""
    for tier in tiers:
        found = [name for name in names if name.strip().lower() in tier]
        if found:
            return (found[0],) if len(found) == 1 else None
    return None


def _find(names: Sequence[str], wanted: str) -> str | None:
    return next((name for name in names if name.strip().lower() == wanted), None)


def _is_boolean(sample: Sequence[Mapping[str, Any]], column: str) -> bool:
    values = [row[column] for row in sample if row.get(column) is not None]
    return bool(values) and all(isinstance(value, bool) for value in values)


def _listed(names: Sequence[str]) -> str:
    return f"(columns: {', '.join(map(repr, names))})"


def _remedy(words: Sequence[str]) -> str:
    keys = " and ".join(f"data.columns.{word}" for word in words)
    return f"set {keys} in the recipe ({' '.join(f'--column {word}=NAME' for word in words)})"
