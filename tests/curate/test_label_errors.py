"""Planted label errors rise to the top of the queue, with an honest estimate of how many flags are right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tunegate.core.formats import load_examples
from tunegate.curate import CurateConfig, curate_dataset
from tunegate.curate.config import LabelErrorConfig
from tunegate.curate.label_errors.features import text_features
from tunegate.curate.label_errors.findings import rank_labels
from tunegate.curate.label_errors.models import LabelModels, calibrated, folds
from tunegate.curate.label_errors.ranking import cohens_kappa, confident_flags, margins

TOPICS = {
    "card": "card arrive delivery post envelope late lost new order plastic",
    "fees": "fee charge cost price extra exchange rate withdraw percent money",
    "login": "password login account phone code reset app verify screen locked",
}


def rows(count: int, seed: int = 0) -> tuple[list[str], list[str]]:
    generator = np.random.default_rng(seed)
    labels = [list(TOPICS)[at % 3] for at in range(count)]
    texts = [" ".join(generator.choice([*TOPICS[label].split(), "the", "my", "is"], 6)) for label in labels]
    return texts, labels


def test_planted_errors_are_flagged_with_the_right_label() -> None:
    """Nearly all swapped labels are found, with the label they had, and hardly anything else is."""
    texts, labels = rows(300)
    wrong = list(range(0, 300, 14))
    planted = [("fees" if labels[at] == "card" else "card") if at in wrong else labels[at] for at in range(300)]
    data = [{"text": text, "label": label} for text, label in zip(texts, planted, strict=True)]
    config = CurateConfig.model_validate({"rules": {"near-duplicate": "off", "exact-duplicate": "off"}})
    findings = [f for f in curate_dataset(load_examples(data), config=config).findings if f.rule == "label-error"]
    right = [f for f in findings if f.row in wrong and f.evidence["suggested"] == labels[f.row]]

    assert len(right) >= 0.8 * len(wrong)
    assert len(findings) - len(right) <= 3
    assert all(0 <= f.evidence["expected_precision"] <= 1 for f in findings)
    assert min(f.evidence["expected_precision"] for f in findings) >= 0.5


def test_labels_that_the_texts_do_not_tell_of_are_not_questioned() -> None:
    """Where models cannot learn the labels, their doubts mean nothing, and no row is flagged."""
    texts, labels = rows(200)
    shuffled = np.random.default_rng(0).permutation(labels).tolist()
    data = [{"text": text, "label": label} for text, label in zip(texts, shuffled, strict=True)]
    config = CurateConfig.model_validate({"rules": {"near-duplicate": "off", "exact-duplicate": "off"}})
    curation = curate_dataset(load_examples(data), config=config)

    assert not any(f.rule == "label-error" for f in curation.findings)


def test_kappa_is_agreement_beyond_chance() -> None:
    """By hand: 3 of 4 agree, half would by chance, so half of what chance leaves."""
    assert cohens_kappa(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0])) == pytest.approx(0.5)
    assert cohens_kappa(np.array([0, 1]), np.array([0, 1])) == 1


def test_label_errors_are_flagged_and_never_rewritten() -> None:
    """By default every row of the queue stays as it is."""
    texts, labels = rows(120)
    labels[0] = "login"
    data = [{"text": text, "label": label} for text, label in zip(texts, labels, strict=True)]
    config = CurateConfig.model_validate({"rules": {"near-duplicate": "off", "exact-duplicate": "off"}})
    curation = curate_dataset(load_examples(data), config=config)

    assert curation.kept.tolist() == list(range(120))
    assert curation.kept_examples.targets == labels


def test_the_order_of_rows_changes_no_flag() -> None:
    """The same rows in another order have the same queue."""
    texts, labels = rows(200)
    labels[4], labels[90] = "card", "fees"
    data = [{"text": text, "label": label} for text, label in zip(texts, labels, strict=True)]
    config = CurateConfig.model_validate({"rules": {"near-duplicate": "off", "exact-duplicate": "off"}})
    curations = [curate_dataset(load_examples(part), config=config) for part in (data, data[::-1])]
    queues = [
        sorted((c.examples.ids[f.row], f.evidence["rank"]) for f in c.findings if f.rule == "label-error")
        for c in curations
    ]

    assert len(queues[0]) > 0
    assert queues[0] == queues[1]


def test_folds_hold_each_row_once_and_every_class_evenly() -> None:
    """Each row is held out once; the rows of a class spread over the folds as evenly as they can."""
    labels = np.array([0] * 7 + [1] * 3 + [2] * 11)
    held = [held for _, held in folds(labels, 5)]

    assert sorted(np.concatenate(held).tolist()) == list(range(21))
    assert all(np.ptp([(labels[rows] == at).sum() for rows in held]) <= 1 for at in range(3))


def test_planted_errors_may_empty_a_class() -> None:
    """Models survive a label that lost all its rows: it is only never suggested first."""
    texts, labels = rows(60)
    codes = np.unique(labels, return_inverse=True)[1]
    probabilities = LabelModels(text_features(texts), LabelErrorConfig()).probabilities(codes, 4)

    assert np.isfinite(probabilities).all()
    assert not (probabilities.argmax(axis=1) == 3).any()


def test_classes_too_small_to_judge_are_said() -> None:
    """A class with fewer rows than folds is left out of the models and named."""
    texts, labels = rows(120)
    data = [{"text": text, "label": label} for text, label in zip(texts, labels, strict=True)]
    data += [{"text": f"refund number {at}", "label": "refund"} for at in ("one", "two")]
    findings = curate_dataset(load_examples(data)).findings

    assert [f.row for f in findings if f.rule == "rare-class"] == [120, 121]
    assert not any(f.rule == "label-error" and f.row >= 120 for f in findings)


def test_discriminants_leave_each_row_out_exactly() -> None:
    """The closed form equals densities whose means and covariance were taken without the row."""
    texts, labels = rows(60)
    codes = np.unique(labels, return_inverse=True)[1]
    features = text_features(texts)
    found = LabelModels(features, LabelErrorConfig())._discriminants(codes, 3)
    dense = features.dense.astype(np.float64)

    def scatter(kept: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        means = np.stack([dense[kept & (codes == at)].mean(axis=0) for at in range(3)])
        centred = dense[kept] - means[codes[kept]]
        return np.asarray(centred.T @ centred / 60)

    everyone, others = np.ones(60, dtype=bool), np.arange(60) != 7
    size = dense.shape[1]
    precision = np.linalg.inv(scatter(others) + np.trace(scatter(everyone)) / size * np.eye(size))
    expected = []
    for at in range(3):
        mean = dense[others & (codes == at)].mean(axis=0)
        prior = np.log((others & (codes == at)).sum() / 60)
        expected.append(prior - 0.5 * (dense[7] - mean) @ precision @ (dense[7] - mean))

    assert found[7] - found[7].max() == pytest.approx(np.array(expected) - max(expected), abs=1e-3)


def test_no_row_votes_for_itself() -> None:
    """A row's own label does not enter its own probabilities: changing it leaves them alone, up to calibration."""
    texts, labels = rows(60)
    codes = np.unique(labels, return_inverse=True)[1]
    models = LabelModels(text_features(texts), LabelErrorConfig())
    changed = codes.copy()
    changed[7] = (codes[7] + 1) % 3

    assert models._votes(changed, 3)[7] == pytest.approx(models._votes(codes, 3)[7])


