"""A verdict to JUnit XML: a suite per layer, a case per check, failing exactly when the exit code says so."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.results import Check, RunResults, Verdict
from . import figures
from .checks import unit_of
from .escape import xml_text

Case = tuple[str, str]
"""(what became of it: passed, failed, skipped; its XML)."""

SUITES = {"task": "task", "mean": "mean of all benchmarks", "benchmark": "benchmarks", "reference": "reference"}


def render_junit(results: RunResults | Verdict) -> str:
    """JUnit XML of a run's verdict, or of a verdict alone; no suite where nothing was gated.

    It holds no times or dates, so that the same verdict gives the same bytes.

    A failed check is a failure; an inconclusive or void one too, where the run may not pass because of it, else it is
    skipped, as are waived and advisory ones. A last case stands for the verdict itself.
    """
    verdict, name = (results.verdict, results.name) if isinstance(results, RunResults) else (results, "tunegate")
    if verdict is None:
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="{xml_text(name)}"/>\n'
    kinds = list(dict.fromkeys([*SUITES, *(check.kind for check in verdict.checks)]))
    suites = []
    for kind in kinds:
        cases = [_case(check, verdict) for check in verdict.checks if check.kind == kind]
        if cases:
            suites.append(_suite(SUITES.get(kind, kind), cases))
    suites.append(_suite("verdict", [_verdict_case(verdict)]))
    body = "\n".join(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="{xml_text(name)}">\n{body}\n</testsuites>\n'


def _suite(title: str, cases: Sequence[Case]) -> str:
    states = [state for state, _ in cases]
    counts = f'tests="{len(cases)}" failures="{states.count("failed")}" skipped="{states.count("skipped")}" errors="0"'
    return "\n".join([f'  <testsuite name="{xml_text(title)}" {counts}>', *(xml for _, xml in cases), "  </testsuite>"])


def _case(check: Check, verdict: Verdict) -> Case:
    head = f'    <testcase classname="tunegate.{xml_text(check.kind)}" name="{xml_text(check.name)}"'
    reason, figure = xml_text(check.reason), xml_text(_figures(check))
    if check.state == "pass":
        return "passed", f"{head}>\n      <system-out>{figure}</system-out>\n    </testcase>"
    undecided = check.state in {"inconclusive", "void"}
    if check.state == "fail" or (undecided and verdict.exit_code):
        inner = f'<failure type="{check.state}" message="{reason}">{figure}</failure>'
        return "failed", f"{head}>\n      {inner}\n    </testcase>"
    return "skipped", f'{head}>\n      <skipped message="{check.state}: {reason}"/>\n    </testcase>'


def _verdict_case(verdict: Verdict) -> Case:
    head = '    <testcase classname="tunegate.verdict" name="verdict"'
    reason = xml_text(verdict.reason)
    if verdict.exit_code:
        inner = f'<failure type="{verdict.outcome}" message="{reason}">exit code {verdict.exit_code}</failure>'
        return "failed", f"{head}>\n      {inner}\n    </testcase>"
    return "passed", f"{head}>\n      <system-out>{reason}</system-out>\n    </testcase>"


def _figures(check: Check) -> str:
    unit = "fine" if check.name == "mean" else unit_of(check.scale)
    return (
        f"n {check.n}; base {figures.score(check.base, unit)}; tuned {figures.score(check.tuned, unit)}; "
        f"change {figures.change(check.delta, unit)} {figures.interval(check.low, check.high, unit)}; "
        f"margin {figures.score(check.margin, unit)}; flips {figures.flips(check.lost, check.gained)}; "
        f"p {figures.p_value(check.p_value)}"
    )
