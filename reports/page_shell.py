"""Sections to one HTML file: everything inside it, and a policy that forbids anything else.

Text of data and models is escaped where a section is built; the script only shows, hides, sorts and exports what is
already there. The policy names the one style and the one script by their hashes, so that no other can run.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from .markup import Html, tag, text

Section = tuple[str, str, str, Html]
"""Anchor, word in the navigation, title, content; one without content is left out."""


def page(title: str, banner: Html, sections: Sequence[Section], *, review_key: str = "", version: str = "") -> str:
    """The whole file.

    Args:
        title: of the browser's tab.
        banner: what stands above everything.
        sections: in their order.
        review_key: what the browser keeps an unfinished review under.
        version: of the tool, for the last line.
    """
    style, script = _asset("page.css"), _asset("page.js")
    shown = [section for section in sections if section[3]]
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content="tunegate"),
        tag("title", text(title, 200)),
        Html(f"<style>{style}</style>"),
    )
    links = [tag("a", text(word), href=f"#{anchor}") for anchor, word, _, _ in shown]
    body = tag(
        "body",
        tag("a", text("Skip to the report"), href="#main", class_="skip"),
        banner,
        tag("nav", *links, aria_label="Sections"),
        tag("main", *(_section(anchor, heading, content) for anchor, _, heading, content in shown), id="main"),
        tag("footer", text(f"tunegate {version}".strip(), 100), _without_script()),
        Html(f"<script>{script}</script>"),
        data_run=review_key,
    )
    return f'<!doctype html>\n<html lang="en">{head}\n{body}</html>\n'


def _section(anchor: str, title: str, content: Html) -> Html:
    heading = tag("h2", text(title), id=f"{anchor}-title")
    return tag("section", heading, content, id=anchor, aria_labelledby=f"{anchor}-title")


def _without_script() -> Html:
    return tag("noscript", text(" · paging and review need JavaScript"))


def _policy(style: str, script: str) -> str:
    sources = [f"{kind}-src 'sha256-{_digest(asset)}'" for kind, asset in (("style", style), ("script", script))]
    return "; ".join(["default-src 'none'", *sources, "base-uri 'none'", "form-action 'none'"])


def _digest(asset: str) -> str:
    return base64.b64encode(hashlib.sha256(asset.encode()).digest()).decode()


@cache
def _asset(name: str) -> str:
    return (files(__package__) / "assets" / name).read_text(encoding="utf-8")
