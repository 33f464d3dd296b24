"""A curation on disk and one row to everything that is known of the row."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow.compute as pc

from ..core.errors import DataError, IntegrityError
from ..core.formats import load_examples
from .ledger import read_ledger
from .redaction import masked_value

CONTENT_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What became of one row, and why."""

    state: str
    """kept, flagged, rejected, or unreadable."""
    places: tuple[tuple[str, int], ...]
    """File and line of every row with this content."""
    id: str | None
    reason: str
    """The reason that decided; empty for a row that stayed without a finding."""
    findings: tuple[Mapping[str, Any], ...]
    """Rows of findings.parquet about it."""
    stands_for: tuple[Mapping[str, Any], ...]
    """Rejected rows that cite it as their survivor."""
    row: Any
    """The original fields, private data masked; None where only the ledger knows the row."""


def explain_row(out: Path, key: str) -> Explanation:
    """Everything known of a row, by content id or FILE:LINE.

    Args:
        out: folder of a curation, as `write_curation` left it.
        key: 16 hex digits, or the file as it was given and the 1-based line.

    Raises:
        DataError: no row has that id or place.
        IntegrityError: the folder holds no whole curation.
    """
    out = Path(out)
    findings = read_ledger(out).findings
    rejected = _rejected(out)
    row_id, place = _parse(key)
    if place is not None:
        place = _known_place(place, rejected, findings)
    if place is not None:
        row_id = _id_at(place, rejected, findings)
    here = [entry for entry in rejected if (entry["file"], entry["line"]) == place]
    own = here or [entry for entry in rejected if row_id and entry["id"] == row_id]
    kept = None if here else _kept_row(out, row_id)  # a copy of a rejected row may have stayed
    seen = findings.filter(pc.equal(findings["id"], row_id or "")).to_pylist()
    if not own and kept is None and not seen:
        raise DataError(f"{out}: no row {key!r}; give a content id of 16 hex digits, or FILE:LINE as in the ledger")
    decided = next((entry for entry in seen if entry["decided"]), None)
    places = {(entry["file"], entry["line"]) for entry in [*own, *seen]} | ({place} if place else set())
    return Explanation(
        state=_state(own, seen, kept),
        places=tuple(sorted(places)),
        id=row_id,
        reason=own[0]["reason"] if own else decided["reason"] if decided else "",
        findings=tuple(seen),
        stands_for=tuple(entry for entry in rejected if row_id and entry["evidence"].get("survivor_id") == row_id),
        row=masked_value(own[0]["row"] if own else kept),
    )


def _state(own: list[Any], seen: list[Any], kept: Any) -> str:
    if kept is None and own:
        return "unreadable" if own[0]["rule"] == "unreadable" else "rejected"
    return "flagged" if any(entry["action"] == "flag" for entry in seen) else "kept"


def _parse(key: str) -> tuple[str | None, tuple[str, int] | None]:
    if CONTENT_ID.fullmatch(key):
        return key, None
    file, _, line = key.rpartition(":")
    if not file or not line.isdecimal():
        raise DataError(f"{key!r} is neither a content id (16 hex digits) nor FILE:LINE")
    return None, (file, int(line))


def _rejected(out: Path) -> list[Any]:
    try:
        return [orjson.loads(line) for line in (out / "rejected.jsonl").read_bytes().splitlines()]
    except (OSError, orjson.JSONDecodeError) as error:
        raise IntegrityError(f"{out}: not a whole curation ({error}); curate again") from error


def _known_place(place: tuple[str, int], rejected: list[Any], findings: Any) -> tuple[str, int]:
    """The place with its file as the ledger writes it, where the file's bare name says enough."""
    files = {entry["file"] for entry in rejected} | set(pc.unique(findings["file"]).to_pylist())
    alike = [file for file in files if file and Path(file).name == place[0]]
    return (alike[0], place[1]) if place[0] not in files and len(alike) == 1 else place


def _id_at(place: tuple[str, int], rejected: list[Any], findings: Any) -> str | None:
    for entry in rejected:
        if (entry["file"], entry["line"]) == place:
            return entry["id"]  # type: ignore[no-any-return]
    here = pc.and_(pc.equal(findings["file"], place[0]), pc.equal(findings["line"], place[1]))
    if ids := findings.filter(here)["id"].to_pylist():
        return ids[0]  # type: ignore[no-any-return]
    # A row that stayed without a finding is in no ledger; the input file, if it is still there, knows it.
    if not Path(place[0]).exists():
        return None
    examples = load_examples(place[0])
    found = examples.table.filter(pc.equal(examples.table["line"], place[1]))["id"].to_pylist()
    return found[0] if found else None


def _kept_row(out: Path, row_id: str | None) -> Any:
    train = next(iter(sorted(out.glob("train.*"))), None)
    if train is None or row_id is None:
        return None
    from ..core.formats import original_rows

    try:
        examples = load_examples(train)
    except DataError:
        return None
    rows = [at for at, known in enumerate(examples.ids) if known == row_id]
    return original_rows(examples, rows[:1])[0] if rows else None
