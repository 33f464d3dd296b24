"""Text of data and models is inert in the terminal, Markdown, XML, SARIF and JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.cells import cell_len
from tunegate.core.records import FINDING_COLUMNS, Ledger
from tunegate.core.results import RunResults
from tunegate.reports import (
    render_curation_diff_markdown,
    render_curation_diff_terminal,
    render_json,
    render_junit,
    render_markdown,
    render_model_card,
    render_runs_markdown,
    render_runs_terminal,
    render_sarif,
    render_terminal,
)
from tunegate.reports.escape import html_text, markdown_code, markdown_text, one_line, visible, xml_text

Build = Callable[..., RunResults]
ACTS = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)
NO_LEDGER = Ledger(summary={}, findings=pa.schema(list(FINDING_COLUMNS.items())).empty_table())
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
OWN_HTML = re.compile(r"</?(details|summary)>|<!-- tunegate:[a-z]+ -->")
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)


def hostile_run(build: Build, payload: str) -> RunResults:
    return build(lambda text: f"{payload} {text}", name=payload)


def code_and_prose(markdown: str) -> tuple[list[str], str, set[str]]:
    """Code spans, everything else as text, and the kinds of inline mark-up, as a GitHub-like renderer sees them."""
    tokens = MarkdownIt("commonmark").enable("table").enable("strikethrough").parse(markdown)
    inline = [child for token in tokens for child in token.children or []]
    kinds = {child.type for child in inline} | {token.type for token in tokens}
    code = [child.content for child in inline if child.type == "code_inline"]
    return code, " ".join(child.content for child in inline if child.type == "text"), kinds


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("plain", [False, True])
def test_a_terminal_gets_no_command(build: Build, payload: str, colour: bool, plain: bool) -> None:
    """No control, escape or direction character reaches the terminal but our own colours and line feeds."""
    run = hostile_run(build, payload)
    assert run.ledger is not None
    shown = render_terminal(run, colour=colour, plain=plain) + render_runs_terminal(
        [run, run], colour=colour, plain=plain
    )
    shown += render_curation_diff_terminal(run.ledger, NO_LEDGER, names=(payload, "after"), colour=colour, plain=plain)

    assert ACTS.search(COLOUR.sub("", shown)) is None
    assert colour or "\x1b" not in shown


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(build: Build, payload: str, width: int) -> None:
    """Wide characters count double, and still every line fits."""
    lines = render_terminal(hostile_run(build, payload), width=width).splitlines()

    assert max(map(cell_len, lines)) <= width


def test_markdown_holds_no_mark_up_of_the_data(build: Build, payload: str) -> None:
    """No link, image, emphasis or HTML comes from the data, and no one is mentioned."""
    run = hostile_run(build, payload)
    assert run.ledger is not None
    moved = render_curation_diff_markdown(run.ledger, NO_LEDGER, names=(payload, "after"))
    for text in (render_markdown(run), render_runs_markdown([run]), render_model_card(run), moved):
        code, prose, kinds = code_and_prose(OWN_HTML.sub("", text))

        assert kinds.isdisjoint({"image", "link_open", "html_inline", "html_block", "em_open", "s_open", "fence"})
        assert re.search(r"@\w|#\d|://|www\.\w", prose) is None
        assert code != []


def test_markdown_tables_keep_their_columns(build: Build, payload: str) -> None:
    """A pipe or line feed of the data never makes a cell."""
    tables = re.findall(r"(?m)(?:^\|.*\|\n)+", render_markdown(hostile_run(build, payload)))
    widths = [{len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()} for table in tables]

    assert len(tables) >= 5
    assert [width for width in widths if len(width) > 1] == []


def test_xml_and_json_stay_well_formed(build: Build, payload: str) -> None:
    """Parsers accept what is written, and it can be encoded."""
    run = hostile_run(build, payload)
    assert run.ledger is not None

    assert ET.fromstring(render_junit(run).encode()).tag == "testsuites"
    assert json.loads(render_json(run).encode())["schema_version"] == 1
    assert json.loads(render_sarif(run.ledger).encode())["version"] == "2.1.0"


@given(ANY_TEXT)
def test_html_escape_is_exact(text: str) -> None:
    """No character that HTML reads is left, and unescaping gives the visible text back."""
    import html

    escaped = html_text(text)

    assert re.search("[<>\"']", escaped) is None
    assert html.unescape(escaped) == visible(text)


@given(ANY_TEXT)
def test_xml_attributes_come_back_whole(text: str) -> None:
    """An XML parser reads what was shown, line feeds included."""
    assert ET.fromstring(f'<a b="{xml_text(text)}"/>').attrib["b"] == visible(text)


@given(ANY_TEXT)
def test_a_code_span_holds_the_whole_text(text: str) -> None:
    """A renderer finds one code span with exactly the text, whatever back-ticks it holds."""
    code, prose, _ = code_and_prose(f"x {markdown_code(text)} y")

    if one_line(text):
        assert [code, prose] == [[one_line(text).replace("|", r"\|")], "x   y"]


@given(ANY_TEXT)
def test_a_markdown_sentence_reads_as_it_was(text: str) -> None:
    """A renderer shows the words as they were, apart from our own breaks in mentions and links."""
    _, prose, kinds = code_and_prose(markdown_text(text))

    assert prose.replace("\u200b", "") == one_line(text)
    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text"}


@given(ANY_TEXT)
def test_visible_text_is_stable(text: str) -> None:
    """What was made visible once is not changed again, and can always be encoded."""
    assert visible(visible(text)) == visible(text)
    assert ACTS.search(visible(text).replace("\t", "")) is None
    assert visible(text).encode().decode() == visible(text)
