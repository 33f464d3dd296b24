"""Typed results to text: terminal, HTML, Markdown, JUnit, JSON; pure functions."""
