"""The ledger accounts for every row, on disk, in bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tunegate.core.errors import DataError, IntegrityError
from tunegate.core.formats import load_examples
from tunegate.core.records import FINDING_COLUMNS
from tunegate.curate import CurateConfig, curate_dataset, explain_row, read_ledger, write_curation
from tunegate.curate.redaction import masked_value

ROWS = [
    '{"text": "Where is my card?", "label": "card", "n": 1.50}',
    '{"text": "where is my card", "label": "card",   "n": 2}',
    '{"text": "Top up failed", "label": "topup"}',
    '{"text": "  ", "label": "card"}',
    "not json",
    '{"text": "top up failed!", "label": "card"}',
    '{"text": "Mail me at jo.doe@example.org", "label": "card"}',
]


@pytest.fixture
def dirty(tmp_path: Path) -> Path:
    path = tmp_path / "dirty.jsonl"
    path.write_text("\n".join(ROWS) + "\n")
    return path


def curated(path: Path, out: Path, **config: Any) -> list[dict[str, Any]]:
    write_curation(curate_dataset(path, config=CurateConfig.model_validate(config)), out)
    return [json.loads(line) for line in (out / "rejected.jsonl").read_text().splitlines()]


def test_kept_rows_keep_their_bytes_and_order(dirty: Path, tmp_path: Path) -> None:
    """What stays is written as it came, spaces and number formats included."""
    curated(dirty, tmp_path / "out")

    assert (tmp_path / "out" / "train.jsonl").read_text().splitlines() == [ROWS[0], ROWS[2], ROWS[5], ROWS[6]]


def test_every_rejected_row_has_place_rule_reason_evidence_and_fields(dirty: Path, tmp_path: Path) -> None:
    """A duplicate names its survivor and their similarity; an unreadable line is kept as text."""
    rejected = {entry["line"]: entry for entry in curated(dirty, tmp_path / "out")}
    survivor = rejected[2]["evidence"]

    assert sorted(rejected) == [2, 4, 5]
    assert rejected[2]["rule"] == "exact-duplicate"
    assert rejected[2]["row"] == {"text": "where is my card", "label": "card", "n": 2}
    assert (survivor["survivor_file"], survivor["survivor_line"], survivor["jaccard"]) == (str(dirty), 1, 1.0)
    assert rejected[4]["rule"] == "empty-input"
    assert (rejected[5]["rule"], rejected[5]["row"], rejected[5]["id"]) == ("unreadable", "not json", None)


def test_rejected_rows_of_json_lines_stay_as_they_came(tmp_path: Path) -> None:
    """Spaces, long numbers and escapes of the line stand in the ledger; its carriage return does not."""
    first, second = (
        '{"text": "same",  "label": "a", "n": 1.50}',
        '{"text":"same", "label":"\\u0061", "n": 123456789012345678901}',
    )
    path = tmp_path / "rows.jsonl"
    path.write_bytes(f"{first}\r\n{second}\r\n".encode())
    write_curation(
        curate_dataset(path, config=CurateConfig.model_validate({"dedup": {"survivor": "first"}})), tmp_path / "out"
    )
    line = (tmp_path / "out" / "rejected.jsonl").read_bytes().decode()

    assert line.endswith(f',"row":{second}}}\n')
    assert json.loads(line)["evidence"]["survivor_line"] == 1


def test_what_is_written_is_what_is_returned(dirty: Path, tmp_path: Path) -> None:
    """The ledger of a curation is the one that is read from its folder."""
    written = write_curation(curate_dataset(dirty), tmp_path / "out")
    read = read_ledger(tmp_path / "out")

    assert written.findings.equals(read.findings)
    assert dict(written.summary) == dict(read.summary)


def test_summary_counts_add_up(dirty: Path, tmp_path: Path) -> None:
    """rows_in == rows_kept + rows_rejected, and by_rule sums to the rejected."""
    curated(dirty, tmp_path / "out")
    summary = read_ledger(tmp_path / "out").summary

    assert (summary["rows_in"], summary["rows_kept"], summary["rows_rejected"]) == (7, 4, 3)
    assert summary["by_rule"] == {"empty-input": 1, "exact-duplicate": 1, "unreadable": 1}
    assert summary["by_class"] == {"card": {"before": 5, "after": 3}, "topup": {"before": 1, "after": 1}}


def test_findings_mask_private_data_and_keep_their_columns(dirty: Path, tmp_path: Path) -> None:
    """What reports read holds no e-mail address."""
    curated(dirty, tmp_path / "out")
    findings = read_ledger(tmp_path / "out").findings

    assert findings.column_names == list(FINDING_COLUMNS)
    assert "jo.doe" not in json.dumps(findings.to_pylist())
    assert "Mail me at [EMAIL]" in findings["input"].to_pylist()


def test_reasons_and_evidence_mask_what_they_quote(tmp_path: Path) -> None:
    """A rule that quotes the row says no more of it than its text in the ledger does."""
    said = " ".join(["word"] * 20)
    answer = f"First {said} here. Second {said} there. Then write to jo.doe@example.org"
    path = tmp_path / "quoted.jsonl"
    path.write_text(json.dumps({"prompt": "What now, my friend?", "completion": answer}) + "\n")
    curated(path, tmp_path / "out")
    findings = read_ledger(tmp_path / "out").findings.to_pylist()

    assert "The answer ends without a full stop, after '[EMAIL]'." in [finding["reason"] for finding in findings]
    assert "jo.doe" not in json.dumps(findings)


def test_redaction_rewrites_only_the_rows_it_must(dirty: Path, tmp_path: Path) -> None:
    """Touched rows get typed placeholders, all others keep their bytes."""
    curated(dirty, tmp_path / "out", rules={"private-data": "redact"})
    lines = (tmp_path / "out" / "train.jsonl").read_text().splitlines()

    assert lines == [ROWS[0], ROWS[2], ROWS[5], '{"text":"Mail me at [EMAIL]","label":"card"}']
    told = "1 row is kept with placeholders such as [EMAIL] in place of private data"
    assert told in read_ledger(tmp_path / "out").summary["warnings"]


def test_a_number_of_16_digits_is_an_id_in_evidence_alone() -> None:
    """A card number that is all of a field looks like a content id."""
    number = "4111111111111111"

    assert masked_value({"card": number}) == {"card": "[CARD]"}
    assert masked_value({"survivor_id": number, "text": f"card {number}"}, but_ids=True) == {
        "survivor_id": number,
        "text": "card [CARD]",
    }


def test_a_damaged_ledger_is_an_integrity_error(dirty: Path, tmp_path: Path) -> None:
    """Half a Parquet file is not read as an empty one."""
    curated(dirty, tmp_path / "out")
    findings = tmp_path / "out" / "findings.parquet"
    findings.write_bytes(findings.read_bytes()[:100])

    with pytest.raises(IntegrityError, match="curate again"):
        read_ledger(tmp_path / "out")


def test_explain_tells_what_became_of_a_row(dirty: Path, tmp_path: Path) -> None:
    """By place or by content id, for rows that went, rows that stayed with a mark, and survivors."""
    curated(dirty, tmp_path / "out")
    out = tmp_path / "out"
    gone, stayed, flagged = (explain_row(out, f"{dirty}:{line}") for line in (2, 1, 3))

    assert (gone.state, gone.findings[0]["rule"]) == ("rejected", "exact-duplicate")
    assert (stayed.state, [entry["line"] for entry in stayed.stands_for]) == ("flagged", [2])
    assert (flagged.state, flagged.reason) == ("flagged", "The same input is labelled 'card' once and 'topup' once.")
    assert explain_row(out, str(gone.id)).state == "rejected"
    assert explain_row(out, f"{dirty}:5").state == "unreadable"
    assert explain_row(out, f"{dirty.name}:2").id == gone.id  # the bare name says enough where one file has it


def test_explain_of_an_unknown_row_says_what_to_give(dirty: Path, tmp_path: Path) -> None:
    """A wrong key is the user's to mend."""
    curated(dirty, tmp_path / "out")

    with pytest.raises(DataError, match="16 hex digits"):
        explain_row(tmp_path / "out", "what?")
    with pytest.raises(DataError, match="no row"):
        explain_row(tmp_path / "out", "0123456789abcdef")


