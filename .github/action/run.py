"""Run tunegate for the action and say what came of it, so that later steps comment and upload before the job fails.

Reads TUNEGATE_COMMAND, TUNEGATE_OUT and TUNEGATE_ALLOW_INCONCLUSIVE; writes exit-code, outcome, status, report and
page to GITHUB_OUTPUT. The command is split into words as a shell would, but no shell ever sees it.
"""

# ruff: noqa: S603, T201 - the runner reads what is printed; the words are the workflow author's own
from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

OUTCOMES = {0: "pass", 1: "fail", 3: "inconclusive"}


def main() -> int:
    """Run the command; the exit code of this script only tells whether it could be started."""
    out = os.environ["TUNEGATE_OUT"]
    words = shlex.split(os.environ["TUNEGATE_COMMAND"])
    if words[:1] == ["tunegate"]:
        words = words[1:]
    if not words:
        print("::error title=tunegate::the input 'command' is empty; give for example: run recipe.yaml")
        return 2
    code = subprocess.run([sys.executable, "-m", "tunegate", *words, "--out", out, "--github"], check=False).returncode
    outcome = OUTCOMES.get(code, "error")
    allowed = code == 3 and os.environ.get("TUNEGATE_ALLOW_INCONCLUSIVE") == "true"
    if code:
        level = "warning" if allowed else "error"
        print(f"::{level} title=tunegate {outcome}::exit code {code}; see the job summary")
    report, page = Path(out) / "report.md", Path(out) / "report.html"
    write_outputs(
        {
            "exit-code": str(code),
            "outcome": outcome,
            "status": "0" if allowed else str(code),
            "report": str(report) if report.is_file() else "",
            "page": str(page) if page.is_file() else "",
        }
    )
    return 0


def write_outputs(values: dict[str, str]) -> None:
    """Append to the file that the runner names."""
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as stream:
        stream.writelines(f"{name}={value}\n" for name, value in values.items())


if __name__ == "__main__":
    sys.exit(main())
