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
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..core.records import Examples
from .context import Array
from .duplicates.blocks import slices, take_rows
from .duplicates.compiled import map_threads
from .folding import fold
from .ranking import id_numbers
from .scanning import replace_rows

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
WHITE_SPACE = "".join(
    map(chr, (*range(9, 14), *range(28, 33), 133, 160, 5760, *range(8192, 8203), 8232, 8233, 8239, 8287, 12288))
)
"""What `str.strip` removes."""
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
    examples: Examples, share: float, *, rows: Array | None = None, fold: Callable[[str], str] = fold
) -> Template:
    """Boilerplate that at least `share` of the distinct inputs (and at least `FEWEST`) have in common.

    Args:
        examples: n rows.
        share: as `dedup.template_share`.
        rows: positions of the rows to look at, ascending; none: all.
        fold: the fold to use, one that remembers for example.
    """
    texts = _sample(examples, rows, fold)
    fewest = max(FEWEST, int(np.ceil(share * len(texts))))
    counts = Counter(line for text in texts if "\n" in text for line in {line.strip() for line in text.split("\n")})
    lines = frozenset(line for line, count in counts.items() if line and count >= fewest)
    rests = [_without_lines(text, lines)[0] for text in texts]
    heads = [fold(rest[:EDGE]).split() for rest in rests]
    tails = [fold(rest[-EDGE:]).split()[::-1] for rest in rests]
    return Template(
        lines=lines,
        openings=_shared_openings(heads, fewest),
        closings=tuple(_backwards(text) for text in _shared_openings(tails, fewest)),
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


def strip_column(column: pa.ChunkedArray, template: Template) -> tuple[pa.ChunkedArray, Array]:
    """`strip_template` of a column: texts that fold to the same, as a column, and the same codes."""
    from .duplicates.strip import strip_affixes

    rows, rests, lines = _rows_without_lines(column, template.lines)
    shortened = replace_rows(column, rows, rests)
    bare, removed = strip_affixes(shortened, template.openings, template.closings)
    empty = rows[pc.equal(pc.utf8_length(pc.utf8_trim(rests, WHITE_SPACE)), 0).to_numpy(zero_copy_only=False)]
    bare = replace_rows(bare, empty, take_rows(column, empty).to_pylist())
    removed[empty] = -1
    encoded = lines.dictionary_encode()
    kinds = [tuple(text.split("\n")) for text in encoded.dictionary.to_pylist()]
    went = np.full(len(column), -1, np.int64)
    went[rows] = encoded.indices.to_numpy()
    affixes = (*template.openings, *template.closings, "")
    many = len(affixes)
    way = ((went + 1) * many + removed[:, 0] + 1) * many + removed[:, 1] + 1
    ways = np.unique(way)
    first, second, third = ways // many**2 - 1, ways // many % many - 1, ways % many - 1
    codes = [
        _code((*(kinds[at] if at >= 0 else ()), affixes[one], affixes[two]))
        for at, one, two in zip(first.tolist(), second.tolist(), third.tolist(), strict=True)
    ]
    return bare, np.array(codes, np.int64)[np.searchsorted(ways, way)]


def _code(removed: Iterable[str]) -> int:
    """A number for the removed parts that say what is asked."""
    return zlib.crc32("\n".join(part for part in removed if part.count(" ") >= NAMING_WORDS - 1).encode())


def _rows_without_lines(
    column: pa.ChunkedArray, lines: frozenset[str]
) -> tuple[Array, pa.LargeStringArray, pa.LargeStringArray]:
    """Rows that hold one of the lines, what is left of each, and the lines removed, joined."""
    known = pa.array(sorted(lines), pa.large_string())
    parts = list(map_threads(lambda piece: _piece_without_lines(*piece, known), slices(column) if lines else []))
    none = pa.array([], pa.large_string())
    rows, rests, gone = zip((np.empty(0, np.int64), none, none), *parts, strict=True)
    return np.concatenate(rows), pa.concat_arrays(rests), pa.concat_arrays(gone)


def _piece_without_lines(
    first: int, piece: pa.Array, known: pa.Array
) -> tuple[Array, pa.LargeStringArray, pa.LargeStringArray]:
    """`_rows_without_lines` of the rows from `first` on."""
    rows = np.flatnonzero(pc.match_substring(piece, "\n").to_numpy(zero_copy_only=False))
    parts = pc.split_pattern(piece.take(pa.array(rows)), "\n")
    every = pc.utf8_trim(parts.flatten(), WHITE_SPACE)
    is_known = pc.is_in(every, value_set=known)
    gone, rests = _chosen(parts.offsets, every, is_known), _chosen(parts.offsets, every, pc.invert(is_known))
    held = pc.greater(pc.list_value_length(gone), 0)
    newline = pa.scalar("\n", pa.large_string())
    both = [pc.binary_join(lists.filter(held), newline) for lists in (rests, gone)]
    return first + rows[held.to_numpy(zero_copy_only=False)], both[0], both[1]


def _chosen(offsets: pa.Array, values: pa.Array, mask: pa.Array) -> pa.LargeListArray:
    """Lists of only those values that are under the mask."""
    before = np.append(0, np.cumsum(mask.to_numpy(zero_copy_only=False)))
    return pa.LargeListArray.from_arrays(pa.array(before[offsets.to_numpy()], pa.int64()), values.filter(mask))


def _sample(examples: Examples, rows: Array | None, fold: Callable[[str], str]) -> list[str]:
    numbers = id_numbers(examples)
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


def _shared_openings(rows: Sequence[Sequence[str]], fewest: int) -> tuple[str, ...]:
    """Openings of at least `AFFIX_WORDS` words that `fewest` rows share, each as long as nearly all of them agree."""
    starts: dict[tuple[str, ...], list[Sequence[str]]] = {}
    for row in rows:
        if len(row) > AFFIX_WORDS:
            starts.setdefault(tuple(row[:AFFIX_WORDS]), []).append(row)
    grown = [_grow(list(start), members) for start, members in starts.items() if len(members) >= fewest]
    return tuple(sorted((" ".join(opening) + " " for opening in grown), key=lambda text: (-len(text), text)))


def _grow(opening: list[str], members: Sequence[Sequence[str]]) -> list[str]:
    while True:
        following = Counter(row[len(opening)] for row in members if len(row) > len(opening) + 1)
        word, count = following.most_common(1)[0] if following else ("", 0)
        if not count or count < GROWS * len(members):
            return opening
        opening.append(word)
