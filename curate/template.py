"""Inputs to the boilerplate that many of them share, and to what is left of each without it.

A prompt template (the Alpaca frame, a long system prompt, a fixed question before every text) would make rows alike
that share nothing else. Whole lines, and openings and closings of several words, that a share of the inputs have in
common are therefore not compared; and rows with different templates are not compared with each other, since
"translate into French" and "translate into German" before one text ask for two things.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ..core.records import Examples
from .context import Array
from .duplicates.blocks import take_rows
from .duplicates.compiled import jit_enabled
from .duplicates.rows import Replaced, Rows, as_rows
from .duplicates.shingles import mix64
from .folding import fold
from .ranking import id_numbers

SAMPLE = 5_000
"""Inputs that are looked at: those with the smallest content ids, so that the order of the rows does not matter."""
FEWEST = 20
"""Inputs that must share a line or an opening, however small the data."""
AFFIX_WORDS = 8
"""Words of a shared opening or closing; natural questions rarely share so many."""
EDGE = 2_000
"""Characters at either end in which an opening or closing is looked for."""
GROWS = 0.9
"""An opening grows by a word while this share of its inputs have that word next."""
NAMING_WORDS = 3
"""A removed line of this many words or more says what is asked, and tells templates apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Boilerplate: lines as they stand, openings and closings folded."""

    lines: frozenset[str] = frozenset()
    """Whole lines of inputs that have several."""
    openings: tuple[str, ...] = ()
    """First words, the longest first."""
    closings: tuple[str, ...] = ()
    """Last words, the longest first."""

    def __bool__(self) -> bool:
        return bool(self.lines or self.openings or self.closings)


def detect_template(
    examples: Examples,
    share: float,
    *,
    rows: Array | None = None,
    fold: Callable[[str], str] = fold,
    numbers: Array | None = None,
) -> Template:
    """Boilerplate that at least `share` of the distinct inputs (and at least `FEWEST`) have in common.

    Args:
        examples: n rows.
        share: as `dedup.template_share`.
        rows: positions of the rows to look at, ascending; none: all.
        fold: the fold to use, one that remembers for example.
        numbers: (n,) `id_numbers`, where they are known.
    """
    texts = _sample(examples, rows, fold, id_numbers(examples) if numbers is None else numbers)
    fewest = max(FEWEST, int(np.ceil(share * len(texts))))
    counts = Counter(line for text in texts if "\n" in text for line in {line.strip() for line in text.split("\n")})
    lines = frozenset(line for line, count in counts.items() if line and count >= fewest)
    rests = [_without_lines(text, lines)[0] for text in texts]
    heads = [fold(rest[:EDGE]) for rest in rests]
    tails = [fold(rest[-EDGE:]) for rest in rests]
    return Template(
        lines=lines,
        openings=_shared_openings(heads, fewest),
        closings=tuple(_backwards(text) for text in _shared_openings(tails, fewest, backwards=True)),
    )


def strip_template(texts: Iterable[str], template: Template) -> tuple[list[str], Array]:
    """Each text, folded, without its boilerplate, and (n,) int64 codes of what was removed.

    A text that is nothing but boilerplate keeps all of it.
    """
    kept, codes = [], []
    for text in texts:
        rest, removed = _without_lines(text, template.lines)
        rest = fold(rest)
        opening = next((affix for affix in template.openings if rest.startswith(affix)), "")
        rest = rest.removeprefix(opening)
        closing = next((affix for affix in template.closings if rest.endswith(affix)), "")
        rest = rest.removesuffix(closing)
        kept.append(rest or fold(text))
        codes.append(_code((*removed, opening, closing)))
    return kept, np.array(codes, dtype=np.int64)


class Bare(NamedTuple):
    """n rows without their boilerplate."""

    rows: Rows
    """Rows that fold to what `strip_template` gives."""
    codes: Array
    """(n,) int64: its codes."""
    gone: Array
    """(n,) uint64: the words that went in any order, as a number that adds to that of the words left."""
    unsure: Array
    """Rows, ascending, of which `gone` does not know it."""


def strip_rows(rows: Rows, template: Template) -> Bare:
    """`strip_template` of the first field of rows."""
    if not jit_enabled():
        return _strip_plainly(rows, template)
    from .duplicates.strip import strip_affixes, strip_lines

    bare, ways, marks = strip_lines(rows, template.lines)
    bare, removed = strip_affixes(bare, template.openings, template.closings, marks[:, 0])
    affixes = (*template.openings, *template.closings, "")
    if len(affixes) > 1:
        ways = mix64(ways) + ((removed[:, 0] + 1) * len(affixes) + removed[:, 1] + 1).astype(np.uint64)
    encoded = pa.array(ways).dictionary_encode()
    way, many = encoded.indices.to_numpy(), len(encoded.dictionary)
    example = np.empty(many, np.int64)
    example[way] = np.arange(len(way))
    codes, words, known = np.empty(many, np.int64), np.zeros(many, np.uint64), _line_words(template.lines)
    for at, row in enumerate(example.tolist()):
        lines = _without_lines(rows.field(0).texts(np.array([row]))[0], template.lines)[1]
        codes[at] = _code((*lines, *(affixes[place] for place in removed[row].tolist())))
        words[at] = np.array([known[line] for line in lines], np.uint64).sum()
    changed = bare.changed()
    is_sure = marks[changed, 1] & (removed[changed] < 0).all(axis=1)
    gone = np.zeros(len(rows), np.uint64)
    gone[changed] = words[way[changed]]
    return Bare(bare, codes[way], gone, changed[~is_sure])


def _line_words(lines: frozenset[str]) -> dict[str, int]:
    """The words of each line in any order, as a number; 0 for a line that has none beside a word."""
    from .duplicates.sketches import numbers_of

    known = sorted(lines)
    numbers = numbers_of(as_rows(known), np.arange(len(known)))[1].tolist()
    has_words = [fold(f"{line} a") != "a" for line in known]
    return {line: number * has for line, number, has in zip(known, numbers, has_words, strict=True)}


def _strip_plainly(rows: Rows, template: Template) -> Bare:
    """`strip_rows` text by text."""
    texts = rows.field(0).texts(np.arange(len(rows)))
    kept, codes = strip_template(texts, template)
    changed = np.array(
        [row for row, pair in enumerate(zip(texts, kept, strict=True)) if fold(pair[0]) != pair[1]], np.int64
    )
    data = [kept[row].encode() for row in changed.tolist()]
    replaced = Replaced(changed, np.frombuffer(b"".join(data), np.uint8), np.cumsum([0, *map(len, data)]))
    return Bare(replace(rows, replaced=replaced), codes, np.zeros(len(rows), np.uint64), changed)


def _code(removed: Iterable[str]) -> int:
    """A number for the removed parts that say what is asked."""
    return zlib.crc32("\n".join(part for part in removed if part.count(" ") >= NAMING_WORDS - 1).encode())


def _sample(examples: Examples, rows: Array | None, fold: Callable[[str], str], numbers: Array) -> list[str]:
    at = np.arange(len(numbers)) if rows is None else rows
    if len(at) > SAMPLE:
        at = at[np.argpartition(numbers[at], SAMPLE)[:SAMPLE]]
    distinct = {fold(text): text for text in sorted(take_rows(examples.table["input"], np.sort(at)).to_pylist())}
    return list(distinct.values())


def _without_lines(text: str, lines: frozenset[str]) -> tuple[str, list[str]]:
    """The text without the lines, and the lines removed, in order."""
    if not lines or "\n" not in text:
        return text, []
    all_lines = [line.strip() for line in text.split("\n")]
    return "\n".join(line for line in all_lines if line not in lines), [line for line in all_lines if line in lines]


def _backwards(opening: str) -> str:
    return " " + " ".join(reversed(opening.split()))


def _shared_openings(texts: Sequence[str], fewest: int, *, backwards: bool = False) -> tuple[str, ...]:
    """Openings of at least `AFFIX_WORDS` words that `fewest` folded texts share, each as long as nearly all agree.

    With `backwards`, words are read from the last one on.
    """
    starts: dict[tuple[str, ...], list[str]] = {}
    for text in texts:
        words = text.rsplit(" ", AFFIX_WORDS)[::-1] if backwards else text.split(" ", AFFIX_WORDS)
        if len(words) > AFFIX_WORDS:
            starts.setdefault(tuple(words[:AFFIX_WORDS]), []).append(text)
    step = -1 if backwards else 1
    grown = [
        _grow(list(start), [text.split(" ")[::step] for text in members])
        for start, members in starts.items()
        if len(members) >= fewest
    ]
    return tuple(sorted((" ".join(opening) + " " for opening in grown), key=lambda text: (-len(text), text)))


def _grow(opening: list[str], members: Sequence[Sequence[str]]) -> list[str]:
    while True:
        following = Counter(row[len(opening)] for row in members if len(row) > len(opening) + 1)
        word, count = following.most_common(1)[0] if following else ("", 0)
        if not count or count < GROWS * len(members):
            return opening
        opening.append(word)
