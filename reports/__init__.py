"""Typed results to text: terminal, HTML, Markdown, JUnit, JSON; pure functions."""

from .document import render_json
from .junit import render_junit
from .markdown import github_summary, render_markdown
from .page import render_curation_html, render_html
from .terminal import render_curation_terminal, render_terminal, render_verdict_terminal

__all__ = [
    "github_summary",
    "render_curation_html",
    "render_curation_terminal",
    "render_html",
    "render_json",
    "render_junit",
    "render_markdown",
    "render_terminal",
    "render_verdict_terminal",
]
