"""A ledger to SARIF 2.1.0: data findings at their file and line, with fingerprints that survive moved lines.

Code-scanning services show about 5,000 results of a run; the most serious come first and the rest is counted. Scores
of benchmarks have no place in a file and are not part of it.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from ..core.records import Ledger
from .escape import clip, one_line
from .ledgers import FAMILY_TITLES, family_of, private_ids, without_secrets

MAX_RESULTS = 5_000
"""Results that GitHub shows of one run."""
LEVELS = {"error": "error", "warning": "warning", "info": "note"}
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
Row = dict[str, Any]


def render_sarif(ledger: Ledger) -> str:
    """Every decision that dropped or flagged a row, as indented JSON; the text of rows is not in it."""
    decided = ledger.findings.filter(pc.fill_null(ledger.findings["decided"], False))
    chosen = _most_serious(decided)
    rules = sorted({str(row["rule"]) for row in chosen})
    hidden, seen = private_ids(ledger), Counter[tuple[str, str]]()
    results = [_result(without_secrets(row, hidden), rules, seen) for row in chosen]
    left_out = decided.num_rows - len(results)
    says = ledger.summary.get("rules", {})
    run: Row = {
        "tool": {"driver": {"name": "tunegate", "rules": [_rule(rule, says.get(rule, "")) for rule in rules]}},
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": {"findings": decided.num_rows, "leftOut": left_out},
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _most_serious(decided: pa.Table) -> list[Row]:
    rank = pc.index_in(decided["severity"], value_set=pa.array(list(LEVELS)))
    ordered = decided.append_column("rank", rank).sort_by(
        [("rank", "ascending"), ("file", "ascending"), ("line", "ascending")]
    )
    return ordered.slice(0, MAX_RESULTS).to_pylist()  # type: ignore[no-any-return]


def _rule(rule: str, says: str) -> Row:
    """GitHub's code scanning asks for both descriptions and for help, beyond what SARIF itself asks for."""
    title = f"{rule} ({FAMILY_TITLES[family_of(rule)]})"
    remedy = f"`tunegate curate --explain FILE:LINE` tells the row's story; `rules: {{{rule}: ...}}` sets what is done."
    return {
        "id": rule,
        "shortDescription": {"text": title},
        "fullDescription": {"text": says or title},
        "help": {"text": f"{says} {remedy}".strip()},
    }


def _result(row: Row, rules: list[str], seen: Counter[tuple[str, str]]) -> Row:
    key = (str(row["rule"]), str(row["id"]))
    seen[key] += 1
    result: Row = {
        "ruleId": row["rule"],
        "ruleIndex": rules.index(row["rule"]),
        "level": LEVELS.get(row["severity"], "warning"),
        "message": {"text": f"{row['action']}: {clip(one_line(str(row['reason'])), 500)}"},
        "locations": [_location(row["file"], row["line"])],
        "partialFingerprints": {"tunegate/v1": _fingerprint(*key, seen[key])},
    }
    if row["related_file"]:
        related = _location(row["related_file"], row["related_line"])
        result["relatedLocations"] = [{**related, "message": {"text": "compared with"}}]
    return result


def _location(file: str | None, line: int | None) -> Row:
    where: Row = {"artifactLocation": {"uri": quote((file or "unknown").replace("\\", "/"))}}
    if line:
        where["region"] = {"startLine": line}
    return {"physicalLocation": where}


def _fingerprint(rule: str, content_id: str, occurrence: int) -> str:
    """Of rule and content, not of the place: a row that moves keeps its fingerprint."""
    return hashlib.blake2b(f"{rule}\0{content_id}\0{occurrence}".encode(), digest_size=16).hexdigest()
