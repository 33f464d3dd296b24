"""The page in a real browser: it draws, filters, sorts, pages, fits, and asks nothing of the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tunegate.core.results import RunResults
from tunegate.reports import render_html

SHOWN = "[...document.querySelectorAll('#flips tbody tr')].filter(row => !row.hidden)"


@pytest.fixture
def page(browser: Any, results: RunResults, tmp_path: Path) -> Any:
    browser.resize(1280)
    browser.open(render_html(results), tmp_path)
    return browser


def set_value(selector: str, value: str, event: str) -> str:
    return (
        f"(() => {{ const node = document.querySelector({selector!r}); node.value = {value!r};"
        f" node.dispatchEvent(new Event({event!r})); }})()"
    )


def test_nothing_is_fetched_and_nothing_is_complained_of(page: Any, tmp_path: Path) -> None:
    """The one request is the page itself; policy, script and style raise no error."""
    assert page.requests == [(tmp_path / "page.html").as_uri()]
    assert page.complaints == []


def test_the_plots_are_drawn(page: Any) -> None:
    """Every benchmark has a visible dot and interval; both training curves have a line."""
    visible = "[...document.querySelectorAll({!r})].filter(node => node.getBoundingClientRect().width > 0).length"

    assert page.ask(visible.format("#benchmarks tbody .dot")) == 9
    assert page.ask(visible.format("#benchmarks tbody .span")) == 9
    assert page.ask(visible.format("#training path.line")) == 6


def test_the_worst_comes_first(page: Any) -> None:
    """Failed, void and inconclusive benchmarks stand above those that pass."""
    states = page.ask("[...document.querySelectorAll('#benchmarks tbody tr')].map(row => row.className)")

    assert states == ["fail", "fail", "void", "inconclusive", "waived", "pass", "pass", "pass", "pass"]


def test_flips_are_paged_searched_and_chosen(page: Any) -> None:
    """A page holds ten rows; search and choices narrow them, and the status says how many are left."""
    status = "document.querySelector('#flips [role=status]').textContent"
    assert (page.ask(f"{SHOWN}.length"), page.ask(status)) == (10, "1–10 of 60")

    page.ask("document.querySelectorAll('#flips .pages button')[1].click()")
    assert page.ask(status) == "11–20 of 60"

    page.ask(set_value("#flips select", "gained", "change"))
    assert page.ask(status) == "1–10 of 20"

    page.ask(set_value("#flips input[type=search]", "no. 7", "input"))
    assert page.ask(f"{SHOWN}.map(row => row.children[2].textContent)") == [
        "where is my refund no. 7",
        "where is my refund no. 17",
    ]


def test_a_column_sorts_by_number_in_both_directions(page: Any) -> None:
    """Signs and commas are read as numbers; a second press turns the order."""
    press = "document.querySelectorAll('#subjects th')[4].querySelector('button').click()"
    first = "document.querySelector('#subjects tbody tr').children[4].textContent"

    page.ask(press)
    assert page.ask(first) == "+0.5"
    page.ask(press)
    assert page.ask(first) == "−12.8"


@pytest.mark.parametrize("width", [400, 760, 1280, 2200])
def test_nothing_is_wider_than_the_window(browser: Any, results: RunResults, tmp_path: Path, width: int) -> None:
    """From a telephone to a wide screen neither the page nor a table in it has to be scrolled sideways."""
    browser.resize(width)
    browser.open(render_html(results), tmp_path)
    wide = "[...document.querySelectorAll('.paged, .forest')].filter(n => n.scrollWidth > n.clientWidth + 1).length"

    assert browser.ask("document.documentElement.scrollWidth") <= width
    assert browser.ask(wide) == 0


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out_from_its_ground(page: Any, dark: bool) -> None:
    """In light and dark every state and muted word keeps a contrast of 4.5 to its ground (WCAG AA)."""
    page.resize(1280, dark=dark)
    ratios = page.ask(
        """(() => {
          const linear = (c) => (c /= 255) <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
          const light = (rgb) => { const [r, g, b] = rgb.match(/[\\d.]+/g).map(Number);
            return .2126 * linear(r) + .7152 * linear(g) + .0722 * linear(b); };
          const ground = light(getComputedStyle(document.querySelector('section')).backgroundColor);
          const words = 'section .badge, section .muted, section p, section td, section th';
          return [...document.querySelectorAll(words)].map((node) => {
            const text = light(getComputedStyle(node).color);
            return (Math.max(text, ground) + .05) / (Math.min(text, ground) + .05); });
        })()"""
    )

    assert min(ratios) >= 4.5


def test_controls_are_not_printed(page: Any) -> None:
    """On paper there are no controls and no navigation, but a table still says which of its rows are shown."""
    page.resize(1000, media="print")
    shown = "[...document.querySelectorAll({!r})].filter(node => node.getClientRects().length).length"

    assert page.ask(shown.format("nav, input, select, button:not(.sort), td.review")) == 0
    assert page.ask(shown.format("#flips [role=status]")) == 1
    page.resize(1280)


def test_without_the_script_every_row_is_there(results: RunResults) -> None:
    """Rows are in the file itself: paging only hides them."""
    html = render_html(results)

    assert html.count('data-f-direction="lost"') == 40
    assert html.count('data-f-direction="gained"') == 20
    assert " hidden" not in html.split("<main")[1].split("<script")[0]
