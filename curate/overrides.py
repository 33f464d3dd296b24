"""A reviewer's file to decisions by content id, so that they survive re-runs and re-ordering."""

from __future__ import annotations

import json
from pathlib import Path

from ..core.errors import DataError
from ..core.records import Examples

Reviewed = dict[str, tuple[str, str]]
"""Content id → (keep or drop, who and why)."""


def read_overrides(path: Path | None, examples: Examples) -> tuple[Reviewed, list[str]]:
    """Decisions by content id, and the ids that no row has. The last line on an id wins.

    Raises:
        DataError: the file cannot be read, or a line is no decision.
    """
    if path is None:
        return {}, []
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}); expected one JSON object a line") from error
    decided = dict(_decision(f"{path}:{number}", line) for number, line in enumerate(lines, 1) if line.strip())
    known = set(examples.ids)
    return decided, sorted(set(decided) - known)


def _decision(place: str, line: str) -> tuple[str, tuple[str, str]]:
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise DataError(f"{place}: not JSON ({error})") from error
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
        raise DataError(f"{place}: 'id' is missing; a line looks like {{'id': '0123456789abcdef', 'action': 'keep'}}")
    if entry.get("action") not in ("keep", "drop"):
        raise DataError(f"{place}: 'action' is {entry.get('action')!r}; it must be 'keep' or 'drop'")
    who = f" ({entry['by']})" if entry.get("by") else ""
    return entry["id"], (entry["action"], f"{entry.get('why') or 'no reason given'}{who}")
