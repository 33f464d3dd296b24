"""What is known of real datasets is found in them, and nothing innocent is lost."""

from __future__ import annotations

import random
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tunegate.core.formats import load_examples, original_rows
from tunegate.core.records import Curation, Examples
from tunegate.curate import CurateConfig, curate_dataset
from tunegate.curate.folding import fold
from tunegate.curate.overlap import jaccard, text_shingles

TRAIN = {
    "banking77": "labelled/banking77/train.jsonl.gz",
    "clinc150": "labelled/clinc150/train.jsonl.gz",
    "sms_spam": "labelled/sms_spam/all.jsonl.gz",
    "snips": "labelled/snips/train.jsonl.gz",
    "sst2": "labelled/sst2_sentences/train.jsonl.gz",
    "gsm8k": "instruct/gsm8k/train.jsonl.gz",
    "dolly": "instruct/dolly_3k/train.jsonl.gz",
    "toolformer": "instruct/gpteacher_toolformer/train.jsonl.gz",
    "seeds": "instruct/self_instruct_seeds/user_oriented.jsonl",
}
QUICK = CurateConfig.model_validate({"rules": {"label-error": "off", "outlier": "off", "rare-class": "off"}})
"""Without the models, which drop nothing by default."""
ALPACA = (
    "Below is an instruction that describes a task, paired with an input that provides further context. "
    "Write a response that appropriately completes the request.\n\n### Instruction:\nSay what the customer wants.\n\n"
    "### Input:\n{text}\n\n### Response:\n"
)


@cache
def load(path: Path) -> Examples:
    return load_examples(path)


def count(curation: Curation, rule: str) -> int:
    return sum(finding.rule == rule for finding in curation.findings)


def dropped(curation: Curation, *rules: str) -> set[int]:
    return {d.row for d in curation.decisions if d.action == "drop" and d.finding.rule in rules}


def folded_leaks(train: list[str], test: list[str]) -> set[int]:
    known = {fold(text) for text in test}
    return {row for row, text in enumerate(train) if fold(text) in known}


@pytest.mark.parametrize(
    ("name", "redundant", "bytewise"), [("clinc150", 28, 0), ("sms_spam", 440, 403), ("snips", 251, 167)]
)
def test_redundant_rows_are_found(shared_data: Path, name: str, redundant: int, bytewise: int) -> None:
    """Counts as published with the data; in SMS 4 fewer: ':)' and ':-)' are not one text, nor are '18' and '18+'."""
    curation = curate_dataset(load(shared_data / TRAIN[name]), config=QUICK)
    exact = [finding for finding in curation.findings if finding.rule == "exact-duplicate"]

    assert len(exact) == redundant
    assert sum("byte for byte" in finding.reason for finding in exact) == bytewise


def test_sms_that_differ_in_a_plus_alone_still_go(shared_data: Path) -> None:
    """Of three texts with and without a plus, at most one form stays: the other is a near-duplicate."""
    examples = load(shared_data / TRAIN["sms_spam"])
    gone = dropped(curate_dataset(examples, config=QUICK), "exact-duplicate", "near-duplicate")
    rows: dict[str, list[int]] = {}
    for row, text in enumerate(examples.inputs):
        rows.setdefault(fold(text.replace("+", " ")), []).append(row)
    mixed = [members for members in rows.values() if len({fold(examples.inputs[row]) for row in members}) > 1]

    assert len(mixed) == 3
    assert all(len(set(members) - gone) <= 1 for members in mixed)


def test_banking77_holds_31_redundant_rows(shared_data: Path) -> None:
    """Of 31 rows that word characters alone would call repeated, 28 go, 2 ask about another currency and stay.

    One carries another label: a conflict, which stays and is told.
    """
    curation = curate_dataset(load(shared_data / TRAIN["banking77"]), config=QUICK)
    conflicts = [finding for finding in curation.findings if finding.rule == "label-conflict"]

    assert count(curation, "exact-duplicate") == 28
    for currencies in ("€£", "€$"):
        texts = [text for text in curation.kept_examples.inputs if re.search(rf"[{currencies}]1 charge on my", text)]
        assert len(texts) >= 2
    assert len(conflicts) == 2
    assert conflicts[0].evidence["labels"] == {"pending_top_up": 1, "top_up_reverted": 1}


