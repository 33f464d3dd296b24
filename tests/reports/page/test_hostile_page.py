"""Text of data and models does nothing in the page, whatever it holds."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from tunegate.core.results import RunResults
from tunegate.reports import render_html
from tunegate.reports.escape import visible

ELEMENTS = "img, iframe, object, embed, link, base, form, svg a, foreignObject, meta[http-equiv=refresh], style ~ style"
HANDLERS = "[...document.querySelectorAll('*')].filter(n => [...n.attributes].some(a => /^on/i.test(a.name))).length"


@pytest.fixture
def hostile_page(browser: Any, build: Callable[..., RunResults], hostile: tuple[str, ...], tmp_path: Path) -> Any:
    """A run in which every text of data and models is hostile, in turn."""
    payloads = cycle(hostile)
    browser.resize(1280)
    browser.open(render_html(build(lambda text: f"{text} {next(payloads)}", name=" ".join(hostile))), tmp_path)
    return browser


def test_no_script_of_the_data_runs(hostile_page: Any) -> None:
    """Nothing that the data brings is executed, not even when everything is hovered, focused and clicked."""
    hostile_page.ask(
        """document.querySelectorAll('main *').forEach((node) => {
          for (const kind of ['mouseover', 'focus', 'error', 'load']) node.dispatchEvent(new Event(kind));
          if (!node.matches('a, button')) node.click?.();
        })"""
    )

    assert hostile_page.ask("typeof window.pwned") == "undefined"
    assert hostile_page.complaints == []


def test_no_request_is_made(hostile_page: Any, tmp_path: Path) -> None:
    """The page is the only thing that is fetched."""
    assert hostile_page.requests == [(tmp_path / "page.html").as_uri()]


def test_no_element_of_the_data_exists(hostile_page: Any) -> None:
    """No tag, attribute or link comes from the data: one script, one style, links inside the page only."""
    assert hostile_page.ask(f"document.querySelectorAll({ELEMENTS!r}).length") == 0
    assert hostile_page.ask("[document.scripts.length, document.querySelectorAll('style').length]") == [1, 1]
    assert hostile_page.ask(HANDLERS) == 0
    assert hostile_page.ask("document.querySelectorAll('a:not([href^=\"#\"])').length") == 0
    assert hostile_page.ask("document.querySelectorAll('h1').length") == 1


def test_the_policy_forbids_what_would_slip_through(hostile_page: Any) -> None:
    """Should escaping ever fail, the policy still stops scripts, images and requests."""
    hostile_page.ask(
        """(() => {
          const script = document.createElement('script');
          script.textContent = 'window.pwned = 9';
          const image = document.createElement('img');
          image.src = 'https://evil.example/pixel.png';
          document.body.append(script, image);
        })()"""
    )

    assert hostile_page.ask("fetch('https://evil.example').then(() => 'sent', () => 'refused')") == "refused"
    assert hostile_page.ask("typeof window.pwned") == "undefined"
    assert [url for url in hostile_page.requests if "evil.example" in url] == []
    assert hostile_page.complaints[0].startswith("Executing inline script violates")


def test_every_text_shows_as_itself(hostile_page: Any, hostile: tuple[str, ...]) -> None:
    """Nothing is swallowed: each text is in the page, with signs for what does not show."""
    whole = hostile_page.ask("document.body.textContent")
    flat = " ".join(whole.split())

    assert [text for text in hostile if " ".join(visible(text).split()) not in flat] == []


def test_a_megabyte_is_cut(build: Callable[..., RunResults]) -> None:
    """Long texts are shortened with a word on their length; the page stays small."""
    html = render_html(build(lambda text: text + "A" * 1_000_000))

    assert len(html) < 2_000_000
    assert "(1,000," in html
