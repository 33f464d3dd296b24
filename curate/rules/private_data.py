"""Rows to findings about private data and secrets; what was found is counted by type and never repeated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ...core.records import Examples, Finding
from ..config import CurateConfig
from ..context import Context
from ..scanning import prose_columns, rows_matching
from .private import LIKELY, find_private


def find_private_data(examples: Examples, config: CurateConfig, context: Context) -> Iterator[Finding]:  # noqa: ARG001
    """E-mail, phone, card and account numbers; keys and tokens."""
    seen: dict[tuple[int, bool], Counter[str]] = {}
    for name in prose_columns(examples):
        for row, text in rows_matching(examples.table[name], LIKELY):
            for span in find_private(text):
                seen.setdefault((row, span.is_secret), Counter())[span.type] += 1
    for (row, is_secret), types in sorted(seen.items()):
        listed = ", ".join(f"{count} {name}" for name, count in sorted(types.items()))
        yield Finding(
            row=row,
            rule="secret" if is_secret else "private-data",
            severity="error" if is_secret else "warning",
            reason=f"The row holds {'secrets' if is_secret else 'private data'}: {listed}.",
            evidence={"types": dict(sorted(types.items()))},
        )
