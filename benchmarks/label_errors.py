"""Planted label errors to ranking, flags and expected precision, beside cleanlab on the same probabilities.

    python benchmarks/label_errors.py DATA_FOLDER [--sets banking77,clinc150,snips] [--rates 0.05,0.1,0.2] [--out FILE]

DATA_FOLDER holds `labelled/NAME/train.jsonl.gz`. Labels are replaced evenly at random, or as models trained on the
untouched data confuse the classes. Errors that the data has by nature count as false alarms, so that figures are lower
bounds. cleanlab (AGPL, never a dependency) is installed into a temporary folder and given the very probabilities that
our queue uses. What FILE holds already is not measured again. Times are CPU seconds of this process.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from tunegate.core.formats import load_examples
from tunegate.core.store import write_json
from tunegate.curate.config import LabelErrorConfig
from tunegate.curate.label_errors.features import Features, text_features
from tunegate.curate.label_errors.findings import rank_labels
from tunegate.curate.label_errors.models import LabelModels
from tunegate.curate.label_errors.ranking import draw_labels, margins

Array = np.ndarray[Any, Any]
SEED = 20_000
"""Far from the seeds of the probes, which would otherwise plant errors in the same rows."""
DEPTHS = (0.25, 0.5, 0.75, 1.0)
"""Parts of the flagged queue down to which the expected precision is compared with the real one."""
WITH_LOGISTIC = (0.1,)
"""Rates at which the slower ensemble is measured too."""


def plant(labels: Array, rate: float, confusion: Array) -> tuple[Array, Array]:
    """Labels with a share replaced, drawn from each class's row of the confusion; and where."""
    generator = np.random.default_rng(SEED)
    rows = generator.permutation(len(labels))[: int(rate * len(labels))]
    planted = labels.copy()
    planted[rows] = draw_labels(labels[rows], confusion, generator)
    return planted, np.isin(np.arange(len(labels)), rows)


def confusions(features: Features, labels: Array, classes: int) -> dict[str, Array]:
    """Errors as models of the untouched data confuse the classes, and errors at random."""
    probabilities = LabelModels(features, LabelErrorConfig()).probabilities(labels, classes)
    mean = np.zeros((classes, classes))
    np.add.at(mean, labels, probabilities)
    np.fill_diagonal(mean, 0)
    even = (1 - np.eye(classes)) / (classes - 1)
    return {"confusable": mean / mean.sum(axis=1, keepdims=True), "uniform": even}


def measure(features: Features, labels: Array, is_wrong: Array, classes: int, *, logistic: bool) -> dict[str, Any]:
    """Figures of an ensemble and of cleanlab on its probabilities; the default one's expected precision too."""
    from sklearn.metrics import average_precision_score

    names = [str(at) for at in range(classes)]
    config = LabelErrorConfig(logistic=logistic, probes=0 if logistic else LabelErrorConfig().probes)
    start = time.process_time()
    queue = rank_labels(features, labels, names, config)
    cpu = time.process_time() - start
    probabilities = LabelModels(features, config).probabilities(labels, classes)
    scores, _ = margins(probabilities, labels)
    right = is_wrong[np.argsort(-scores, kind="stable")]
    figures: dict[str, Any] = {
        "ap": float(average_precision_score(is_wrong, scores)),
        "precision_at_k": float(right[: int(is_wrong.sum())].mean()),
        "flagged_precision": float(is_wrong[queue.rows].mean()),
        "flagged_recall": float(is_wrong[queue.rows].sum() / is_wrong.sum()),
        "cpu_s": cpu,
        "cleanlab": cleanlab_figures(probabilities, labels, is_wrong),
    }
    if queue.expected is not None:
        figures["estimated_error_share"] = queue.error_share
        figures["expected_precision"] = expected_figures(queue.expected, is_wrong[queue.rows])
    return figures


def expected_figures(expected: Array, right: Array) -> dict[str, Any]:
    """Expected and real precision down to parts of the queue."""
    rows = [max(1, round(part * len(right))) for part in DEPTHS]
    stated, real = [float(expected[row - 1]) for row in rows], [float(right[:row].mean()) for row in rows]
    error = float(np.abs(np.subtract(stated, real)).mean())
    return {"depths": list(DEPTHS), "expected": stated, "real": real, "mean_error": error}


