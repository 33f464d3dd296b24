"""Text from data and models to text that is inert in a medium: terminal, HTML, Markdown, XML.

Everything that a report did not write itself passes through here. Nothing is lost silently: a character that could
act (an escape sequence, a change of writing direction, an invisible tag) becomes a visible sign for itself.
"""

from __future__ import annotations

import html
import re

ELLIPSIS = "…"
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 and C1 controls but tab and line feed
    "\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # bidi, zero width, separators
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"  # surrogates and non-characters: not allowed in UTF-8 or XML
    "\U000e0000-\U000e007f]"  # invisible tag characters
)
_MARKDOWN_ACTIVE = re.compile(r"([\\`*_\[\]#!|~$])")
_MARKDOWN_BLOCK = re.compile(r"^(\d+(?=[.)](?: |$)))?([-+=.)])")  # would begin a list or underline a heading
_MENTION = re.compile(r"@(?=\S)")
_BREAK = "&#8203;"  # a zero-width space of our own: GitHub no longer sees a mention or a link


def visible(text: str) -> str:
    r"""Characters that act or hide, as signs that show; line feeds and tabs stay.

    >>> visible("red \x1b[31m and \u202eevil")
    'red ␛[31m and ⟨U+202E⟩evil'
    """
    return _INVISIBLE.sub(_sign, text)


def one_line(text: str) -> str:
    r"""Visible text on one line: every run of white space is one space.

    >>> one_line(" a\n\tb ")
    'a b'
    """
    return visible(" ".join(text.split()))


def clip(text: str, limit: int) -> str:
    """At most `limit` characters, with a word on how many there were.

    >>> clip("abcdefgh" * 10, 40)
    'abcdefghabcdefghabcdefg… (80 characters)'
    """
    if len(text) <= limit:
        return text
    tail = f"{ELLIPSIS} ({len(text):,} characters)"
    return text[: max(limit - len(tail), 1)] + tail


def html_text(text: object) -> str:
    """Inert in HTML, between tags and inside a quoted attribute.

    >>> html_text('<b onclick="x">')
    '&lt;b onclick=&quot;x&quot;&gt;'
    """
    return html.escape(visible(str(text)), quote=True)


def xml_text(text: object) -> str:
    """Inert in XML 1.0, between tags and inside a quoted attribute; line feeds survive in attributes.

    >>> xml_text("a" + chr(0) + "&b" + chr(10))
    'a␀&amp;b&#10;'
    """
    return html_text(text).replace("\n", "&#10;").replace("\t", "&#9;")


def markdown_text(text: object) -> str:
    r"""A sentence inert in GitHub Markdown, on one line: no mark-up, mention, reference, link, image or table cell.

    >>> print(markdown_text("![x](http://e.vil) @everyone #1 a|b"))
    \!\[x\](http:&#8203;//e.vil) @&#8203;everyone \#&#8203;1 a\|b
    """
    escaped = html.escape(one_line(str(text)), quote=False)
    escaped = _MARKDOWN_BLOCK.sub(r"\1\\\2", _MARKDOWN_ACTIVE.sub(r"\\\1", escaped))
    escaped = escaped.replace("://", f":{_BREAK}//").replace("www.", f"www{_BREAK}.")
    return _MENTION.sub(f"@{_BREAK}", escaped).replace(r"\#", rf"\#{_BREAK}")


def markdown_code(text: object) -> str:
    r"""Data as a code span that fits into a table cell; a span neither links, mentions nor holds HTML.

    >>> print(markdown_code("a`b|c"))
    `` a`b\|c ``
    """
    line = one_line(str(text)).replace("|", r"\|")
    if not line:
        return "*(empty)*"
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def _sign(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if 0xD800 <= code <= 0xDFFF:
        return "�"
    return f"⟨U+{code:04X}⟩"