def test_overrides_survive_a_rerun_in_another_order(dirty: Path, tmp_path: Path) -> None:
    """Ids are content ids: a reviewer's keep and drop hold wherever the rows stand; unknown ids are reported."""
    first = {entry["line"]: entry["id"] for entry in curated(dirty, tmp_path / "out")}
    overrides = tmp_path / "overrides.jsonl"
    decisions = [{"id": first[2], "action": "keep"}, {"id": first[4], "action": "keep", "by": "ann", "why": "fine"}]
    decisions += [{"id": explain_row(tmp_path / "out", f"{dirty}:3").id, "action": "drop", "why": "wrong"}]
    decisions += [{"id": "0" * 16, "action": "drop"}]
    overrides.write_text("".join(json.dumps(decision) + "\n" for decision in decisions))
    dirty.write_text("\n".join(reversed(ROWS)) + "\n")
    curation = curate_dataset(dirty, overrides=overrides)

    dropped = {curation.examples.inputs[d.row]: d.finding.rule for d in curation.decisions if d.action == "drop"}
    assert dropped == {"Top up failed": "override", "Where is my card?": "exact-duplicate"}
    assert curation.summary["warnings"][-1] == "1 overrides name rows that are not in the data: 0000000000000000"


@pytest.mark.parametrize(
    ("line", "message"),
    [("{", "overrides.jsonl:1: not JSON"), ('{"id": 3}', "'id' is missing"), ('{"id": "a", "action": "x"}', "'x'")],
)
def test_a_wrong_override_names_its_line(dirty: Path, tmp_path: Path, line: str, message: str) -> None:
    """The reviewer's file is checked line by line."""
    overrides = tmp_path / "overrides.jsonl"
    overrides.write_text(line + "\n")

    with pytest.raises(DataError, match=message):
        curate_dataset(dirty, overrides=overrides)


