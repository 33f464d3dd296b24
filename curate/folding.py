"""A text to its folded form: what "the same text" means everywhere in curation.

Folding is NFKC, case folding, word characters only, single spaces. Characters of scripts that are written without
spaces (Han, kana, Thai, Lao, Khmer, Burmese) stand alone as words, so that word shingles see them.
"""

from __future__ import annotations

import re
import unicodedata

UNSPACED_BLOCKS = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # kana
    (0x3400, 0x4DBF),  # Han, extension A
    (0x4E00, 0x9FFF),  # Han
    (0x20000, 0x3FFFD),  # Han, supplementary planes
)
"""Code point ranges, both ends included, of scripts that are written without spaces."""

_ASCII_WORDS = re.compile(r"\w+", re.ASCII)


def fold(text: str) -> str:
    """The folded form; idempotent. A text without any word character keeps its symbols, so ':)' is not ':('.

    >>> fold("  Don't  PANIC!! ")
    'don t panic'
    >>> fold("\uff21\uff22\uff23 stra\u00dfe")
    'abc strasse'
    >>> fold(" :) ")
    ':)'
    """
    if text.isascii():
        words = _ASCII_WORDS.findall(text.lower())
        return " ".join(words) if words else " ".join(text.split())
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(plain.translate(_WORD_CHARACTERS).split()) or " ".join(plain.split())


class _WordCharacters(dict[int, str]):
    """Code point → itself where it belongs to a word, else a space; filled as characters are met."""

    def __missing__(self, code: int) -> str:
        self[code] = found = _as_word_character(code)
        return found


def _as_word_character(code: int) -> str:
    character = chr(code)
    if any(first <= code <= last for first, last in UNSPACED_BLOCKS):
        return f" {character} " if unicodedata.category(character)[0] in "LMN" else " "
    # Without their combining marks, Indic and Arabic vowels would split a word or vanish.
    is_word = character.isalnum() or character == "_" or unicodedata.category(character)[0] == "M"
    return character if is_word else " "


_WORD_CHARACTERS = _WordCharacters()
