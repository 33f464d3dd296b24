"""A text to its folded form: what "the same text" means everywhere in curation.

Folding is NFKC, case folding, words only, single spaces: punctuation goes. Symbols that tell two texts apart are words
of their own: currency signs, signs of arithmetic, and emoji, so that `€1` is not `£1`, `C++` not `C`, and `6*2` not
`6/2`. The sign of a negative number belongs to it, so that `-5` is not `5`; other hyphens part words. Characters of
scripts that are written without spaces (Han, kana, Thai, Lao, Khmer, Burmese) stand alone as words too, so that word
shingles see them.
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

ASCII_SYMBOLS = "#$%*+/<=>^"
"""ASCII characters that are words of their own; a hyphen is none, since it mostly joins words."""
SAME_SIGNS = {"\u00d7": " * ", "\u00f7": " / ", "\u2044": " / ", "\u2215": " / "}
"""Mathematical signs that mean an ASCII one."""
MINUS = "\u2212"
"""The minus sign: in a folded text, the first character of a negative number."""
DASH = "\u2013"
"""The en dash, which is set for a minus sign; as one it stands right before a number."""
JOINED = ")]}%."
"""ASCII marks that end what a hyphen right behind them joins to the next number, as in `5%-10%`."""
NEGATIVE = re.compile(
    rf"[-{DASH}](?<![\w{re.escape(JOINED)}\u00b0\u2032{DASH}-].)([$\u00a2-\u00a5\u20a0-\u20cf]?)\.?(?=[0-9])"
)
"""The sign of a negative number, with a currency sign or a point between them: behind nothing that it could join."""
EMOJI_BLOCKS = ((0x2600, 0x27BF), (0x1F000, 0x1FAFF))
"""Code point ranges, both ends included, whose symbols (category So) are words of their own."""

VARIATIONS = frozenset(map(chr, range(0xFE00, 0xFE10)))
"""Variation selectors, which choose how the character before them looks."""

_ASCII_WORDS = {
    byte: chr(byte) if chr(byte).isalnum() or chr(byte) in f"_{ASCII_SYMBOLS}" else " " for byte in range(128)
}
"""ASCII code point → itself where it belongs to a word or is one, else a space."""


def fold(text: str) -> str:
    """The folded form; idempotent. A text without any word keeps its punctuation, so ':)' is not ':('.

    >>> fold("  Don't  PANIC!! ")
    'don t panic'
    >>> fold("\uff21\uff22\uff23 stra\u00dfe")
    'abc strasse'
    >>> fold("C++ for \u20ac1, not C#")
    'c + + for \u20ac 1 not c #'
    >>> fold("at -5 to -$10, 3-4 well-known")
    'at \u22125 to $ \u221210 3 4 well known'
    >>> fold(" :) ")
    ':)'
    """
    if text.isascii():
        plain = _mark_negative(text.lower()).translate(_ASCII_WORDS)
        for symbol in ASCII_SYMBOLS:
            plain = plain.replace(symbol, f" {symbol} ")
        return " ".join(plain.split()) or " ".join(text.split())
    plain = _mark_negative(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()))
    return " ".join(plain.translate(_WORD_CHARACTERS).split()) or " ".join(plain.split())


def _mark_negative(text: str) -> str:
    """The text with a minus sign right before each negative number, and hyphens for all others."""
    plain = text.replace(MINUS, "-")
    return NEGATIVE.sub(_as_minus, plain) if "-" in plain or DASH in plain else plain


def _as_minus(found: re.Match[str]) -> str:
    # A combining mark belongs to the letter before it, and the hyphen joins that.
    before = found.string[found.start() - 1 : found.start()]
    is_joined = before and unicodedata.category(before)[0] == "M"
    return found[0] if is_joined else f"{found[1]}{MINUS}"


class _WordCharacters(dict[int, str]):
    """Code point → itself where it belongs to a word, else a space; filled as characters are met."""

    def __missing__(self, code: int) -> str:
        self[code] = found = _as_word_character(code)
        return found


def _as_word_character(code: int) -> str:
    character = chr(code)
    if character == MINUS:
        return character
    if is_symbol(character):
        return SAME_SIGNS.get(character, f" {character} ")
    if any(first <= code <= last for first, last in UNSPACED_BLOCKS):
        return f" {character} " if unicodedata.category(character)[0] in "LMN" else " "
    # Without their combining marks, Indic and Arabic vowels would split a word or vanish.
    is_word = character.isalnum() or character == "_" or unicodedata.category(character)[0] == "M"
    return character if is_word and character not in VARIATIONS else " "


def is_symbol(character: str) -> bool:
    """Whether a character is a word of its own: a currency or mathematical sign, or an emoji.

    >>> [is_symbol(character) for character in "+\u20ac\u2260\U0001f600.-|"]
    [True, True, True, True, False, False, False]
    """
    if character.isascii():
        return character in ASCII_SYMBOLS
    category = unicodedata.category(character)
    is_emoji = category == "So" and any(first <= ord(character) <= last for first, last in EMOJI_BLOCKS)
    return category in ("Sc", "Sm") or is_emoji


_WORD_CHARACTERS = _WordCharacters()