def test_calibration_softens_overconfident_scores() -> None:
    """Scores that are right three times in four become probabilities near three in four."""
    labels = np.array([0, 0, 0, 1] * 50)
    scores = np.tile([100.0, 0.0], (200, 1))

    assert calibrated(scores, labels)[0, 0] == pytest.approx(0.75, abs=0.3)


def test_confident_flags_follow_the_class_thresholds() -> None:
    """A row is flagged where another class reaches its own mean probability; a hesitant row is not."""
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.05, 0.95], [0.5, 0.5]])
    labels = np.array([0, 0, 1, 1, 0, 0])

    assert confident_flags(probabilities, labels).tolist() == [False, False, False, False, True, False]


def test_margins_compare_with_the_best_other_label() -> None:
    """Log p(best other) − log p(given), and that other label."""
    scores, other = margins(np.array([[0.2, 0.5, 0.3]]), np.array([2]))

    assert scores == pytest.approx([np.log(0.5 / 0.3)])
    assert other.tolist() == [1]


@pytest.mark.slow
def test_expected_precision_is_close_on_real_data(shared_data: Path) -> None:
    """On banking77 with a tenth of the labels replaced, the flagged set is as precise as predicted."""
    examples = load_examples(shared_data / "labelled/banking77/train.jsonl.gz")
    names, codes = np.unique(examples.targets, return_inverse=True)
    generator = np.random.default_rng(777)
    wrong = generator.permutation(len(codes))[: len(codes) // 10]
    planted = codes.copy()
    planted[wrong] = (codes[wrong] + generator.integers(1, len(names), len(wrong))) % len(names)
    queue = rank_labels(text_features(examples.inputs), planted, names.tolist(), LabelErrorConfig())
    right = np.isin(queue.rows, wrong)
    assert queue.expected is not None

    assert queue.expected[-1] == pytest.approx(right.mean(), abs=0.1)
