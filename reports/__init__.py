"""Typed results to text: terminal, HTML, Markdown, JUnit, SARIF, JSON; pure functions."""

from .curation_diff import curation_changes, render_curation_diff_markdown, render_curation_diff_terminal
from .document import render_json, report_schema
from .junit import render_junit
from .levels import render_scores_terminal
from .markdown import github_summary, render_markdown
from .model_card import render_model_card
from .page import render_curation_html, render_html
from .runs import render_runs_html, render_runs_markdown, render_runs_terminal
from .sarif import render_sarif
from .terminal import (
    render_comparison_terminal,
    render_curation_terminal,
    render_terminal,
    render_verdict_terminal,
)
from .views import attach_views

__all__ = [
    "attach_views",
    "curation_changes",
    "github_summary",
    "render_comparison_terminal",
    "render_curation_diff_markdown",
    "render_curation_diff_terminal",
    "render_curation_html",
    "render_curation_terminal",
    "render_html",
    "render_json",
    "render_junit",
    "render_markdown",
    "render_model_card",
    "render_runs_html",
    "render_runs_markdown",
    "render_runs_terminal",
    "render_sarif",
    "render_scores_terminal",
    "render_terminal",
    "render_verdict_terminal",
    "report_schema",
]
