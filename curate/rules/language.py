"""Rows to findings about language: written in another script, or another language, than the dataset's majority."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np
import pyarrow.compute as pc

from ...core.records import Examples, Finding
from ..config import CurateConfig
from ..context import Array, Context
from ..duplicates.blocks import take_rows
from ..scanning import matches, prose_columns
from ..screen import NON_ASCII
from .suspects import column_bits

SCRIPTS = {
    "Latin": r"\p{Latin}",
    "Cyrillic": r"\p{Cyrillic}",
    "Greek": r"\p{Greek}",
    "Arabic": r"\p{Arabic}",
    "Hebrew": r"\p{Hebrew}",
    "Devanagari": r"\p{Devanagari}",
    "Thai": r"\p{Thai}",
    "Hangul": r"\p{Hangul}",
    "Han or kana": r"[\p{Han}\p{Hiragana}\p{Katakana}]",
}
"""Scripts told apart, as RE2 classes."""
LATIN = list(SCRIPTS).index("Latin")
MAJORITY = 0.9
"""Share of the rows in one script or language from which on the others are strangers."""
FEWEST_CHARACTERS = 4
"""Letters of a script that a row must have, more than of any other."""
FEWEST_LETTERS = 60
"""Shorter texts are not given to the language identifier: it guesses."""
SURE = 0.99
"""Probability that the identifier must reach."""
SAMPLE = 2000
"""Longer rows, the smallest content ids first, that tell the majority's language."""


def find_foreign_rows(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:  # noqa: ARG001
    """Script always; language too where the extra `language` (py3langid) is installed."""
    for name in prose_columns(examples):
        yield from _foreign_scripts(examples, name, (column_bits(examples, name, context) & NON_ASCII) > 0)
        if find_spec("py3langid") is not None:
            yield from _foreign_languages(examples, name)


def _foreign_scripts(examples: Examples, name: str, beyond_ascii: Array) -> Iterator[Finding]:
    column = examples.table[name]
    # What is all ASCII is Latin, if it has letters at all; only the rest needs a count per script.
    beyond = np.flatnonzero(beyond_ascii)
    if not len(beyond):
        return
    part = take_rows(column, beyond)
    # Few of these hold another script; of the others it matters only whether they have letters enough.
    foreign = matches(part, f"[{''.join(script.strip('[]') for name, script in SCRIPTS.items() if name != 'Latin')}]")
    counts = np.zeros((len(SCRIPTS), len(beyond)), dtype=np.int64)
    enough = matches(part, r"(?s)" + r"\p{Latin}.*?" * (FEWEST_CHARACTERS - 1) + r"\p{Latin}")
    counts[LATIN, enough] = FEWEST_CHARACTERS
    mixed = take_rows(part, np.flatnonzero(foreign))
    counts[:, foreign] = [pc.count_substring_regex(mixed, script).to_numpy() for script in SCRIPTS.values()]
    best, clear = counts.argmax(axis=0), counts.max(axis=0) >= FEWEST_CHARACTERS
    tally = np.bincount(best[clear], minlength=len(SCRIPTS))
    tally[LATIN] += len(examples) - len(beyond)
    main = int(tally.argmax())
    if tally[main] < MAJORITY * tally.sum():
        return
    scripts = list(SCRIPTS)
    for at in np.flatnonzero(clear & (best != main)).tolist():
        reason = f"The {name} is written in {scripts[best[at]]}, nearly all others in {scripts[main]}."
        evidence = {"column": name, "script": scripts[best[at]]}
        yield Finding(row=int(beyond[at]), rule="language", severity="warning", reason=reason, evidence=evidence)


def _foreign_languages(examples: Examples, name: str) -> Iterator[Finding]:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-not-found, unused-ignore]

    # The file format of the model changed in py3langid 0.4, and its loader's name with it.
    load = getattr(LanguageIdentifier, "from_model_file", None) or LanguageIdentifier.from_pickled_model
    identifier = load(MODEL_FILE, norm_probs=True)
    column = examples.table[name]
    rows = np.flatnonzero(pc.greater_equal(pc.utf8_length(column), FEWEST_LETTERS).to_numpy())
    ids = np.array(examples.ids)
    sample = rows[np.argsort(ids[rows], kind="stable")[:SAMPLE]]
    spoken = Counter(identifier.classify(column[int(row)].as_py())[0] for row in sample)
    main, count = spoken.most_common(1)[0] if spoken else ("", 0)
    if count < MAJORITY * len(sample) or not count:
        return
    for row in rows.tolist():
        language, sure = identifier.classify(column[row].as_py())
        if language != main and sure >= SURE:
            yield Finding(
                row=row,
                rule="language",
                severity="warning",
                reason=f"The {name} seems to be in {language!r}, nearly all others are in {main!r}.",
                score=float(sure),
                evidence={"column": name, "language": language},
            )
