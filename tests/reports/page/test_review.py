"""Review in the page: decisions are made by mouse or keyboard, kept, exported, and obeyed by curation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tunegate.core.records import Curation
from tunegate.curate import curate_dataset, read_ledger, write_curation
from tunegate.reports import render_curation_html

ROWS = [
    {"text": "Please block my card, it was stolen yesterday in town", "label": "card_lost"},
    {"text": "please block my card, it was stolen yesterday in town!", "label": "card_lost"},
    {"text": "What is the exchange rate for euros today?", "label": "exchange_rate"},
    {"text": "Why was I charged a fee for the transfer?", "label": "transfer_fee"},
    {"text": "   ", "label": "transfer_fee"},
    {"text": "How long does a refund take?", "label": "refund"},
    {"text": "how long does a refund take", "label": "top_up"},
]


@pytest.fixture
def curation() -> Curation:
    return curate_dataset(ROWS)


@pytest.fixture
def page(browser: Any, curation: Curation, tmp_path: Path) -> Any:
    write_curation(curation, tmp_path / "out")
    browser.resize(1280)
    browser.open(render_curation_html(read_ledger(tmp_path / "out")), tmp_path)
    browser.ask("localStorage.clear()")
    browser.open(tmp_path / "page.html")
    return browser


def press(row_id: str, action: str) -> str:
    return f"document.querySelector('[data-id=\"{row_id}\"] .{action}').click()"


def test_decisions_are_exported_and_obeyed(page: Any, curation: Curation, tmp_path: Path) -> None:
    """A duplicate that the reviewer keeps stays, a conflict that is dropped goes, with name and reason."""
    ids = curation.examples.ids
    duplicate = next(row for row in range(len(ROWS)) if row not in curation.kept and ROWS[row]["label"] == "card_lost")
    conflict = 6
    page.ask(press(ids[duplicate], "keep"))
    page.ask(press(ids[conflict], "drop"))
    page.ask(
        f"""(() => {{
          const note = document.querySelector('[data-id="{ids[conflict]}"] .choice input');
          note.value = 'a refund, "surely"';
          note.dispatchEvent(new Event('change'));
          document.querySelector('.bar-review input').value = 'Ada';
        }})()"""
    )
    file = page.download("document.querySelector('.bar-review .primary').click()")
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    again = curate_dataset(ROWS, overrides=file)

    assert file.name == "overrides.jsonl"
    assert lines == [
        {"id": ids[duplicate], "action": "keep", "by": "Ada", "why": ""},
        {"id": ids[conflict], "action": "drop", "by": "Ada", "why": 'a refund, "surely"'},
    ]
    assert [duplicate in again.kept, conflict in again.kept] == [True, False]
    assert [duplicate in curation.kept, conflict in curation.kept] == [False, True]


def test_the_keyboard_decides(page: Any) -> None:
    """K keeps and D drops the row with the focus, arrows move to its neighbour."""
    pressed = "[...document.querySelectorAll('#conflicts [aria-pressed=true]')].map(button => button.textContent)"
    page.ask("document.querySelector('#conflicts .choice .keep').focus()")
    page.press("k")
    page.press("ArrowDown")
    page.press("d")

    assert page.ask(pressed) == ["keep", "drop"]
    assert page.ask("document.querySelector('.bar-review [role=status]').textContent") == "2 decisions"


def test_an_unfinished_review_is_there_after_a_reload(page: Any, tmp_path: Path) -> None:
    """Decisions survive the closing of the page, until they are cleared; a second press takes one back."""
    bar = "document.querySelector('.bar-review')"
    press_first = "document.querySelector('#conflicts .choice .keep').click()"
    page.ask(press_first)
    page.open(tmp_path / "page.html")
    assert page.ask(f"{bar}.querySelector('[role=status]').textContent") == "1 decision"

    page.ask(press_first)
    assert page.ask(f"{bar}.hidden") is True
