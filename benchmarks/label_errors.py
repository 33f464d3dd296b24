"""Planted label errors on real data to average precision, flagged precision and calibration, beside cleanlab.

    python benchmarks/label_errors.py DATA_FOLDER [--sets banking77,clinc150,snips] [--rates 0.05,0.1,0.2] [--out FILE]

DATA_FOLDER holds `labelled/NAME/train.jsonl.gz`. Errors that the data has by nature count as false alarms, so that
figures are lower bounds. cleanlab (AGPL, never a dependency) is installed into a temporary folder and given the very
probabilities that our queue uses. Times are CPU seconds of this process.
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
from tunegate.curate.config import LabelErrorConfig
from tunegate.curate.label_errors.features import Features, text_features
from tunegate.curate.label_errors.findings import rank_labels
from tunegate.curate.label_errors.models import LabelModels
from tunegate.curate.label_errors.ranking import class_confusion, confident_flags, draw_labels, margins

Array = np.ndarray[Any, Any]
SEED = 20_000
"""Far from the seeds of the probes, which would otherwise plant errors in the same rows."""


def plant(labels: Array, rate: float, confusion: Array) -> tuple[Array, Array]:
    """Labels with a share replaced, drawn from each class's row of the confusion; and where."""
    generator = np.random.default_rng(SEED)
    rows = generator.permutation(len(labels))[: int(rate * len(labels))]
    planted = labels.copy()
    planted[rows] = draw_labels(labels[rows], confusion, generator)
    return planted, np.isin(np.arange(len(labels)), rows)


def confusions(probabilities: Array, labels: Array) -> dict[str, Array]:
    """Errors as the models confuse the classes, and errors at random."""
    classes = probabilities.shape[1]
    uniform = np.full((classes, classes), 1 / (classes - 1))
    np.fill_diagonal(uniform, 0)
    return {"confusable": 2 * class_confusion(probabilities, labels) - uniform, "uniform": uniform}


def measure(features: Features, labels: Array, is_wrong: Array, classes: int) -> dict[str, float]:
    """Figures of the default ensemble, of the one with logistic regression, and of cleanlab on the latter."""
    from sklearn.metrics import average_precision_score

    names = [str(at) for at in range(classes)]
    figures: dict[str, float] = {}
    for name, config in (("default", LabelErrorConfig()), ("logistic", LabelErrorConfig(logistic=True, probes=0))):
        start = time.process_time()
        queue = rank_labels(features, labels, names, config)
        figures[f"{name}_cpu_s"] = time.process_time() - start
        if queue.expected is not None:
            figures["expected_precision"] = float(queue.expected[-1])
        probabilities = LabelModels(features, config).probabilities(labels, classes)
        scores, _ = margins(probabilities, labels)
        flags = confident_flags(probabilities, labels)
        top = np.argsort(-scores, kind="stable")[: int(is_wrong.sum())]
        figures[f"{name}_ap"] = float(average_precision_score(is_wrong, scores))
        figures[f"{name}_precision_at_k"] = float(is_wrong[top].mean())
        figures[f"{name}_flagged_precision"] = float(is_wrong[flags].mean())
        figures[f"{name}_flagged_recall"] = float(flags[is_wrong].mean())
    return figures | cleanlab_figures(probabilities, labels, is_wrong)


def cleanlab_figures(probabilities: Array, labels: Array, is_wrong: Array) -> dict[str, float]:
    """Cleanlab's defaults on the same probabilities: self-confidence ranking, pruning by noise rate."""
    from cleanlab.filter import find_label_issues
    from sklearn.metrics import average_precision_score

    own = probabilities[np.arange(len(labels)), labels]
    flags = find_label_issues(labels, probabilities, n_jobs=1)
    return {
        "cleanlab_ap": float(average_precision_score(is_wrong, 1 - own)),
        "cleanlab_flagged_precision": float(is_wrong[flags].mean()),
        "cleanlab_flagged_recall": float(flags[is_wrong].mean()),
    }


def checked_by_people(folder: Path) -> dict[str, float]:
    """On 20news test posts: how well the queue's score tells errors that people confirmed from flags found fine."""
    from sklearn.metrics import roc_auc_score

    examples = load_examples(
        folder / "labelled/label_errors_20news/test.jsonl.gz", columns={"input": "body", "target": "label"}
    )
    names, labels = np.unique(examples.targets, return_inverse=True)
    verdicts = [json.loads(line.as_py()).get("verdict") for line in examples.source["raw"]]
    probabilities = LabelModels(text_features(examples.inputs), LabelErrorConfig()).probabilities(labels, len(names))
    scores, _ = margins(probabilities, labels)
    judged = [at for at, verdict in enumerate(verdicts) if verdict in ("label_error", "label_ok")]
    truth = [verdicts[at] == "label_error" for at in judged]
    return {"errors": sum(truth), "fine": len(truth) - sum(truth), "auc": float(roc_auc_score(truth, scores[judged]))}


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
    with tempfile.TemporaryDirectory() as folder:
        install_cleanlab(folder)
        for name in options.sets.split(","):
            examples = load_examples(
                options.data / f"labelled/{name}/train.jsonl.gz", columns={"input": "text", "target": "label"}
            )
            names, labels = np.unique(examples.targets, return_inverse=True)
            features = text_features(examples.inputs)
            clean = LabelModels(features, LabelErrorConfig()).probabilities(labels, len(names))
            for rate in map(float, options.rates.split(",")):
                for noise, confusion in confusions(clean, labels).items():
                    planted, is_wrong = plant(labels, rate, confusion)
                    key = f"{name} {rate:g} {noise}"
                    results[key] = measure(features, planted, is_wrong, len(names))
                    print(key, {figure: round(value, 3) for figure, value in results[key].items()}, flush=True)
        results["20news checked by people"] = checked_by_people(options.data)
        print(results["20news checked by people"])
    if options.out:
        options.out.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