def cleanlab_figures(probabilities: Array, labels: Array, is_wrong: Array) -> dict[str, float]:
    """Cleanlab's defaults on the same probabilities: self-confidence ranking, pruning by noise rate."""
    from cleanlab.filter import find_label_issues
    from sklearn.metrics import average_precision_score

    own = probabilities[np.arange(len(labels)), labels]
    flags = find_label_issues(labels, probabilities, n_jobs=1)
    return {
        "ap": float(average_precision_score(is_wrong, 1 - own)),
        "precision_at_k": float(is_wrong[np.argsort(own, kind="stable")[: int(is_wrong.sum())]].mean()),
        "flagged_precision": float(is_wrong[flags].mean()),
        "flagged_recall": float(flags[is_wrong].mean()),
    }


def checked_by_people(folder: Path) -> dict[str, Any]:
    """On 20news test posts: how well a score tells errors that people confirmed from flags found fine, as AUC.

    The flags were chosen by another model's ranking, whose own range they therefore narrow.
    """
    from sklearn.metrics import roc_auc_score

    examples = load_examples(
        folder / "labelled/label_errors_20news/test.jsonl.gz", columns={"input": "body", "target": "label"}
    )
    names, labels = np.unique(examples.targets, return_inverse=True)
    rows = [json.loads(line.as_py()) for line in examples.source["raw"]]
    judged = [at for at, row in enumerate(rows) if row.get("verdict") in ("label_error", "label_ok")]
    truth = [rows[at]["verdict"] == "label_error" for at in judged]
    features = text_features(examples.inputs)
    figures: dict[str, Any] = {"errors": sum(truth), "fine": len(truth) - sum(truth)}
    for name, config in (("default", LabelErrorConfig()), ("logistic", LabelErrorConfig(logistic=True))):
        probabilities = LabelModels(features, config).probabilities(labels, len(names))
        own = probabilities[np.arange(len(labels)), labels]
        scores, _ = margins(probabilities, labels)
        figures[f"{name}_auc"] = float(roc_auc_score(truth, scores[judged]))
        figures[f"{name}_self_confidence_auc"] = float(roc_auc_score(truth, 1 - own[judged]))
    figures["published_probabilities_auc"] = float(roc_auc_score(truth, [-rows[at]["cl_prob_given"] for at in judged]))
    return figures


def install_cleanlab(folder: str) -> None:
    """Cleanlab and the two small libraries it needs beyond ours, into a folder of its own."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--target",
        folder,
        "--no-deps",
        "cleanlab",
        "termcolor",
    ]
    subprocess.run(command, check=True)
    sys.path.append(folder)


def main() -> None:
    """Measure, print, and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", default="banking77,clinc150,snips")
    parser.add_argument("--rates", default="0.05,0.1,0.2")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    results: dict[str, Any] = {}
    if options.out and options.out.exists():
        results = json.loads(options.out.read_text(encoding="utf-8"))

    def keep(key: str, figures: dict[str, Any]) -> None:
        results[key] = figures
        print(key, json.dumps(figures), flush=True)
        if options.out:
            write_json(options.out, results)

    with tempfile.TemporaryDirectory() as folder:
        install_cleanlab(folder)
        for name in options.sets.split(","):
            cells = [
                (rate, noise, logistic)
                for rate in map(float, options.rates.split(","))
                for noise in ("confusable", "uniform")
                for logistic in ((False, True) if rate in WITH_LOGISTIC else (False,))
            ]
            todo = [cell for cell in cells if cell_name(name, *cell) not in results]
            if not todo:
                continue
            examples = load_examples(
                options.data / f"labelled/{name}/train.jsonl.gz", columns={"input": "text", "target": "label"}
            )
            names, labels = np.unique(examples.targets, return_inverse=True)
            features = text_features(examples.inputs)
            kinds = confusions(features, labels, len(names))
            for rate, noise, logistic in todo:
                planted, is_wrong = plant(labels, rate, kinds[noise])
                figures = measure(features, planted, is_wrong, len(names), logistic=logistic)
                keep(cell_name(name, rate, noise, logistic), figures)
        if "20news checked by people" not in results:
            keep("20news checked by people", checked_by_people(options.data))


def cell_name(name: str, rate: float, noise: str, logistic: bool) -> str:
    """Such as `snips 0.1 uniform` and `snips 0.1 uniform, logistic`."""
    return f"{name} {rate:g} {noise}" + (", logistic" if logistic else "")


if __name__ == "__main__":
    main()
