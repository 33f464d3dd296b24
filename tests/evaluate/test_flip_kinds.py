"""A lost item is put down to a refusal, its format, its length, or the answer itself."""

from __future__ import annotations

from typing import Any

import pytest
from tunegate.core.results import Scores, TaskInfo
from tunegate.evaluate import lost_by_kind
from tunegate.evaluate.score_files import score_table

INFO = TaskInfo(name="sums", role="benchmark", metric="exact_match", scale="binary")


def rows(item: str, value: float, text: str, lenient: float = 0.0) -> list[dict[str, Any]]:
    common = {
        "task": "sums",
        "subject": "",
        "filter": "strict",
        "doc_hash": item,
        "prompt_hash": "",
        "target_hash": "",
        "cluster": "",
        "weight": 1.0,
        "prompt": "",
        "prediction": text,
        "target": "4",
        "choices": [],
        "logprobs": [],
        "contaminated": False,
    }
    return [
        {**common, "metric": "exact_match", "value": value},
        {**common, "metric": "exact_match,flexible", "filter": "flexible", "value": lenient},
        {**common, "metric": "response_length", "value": float(len(text))},
    ]


def scores(table: list[dict[str, Any]]) -> Scores:
    return Scores(rows=score_table(table), tasks=(INFO,), model="m", model_hash="h")


@pytest.mark.parametrize(
    ("text", "lenient", "kind"),
    [
        ("It is 5", 0.0, "changed_answer"),
        ("The answer is 4!", 1.0, "lost_format"),
        ("I'm sorry, but I can't help with sums.", 0.0, "refusal"),
        ("As an AI language model, the answer is 4", 1.0, "refusal"),
        ("Well, " * 60, 0.0, "length_blow_up"),
        ("You should say: I cannot.", 0.0, "changed_answer"),
    ],
)
def test_each_kind_of_loss_by_example(text: str, lenient: float, kind: str) -> None:
    """Refusals are told by their beginning alone; a lenient reading that finds the answer means lost format."""
    base = scores(rows("a", 1.0, "#### 4") + rows("b", 1.0, "#### 4") + rows("c", 0.0, "#### 9"))
    tuned = scores(rows("a", 0.0, text, lenient) + rows("b", 1.0, "#### 4") + rows("c", 0.0, text, lenient))

    assert lost_by_kind(base, tuned) == {"sums": {kind: 1}}


def test_nothing_lost_is_nothing_told() -> None:
    """A gain is no loss of any kind."""
    base, tuned = scores(rows("a", 0.0, "x")), scores(rows("a", 1.0, "I cannot"))

    assert lost_by_kind(base, tuned) == {}