def test_reasons_of_one_kind_are_counted_together_and_say_nothing_private() -> None:
    """Whatever place or columns they name."""
    nul = [{"text": f"{'x' * n}\0", "label": "a"} for n in range(4)]
    other = [{f"jo{n}@example.org": "x", "label": "a"} for n in range(3)]
    rows = [{"text": "good", "label": "a"}, *nul, *other]
    summary = curate_dataset(load_examples(rows, columns={"text": "text", "label": "label"})).summary

    assert summary["warnings"][1:3] == [
        "4 unread, first <rows>:2: the input holds a NUL character at 1; remove it",
        "3 unread, first <rows>:6: 'text' is missing (columns: '[EMAIL]', 'label')",
    ]


@pytest.mark.parametrize(("rows", "is_alarmed"), [(100, False), (30, True)])
def test_unreadable_rows_are_explained(rows: int, is_alarmed: bool, tmp_path: Path) -> None:
    """The commonest reasons with their first line; more than single rows are the file's or the settings' fault."""
    lines = [json.dumps({"text": f"row number {n} of many", "label": "ab"[n % 2]}) for n in range(rows)]
    lines[4], lines[9], lines[12] = "7", "{", "8"
    (tmp_path / "a.jsonl").write_text("\n".join(lines) + "\n")
    warnings = curate_dataset(tmp_path / "a.jsonl").summary["warnings"]

    assert warnings[0].startswith(f"3 of {rows} rows could not be read and are set aside in rejected.jsonl")
    assert warnings[0].endswith("see to the file or the settings before training") is is_alarmed
    assert warnings[1] == f"2 unread, first {tmp_path / 'a.jsonl'}:5: the line is JSON, but not an object"
    assert warnings[2].startswith(f"1 unread, first {tmp_path / 'a.jsonl'}:10: not JSON")
