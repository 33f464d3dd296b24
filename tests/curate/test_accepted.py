"""Tomorrow's file is deduplicated against everything accepted before."""

from __future__ import annotations

from pathlib import Path

from tunegate.curate import CurateConfig, accept_rows, curate_dataset

CONFIG = CurateConfig()
MONDAY = [
    {"text": "where is the card that I ordered last week", "label": "card"},
    {"text": "top up failed", "label": "up"},
]
TUESDAY = [
    {"text": "Where is the card that I ordered last week?", "label": "card"},
    {"text": "Top up failed!", "label": "card"},
    {"text": "how do I close my account", "label": "close"},
]


def test_accepted_rows_are_not_accepted_again(tmp_path: Path) -> None:
    """Same label: dropped, citing the accepted row; another label: flagged as a conflict; new rows stay."""
    monday = curate_dataset(MONDAY, config=CONFIG, index=tmp_path / "index")
    total = accept_rows(monday, tmp_path / "index", config=CONFIG)
    tuesday = curate_dataset(TUESDAY, config=CONFIG, index=tmp_path / "index")
    found = {finding.row: finding.rule for finding in tuesday.findings if finding.rule.startswith("accepted")}

    assert total == 2
    assert found == {0: "accepted-duplicate", 1: "accepted-conflict"}
    assert tuesday.kept.tolist() == [1, 2]
    assert tuesday.decisions[0].finding.evidence == {"accepted_id": monday.examples.ids[0], "jaccard": 1.0}


def test_an_accepted_prompt_with_another_answer_is_no_duplicate(tmp_path: Path) -> None:
    """Every field must be alike."""
    first = [{"prompt": "Name a river in Europe, please.", "completion": "The Danube flows through ten countries."}]
    second = [{"prompt": "Name a river in Europe, please.", "completion": "The Rhine is one of them."}, *first]
    accept_rows(curate_dataset(first, config=CONFIG), tmp_path / "index", config=CONFIG)

    assert curate_dataset(second, config=CONFIG, index=tmp_path / "index").kept.tolist() == [0]
