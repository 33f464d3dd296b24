"""Typed pieces of HTML: elements, and tables and lists that the page's script pages, filters and sorts.

`Html` is text that is already inert; plain text becomes it only through `text`, and the type checker minds the border.
Tables are written whole, so that the page reads without its script and prints.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NewType

from .escape import clip, html_text

Html = NewType("Html", str)
NOTHING = Html("")
VOID_TAGS = frozenset({"meta", "input", "br"})
PAGE_SIZE = 10
SHORT_TEXT = 28
"""Characters of a text that is never broken into two lines, such as a label."""
SHOWN_TEXT = 240
"""Characters of a text that show before it is unfolded."""
KEPT_TEXT = 800
"""Characters of a text that the page holds."""

FACET_TEXT = 100
"""Characters of a value that rows can be chosen by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Cells of a table, and what they can be filtered and reviewed by."""

    cells: Sequence[Html]
    facets: Mapping[str, str] = field(default_factory=dict)
    """Facet → this row's value; the script offers a choice for each facet."""
    review: str = ""
    """Content id to be kept or dropped by a reviewer, where the row can be."""


def text(value: object, limit: int = KEPT_TEXT) -> Html:
    """Any text, inert and of bounded length."""
    return Html(html_text(clip(str(value), limit)))


def tag(name: str, /, *children: Html, **attributes: object) -> Html:
    """An element; `class_` and `for_` lose their underscore, other underscores become hyphens, None is left out.

    >>> tag("p", text("a < b"), class_="note")
    '<p class="note">a &lt; b</p>'
    """
    pairs = ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items() if value is not None)
    opening = "".join([f"<{name}", *(f' {key}="{html_text(value)}"' for key, value in pairs), ">"])
    return Html(opening) if name in VOID_TAGS else Html(f"{opening}{''.join(children)}</{name}>")


def join(parts: Iterable[Html], separator: str = "") -> Html:
    """Pieces one after another; the separator is ours."""
    return Html(separator.join(parts))


def words(sentence: str, **attributes: object) -> Html:
    """A paragraph."""
    return tag("p", text(sentence), **attributes)


def data(value: object, *, tail: bool = False) -> Html:
    """Text of data or a model: its own writing direction, white space kept, folded where it is long.

    Args:
        value: the text.
        tail: whether its end says more than its beginning, as in a prompt with worked examples.
    """
    whole = str(value)
    if not whole:
        return tag("span", text("(empty)"), class_="muted")
    if len(whole) <= SHORT_TEXT and "\n" not in whole:
        return tag("span", text(whole), class_="data short", dir="auto")
    if len(whole) <= SHOWN_TEXT:
        shown = text(whole) if any(map(str.isspace, whole)) else Html(text(whole).replace("_", "_<wbr>"))
        return tag("span", shown, class_="data", dir="auto")
    if tail:
        whole = whole if len(whole) <= KEPT_TEXT else "…" + whole[-KEPT_TEXT:]
        short = "…" + whole[-SHOWN_TEXT:]
    else:
        short = whole[:SHOWN_TEXT] + "…"
    summary = tag("summary", tag("span", text(short), class_="data", dir="auto"))
    return tag("details", summary, tag("div", text(whole), class_="data whole", dir="auto"), class_="fold")


def table(
    columns: Sequence[str], rows: Sequence[Row], *, caption: str, numbers: Iterable[int] = (), page: int = PAGE_SIZE
) -> Html:
    """A table in a frame that the script turns into pages, with search, a choice per facet and sorting.

    Args:
        columns: titles.
        rows: cells in the order of the columns.
        caption: what the table holds, for screen readers and as the label of its controls.
        numbers: places of the columns that hold figures.
        page: rows a page.
    """
    right = set(numbers)
    reviewed = any(row.review for row in rows)
    titles = [
        tag("th", text(title), scope="col", class_="n" if i in right else None) for i, title in enumerate(columns)
    ]
    if reviewed:
        titles.append(tag("th", text("review"), scope="col", class_="review"))
    body = [_table_row(row, columns, right, reviewed=reviewed) for row in rows]
    whole = tag(
        "table",
        tag("caption", text(caption)),
        tag("thead", tag("tr", *titles)),
        tag("tbody", join(body, "\n")),
    )
    return tag("div", whole, class_="paged", data_page=page, data_label=caption)


def stack(items: Sequence[Html], *, caption: str, page: int = PAGE_SIZE) -> Html:
    """Blocks below one another, paged and searched like the rows of a table."""
    return tag("div", tag("div", join(items, "\n"), class_="stack"), class_="paged", data_page=page, data_label=caption)


def badge(state: str, sign: str) -> Html:
    """A state as a word with a sign, so that it does not depend on colour."""
    return tag("span", text(f"{sign} {state.upper()}"), class_=f"badge {state}")


def _table_row(row: Row, columns: Sequence[str], right: set[int], *, reviewed: bool) -> Html:
    cells = [
        tag("td", cell, class_="n" if i in right else None, data_title=title)
        for i, (cell, title) in enumerate(zip(row.cells, columns, strict=True))
    ]
    if reviewed:
        cells.append(tag("td", class_="review", data_id=row.review or None, data_title="review"))
    facets = {f"data_f_{name}": clip(value, FACET_TEXT) for name, value in row.facets.items()}
    return tag("tr", *cells, **facets)