@pytest.mark.parametrize(("name", "leaked"), [("banking77", 25), ("clinc150", 19)])
def test_every_test_row_in_train_is_found(shared_data: Path, name: str, leaked: int) -> None:
    """All folded copies of test rows go, and the test rows that they copy are as many as published."""
    train = load(shared_data / TRAIN[name])
    test = load(shared_data / TRAIN[name].replace("train", "test"))
    curation = curate_dataset(train, test=test, config=QUICK)
    known = {fold(text) for text in train.inputs}

    assert len({text for text in test.inputs if fold(text) in known}) == leaked
    assert folded_leaks(train.inputs, test.inputs) <= dropped(curation, "test-leak")


def test_a_template_makes_no_row_a_duplicate_or_leak(shared_data: Path) -> None:
    """Rendered as Alpaca prompts, the same rows go as without the template: boilerplate is not compared."""
    plain, test = load(shared_data / TRAIN["banking77"]), load(shared_data / "labelled/banking77/test.jsonl.gz")
    as_prompts = [
        load_examples(
            [
                {"prompt": ALPACA.format(text=text), "completion": label}
                for text, label in zip(side.inputs, side.targets, strict=True)
            ]
        )
        for side in (plain, test)
    ]
    bare = curate_dataset(plain, test=test, config=QUICK)
    framed = curate_dataset(as_prompts[0], test=as_prompts[1], config=QUICK)
    shingles = [text_shingles(text, "word:2") for text in plain.inputs]

    assert dropped(framed, "test-leak") == dropped(bare, "test-leak")
    assert len(dropped(framed, "exact-duplicate")) == len(dropped(bare, "exact-duplicate"))
    for decision in framed.decisions:
        if decision.finding.rule == "near-duplicate" and decision.finding.related is not None:
            assert jaccard(shingles[decision.row], shingles[decision.finding.related]) >= 0.8


QUICKEST = {"banking77", "sms_spam", "seeds"}


@pytest.mark.parametrize(
    "name", [name if name in QUICKEST else pytest.param(name, marks=pytest.mark.slow) for name in sorted(TRAIN)]
)
def test_laws_hold_on_real_data(shared_data: Path, name: str) -> None:
    """Rows are conserved; again drops nothing; the order changes nothing; survivors are as alike as said."""
    examples = load(shared_data / TRAIN[name])
    once = curate_dataset(examples, config=QUICK)
    order = list(range(len(examples)))
    random.Random(1).shuffle(order)
    shuffled = curate_dataset(examples.take(order), config=QUICK)  # type: ignore[arg-type]

    assert len(once.kept) + sum(once.summary["by_rule"].values()) == len(examples) + len(examples.bad_rows)
    assert curate_dataset(once.kept_examples, config=QUICK).summary["by_rule"] == {}
    assert rows_of(once) == rows_of(shuffled)
    check_survivors(once)


def rows_of(curation: Curation) -> Counter[str]:
    return Counter(map(repr, original_rows(curation.kept_examples)))


def check_survivors(curation: Curation) -> None:
    """Every duplicate that goes cites a row that stays, at the threshold in every field of the full text."""
    kept, table = set(curation.kept.tolist()), curation.examples.table
    names = ["input"] if curation.examples.kind == "label" else ["input", "target"]
    for decision in curation.decisions:
        other: Any = decision.finding.related
        if decision.action != "drop" or "duplicate" not in decision.finding.rule:
            continue
        scores = [
            jaccard(*(text_shingles(table[name][row].as_py(), "word:2") for row in (decision.row, other)))
            for name in names
        ]

        assert other in kept
        assert min(scores) >= 0.8


def test_splitting_the_input_into_files_changes_nothing(shared_data: Path, tmp_path: Path) -> None:
    """Two files curated together keep what one file of the same rows keeps."""
    examples = load(shared_data / TRAIN["banking77"])
    lines = [line.as_py() for line in examples.source["raw"]]
    for number, part in enumerate((lines[:4000], lines[4000:])):
        (tmp_path / f"part{number}.jsonl").write_bytes(b"\n".join(part) + b"\n")
    together = curate_dataset(str(tmp_path / "part*.jsonl"), config=QUICK)

    assert rows_of(together) == rows_of(curate_dataset(examples, config=QUICK))
