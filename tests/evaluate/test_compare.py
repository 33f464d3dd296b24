"""Two models' scores to a comparison."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tunegate.core.errors import IntegrityError
from tunegate.core.results import Scores
from tunegate.evaluate import compare_scores
from tunegate.evaluate.statistics.tango import normal_quantile, tango_interval


def test_counts_deltas_and_interval_of_one_benchmark(make_scores: Any, flips: Any) -> None:
    """n, scores, flips and the interval are those of the paired table."""
    base, tuned = flips(6, 2, 60, 32)
    (task,) = compare_scores(make_scores({"grammar": base}), make_scores({"grammar": tuned}, model="new")).tasks

    assert (task.n, task.base, task.tuned, task.lost, task.gained) == (100, 0.66, 0.62, 6, 2)
    assert task.delta == pytest.approx(-0.04)
    assert task.discordant == 0.08
    assert (task.low, task.high) == tuple(float(end) for end in tango_interval(6, 2, 100, 0.05))
    assert task.p_value == pytest.approx(37 / 256)


def test_rows_are_paired_by_identity_not_by_position(make_scores: Any, flips: Any) -> None:
    """Shuffling the rows of one side changes nothing at all."""
    base, tuned = flips(6, 2, 60, 32)
    before, after = make_scores({"grammar": base}), make_scores({"grammar": tuned})
    shuffled = replace(after, rows=after.rows.take(pa.array(np.random.default_rng(0).permutation(100))))

    assert compare_scores(before, shuffled) == compare_scores(before, after)


def test_the_users_own_task_comes_first(make_scores: Any) -> None:
    """Whatever order the scores have."""
    scores = make_scores({"grammar": [1, 0], "task": [0, 0], "facts": [1, 1]})

    assert [task.info.name for task in compare_scores(scores, scores).tasks] == ["task", "grammar", "facts"]


@given(pairs=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_swapping_the_models_mirrors_everything(make_scores: Any, pairs: list[tuple[bool, bool]]) -> None:
    """Lost becomes gained and every difference changes its sign."""
    one, two = (make_scores({"b": [pair[side] for pair in pairs]}) for side in (0, 1))
    (there,), (back,) = compare_scores(one, two).tasks, compare_scores(two, one).tasks

    assert (there.lost, there.gained, there.delta) == (back.gained, back.lost, -back.delta)
    assert (there.low, there.high) == (pytest.approx(-back.high, abs=1e-9), pytest.approx(-back.low, abs=1e-9))


def test_a_missing_item_is_named(make_scores: Any) -> None:
    """An item that only one side has is an integrity error with count and name, never dropped."""
    base, tuned = make_scores({"grammar": [1, 0, 1, 1]}), make_scores({"grammar": [1, 0, 1, 1]})
    short = replace(tuned, rows=tuned.rows.slice(0, 3))

    with pytest.raises(IntegrityError, match=r"'grammar': 1 of 4 items are missing in the tuned scores: doc00003"):
        compare_scores(base, short)
    with pytest.raises(IntegrityError, match="missing in the base scores"):
        compare_scores(short, base)


def test_many_missing_items_are_counted(make_scores: Any) -> None:
    """Only the first few are named."""
    base = make_scores({"grammar": [1] * 50})

    with pytest.raises(IntegrityError, match=r"40 of 50 items .*doc00010, doc00011, doc00012 and 37 more"):
        compare_scores(base, make_scores({"grammar": [1] * 10}))


def broken(scores: Scores, column: str, values: list[Any]) -> Scores:
    """Scores with one column replaced."""
    position = scores.rows.column_names.index(column)
    kind = scores.rows.schema.field(column).type
    return replace(scores, rows=scores.rows.set_column(position, column, pa.array(values, type=kind)))


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("prompt_hash", ["prompt0", "other"], "read different prompts for 1 of 2 items: doc00001"),
        ("value", [1.0, float("nan")], "tuned scores that are not 0 or 1: doc00001"),
        ("value", [1.0, 0.5], "tuned scores that are not 0 or 1: doc00001"),
        ("metric", ["f1", "f1"], "no item of metric 'acc' in the tuned scores"),
    ],
)
def test_scores_that_do_not_fit_are_refused(make_scores: Any, column: str, values: list[Any], message: str) -> None:
    """Different prompts, values that are no score and other metrics are integrity errors."""
    scores = make_scores({"grammar": [1, 0]})

    with pytest.raises(IntegrityError, match=message):
        compare_scores(scores, broken(scores, column, values))


def test_a_repeated_item_is_refused(make_scores: Any) -> None:
    """Twice the same identity would count one item twice."""
    scores = make_scores({"grammar": {"value": [1, 0], "doc_hash": ["d", "d"], "target_hash": ["t", "t"]}})

    with pytest.raises(IntegrityError, match="items occur twice in the base scores: d"):
        compare_scores(scores, scores)


def test_equal_documents_are_told_apart_by_their_occurrence(make_scores: Any) -> None:
    """A benchmark that asks the same thing twice keeps both answers."""
    twins = {"value": [1, 0], "doc_hash": ["d", "d"], "target_hash": ["t", "t"], "occurrence": [0, 1]}
    (task,) = compare_scores(make_scores({"b": twins}), make_scores({"b": {**twins, "value": [1, 1]}})).tasks

    assert (task.n, task.gained) == (2, 1)


@pytest.mark.parametrize("side", ["base", "tuned"])
def test_empty_and_foreign_scores_are_refused(make_scores: Any, side: str) -> None:
    """No rows, or a table of something else."""
    scores = make_scores({"grammar": [1, 0]})
    for wrong, message in (
        (replace(scores, rows=scores.rows.slice(0, 0)), f"{side} scores: no item"),
        (replace(scores, rows=pa.table({"a": [1]})), f"{side} scores: not a table of scores"),
    ):
        pair = (wrong, scores) if side == "base" else (scores, wrong)
        with pytest.raises(IntegrityError, match=message):
            compare_scores(*pair)


def test_other_tasks_and_other_versions_are_refused(make_scores: Any) -> None:
    """Both models must have been asked the same tasks in the same version."""
    scores = make_scores({"a": [1], "b": [1]})

    with pytest.raises(IntegrityError, match="different tasks: 'b' only in base, 'c' only in tuned"):
        compare_scores(scores, make_scores({"a": [1], "c": [1]}))
    with pytest.raises(IntegrityError, match="'b': version differs \\('' in base, '2' in tuned\\)"):
        compare_scores(scores, make_scores({"a": [1], "b": [1]}, infos={"b": {"version": "2"}}))


def test_a_loss_is_negative_whichever_way_the_metric_points(make_scores: Any) -> None:
    """An error rate that rises is a loss."""
    infos = {"e": {"higher_is_better": False}}
    (task,) = compare_scores(
        make_scores({"e": [0, 0, 0, 1]}, infos=infos), make_scores({"e": [1, 0, 0, 1]}, infos=infos)
    ).tasks

    assert (task.base, task.tuned, task.delta, task.lost) == (0.25, 0.5, -0.25, 1)


def test_bits_per_byte_are_a_ratio_of_sums(make_scores: Any) -> None:
    """Long documents weigh as much as they are long; more bits are a loss."""
    infos = {"text": {"scale": "ratio", "metric": "bits_per_byte", "higher_is_better": False}}
    weight = [100.0, 300.0]
    base = make_scores({"text": {"value": [200.0, 300.0], "weight": weight}}, infos=infos)
    tuned = make_scores({"text": {"value": [220.0, 300.0], "weight": weight}}, infos=infos)
    (task,) = compare_scores(base, tuned).tasks

    assert (task.base, task.tuned) == (1.25, 1.3)
    assert task.delta == pytest.approx(-0.05)
    assert (task.differences, task.weights) == ((-20.0, 0.0), (100.0, 300.0))


def test_contaminated_items_are_set_apart(make_scores: Any) -> None:
    """The difference is given over all items and over those not seen in training."""
    marks = [True, False, False, True]
    base = make_scores({"b": {"value": [0, 1, 1, 0], "contaminated": marks}})
    tuned = make_scores({"b": {"value": [1, 0, 1, 1], "contaminated": marks}})
    (task,) = compare_scores(base, tuned).tasks

    assert (task.contaminated, task.delta, task.clean_delta) == (2, 0.25, -0.5)


def test_subjects_are_strata_tested_under_a_false_discovery_rate(make_scores: Any) -> None:
    """A subject that lost everything is marked, its neighbours are not."""
    subjects = ["law"] * 20 + ["art"] * 20
    base = make_scores({"b": {"value": [1] * 40, "subject": subjects}})
    tuned = make_scores({"b": {"value": [0] * 10 + [1] * 29 + [0], "subject": subjects}})
    art, law = compare_scores(base, tuned).tasks[0].subjects

    assert (art["subject"], art["n"], art["lost"], art["p_value"], art["significant"]) == ("art", 20, 1, 0.5, False)
    assert (law["subject"], law["delta"], law["p_value"], law["significant"]) == ("law", -0.5, 2**-10, True)


def test_items_of_one_passage_are_clusters(make_scores: Any) -> None:
    """Items that all do the same count once: the interval is that of the passages, with t and one passage not drawn."""
    passages = [f"p{i // 5}" for i in range(500)]
    values = [int(i // 5 >= 12) for i in range(500)]
    base = make_scores({"b": {"value": [1] * 500, "cluster": passages}})
    (task,) = compare_scores(base, make_scores({"b": {"value": values, "cluster": passages}})).tasks

    assert len(task.clusters) == 500
    unseen = (normal_quantile(0.95) / 100) ** 2
    expected = tango_interval(12.0, 0.0, 100.0, 0.05, degrees=99, unseen=unseen)
    assert (task.low, task.high) == (pytest.approx(float(expected[0])), pytest.approx(float(expected[1])))
    assert task.p_value == pytest.approx(2**-12)


def test_clusters_of_independent_items_cost_little(make_scores: Any) -> None:
    """With enough changed passages the design effect is estimated, so the interval is close to the plain one."""
    generator = np.random.default_rng(3)
    values = (generator.random(2000) > 0.1).astype(int)
    passages = [f"p{i // 4}" for i in range(2000)]
    base = make_scores({"b": {"value": [1] * 2000, "cluster": passages}})
    (task,) = compare_scores(base, make_scores({"b": {"value": values, "cluster": passages}})).tasks
    plain, worst = tango_interval(task.lost, 0, 2000, 0.05), tango_interval(task.lost / 4, 0, 500, 0.05)

    assert worst[0] < task.low < plain[0]
    assert task.high - task.low < 1.2 * (plain[1] - plain[0])


def test_settings_that_differ_are_said(make_scores: Any) -> None:
    """Another dtype is not refused, but nobody can overlook it."""
    scores = make_scores({"b": [1, 0]})
    base, tuned = (replace(scores, settings={"dtype": dtype}) for dtype in ("float32", "bfloat16"))

    assert compare_scores(base, tuned).warnings == (
        "base and tuned were measured with different dtype: 'float32' and 'bfloat16'",
    )


def test_flips_show_what_both_models_answered(make_scores: Any) -> None:
    """Lost ones first, with the question, both answers and the right one."""
    comparison = compare_scores(make_scores({"b": [0, 1]}), make_scores({"b": [1, 0]}))
    lost, gained = comparison.flips

    assert (lost.direction, lost.prompt, lost.base, lost.tuned, lost.target) == (
        "lost",
        "question 1",
        "answer 1",
        "answer 0",
        "right 1",
    )
    assert gained.direction == "gained"


def test_the_permutation_p_value_is_an_enumeration(make_scores: Any) -> None:
    """For numbers it is the share of sign patterns with a sum as low as the observed one."""
    changes = [-3.0, -1.0, 2.0, -0.5]
    sums = [sum(s * c for s, c in zip(signs, changes, strict=True)) for signs in product((1, -1), repeat=4)]
    infos = {"b": {"scale": "continuous"}}
    base, tuned = (make_scores({"b": values}, infos=infos) for values in ([0.0] * 4, changes))

    assert compare_scores(base, tuned).tasks[0].p_value == sum(s <= sum(changes) for s in sums) / 16
