"""The action's scripts, run as the runner runs them: in a process, with its environment variables and files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from tunegate.core.results import RunResults
from tunegate.reports import render_markdown
from tunegate.reports.markdown import MARKER


@dataclass
class Api:
    """As much of the REST API of issues as the action uses, on this machine only."""

    comments: list[dict[str, Any]] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    refuse: int = 0
    url: str = ""

    def answer(self, method: str, path: str, payload: Mapping[str, Any]) -> tuple[int, Any]:
        """Status and body for one call."""
        self.calls.append((method, path))
        if self.refuse:
            return self.refuse, {"message": "Resource not accessible by integration"}
        if method == "GET":
            page = int(path.rsplit("page=", 1)[1])
            return 200, self.comments[100 * (page - 1) : 100 * page]
        if method == "POST":
            self.comments.append({"id": len(self.comments) + 1, "user": {"type": "Bot"}, **payload})
            return 201, self.comments[-1]
        known = next(comment for comment in self.comments if comment["id"] == int(path.rsplit("/", 1)[1]))
        known.update(payload)
        return 200, known


@pytest.fixture
def api() -> Iterator[Api]:
    state = Api()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            payload = json.loads(self.rfile.read(length)) if length else {}
            assert self.headers["Authorization"] == "Bearer t0ken"
            code, answer = state.answer(self.command, self.path, payload)
            self.send_response(code)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        do_GET = do_POST = do_PATCH = handle_any  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def comment(root: Path, api: Api, results: RunResults, tmp_path: Path) -> Any:
    """Runs comment.py for an event, as the step does."""

    def run(event: Mapping[str, Any]) -> str:
        (tmp_path / "event.json").write_text(json.dumps(event))
        (tmp_path / "report.md").write_text(render_markdown(results), encoding="utf-8")
        environment = {
            "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
            "GITHUB_REPOSITORY": "octo/model",
            "GITHUB_API_URL": api.url,
            "GITHUB_TOKEN": "t0ken",
            "TUNEGATE_REPORT": str(tmp_path / "report.md"),
        }
        return start(root / ".github" / "action" / "comment.py", environment).stdout

    return run


def start(script: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, str(script)],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )


def test_the_first_push_writes_a_comment_and_the_next_updates_it(comment: Any, api: Api, results: RunResults) -> None:
    """One comment a pull request, however often it is pushed to; comments of others are left alone."""
    api.comments = [
        {"id": number + 1, "user": {"type": "User"}, "body": f"{MARKER} a person quotes the report"}
        for number in range(150)
    ]
    event = {"pull_request": {"number": 7}}

    assert comment(event) == "comment written in pull request 7\n"
    assert comment(event) == "comment updated in pull request 7\n"
    assert len(api.comments) == 151
    assert api.comments[-1]["body"] == render_markdown(results)
    assert [method for method, _ in api.calls] == ["GET", "GET", "POST", "GET", "GET", "PATCH"]
    assert api.calls[2][1] == "/repos/octo/model/issues/7/comments"


def test_outside_a_pull_request_nothing_is_called(comment: Any, api: Api) -> None:
    """A push to a branch has the summary only."""
    assert comment({"ref": "refs/heads/main"}).startswith("no pull request")
    assert api.calls == []


def test_a_token_that_may_not_write_is_a_warning(comment: Any, api: Api) -> None:
    """A pull request from a fork does not fail for the comment's sake."""
    api.refuse = 403

    assert comment({"pull_request": {"number": 7}}).startswith("::warning title=tunegate::no comment was written")


@pytest.mark.parametrize(
    ("code", "allow", "outcome", "status"),
    [
        (0, "false", "pass", "0"),
        (1, "false", "fail", "1"),
        (1, "true", "fail", "1"),
        (2, "false", "error", "2"),
        (3, "false", "inconclusive", "3"),
        (3, "true", "inconclusive", "0"),
    ],
)
def test_the_exit_code_decides_the_outcome(
    root: Path, tmp_path: Path, code: int, allow: str, outcome: str, status: str
) -> None:
    """What the command returned is the outcome; only an inconclusive gate may be let through."""
    out = tmp_path / "my out"
    stand_in(tmp_path, code)
    outputs = run_step(root, tmp_path, "gate --base 'my base' --tuned b; echo pwned", out, allow)

    assert outputs == {
        "exit-code": str(code), "outcome": outcome, "status": status, "report": str(out / "report.md"), "page": "",
    }  # fmt: skip
    words = json.loads((out / "words.json").read_text())
    assert words == ["gate", "--base", "my base", "--tuned", "b;", "echo", "pwned", "--out", str(out), "--github"]


def test_the_real_program_understands_what_the_action_adds(root: Path, tmp_path: Path) -> None:
    """`run.py` with the real program: a curated dataset leaves a summary, a comment and a page."""
    help_text = subprocess.run(
        [sys.executable, "-m", "tunegate", "curate", "--help"], capture_output=True, text=True, check=True
    )
    if "--github" not in help_text.stdout:
        pytest.skip("this version's curate has no --github yet")
    rows = [{"text": f"row {number // 2} of the data", "label": "a" if number % 3 else "b"} for number in range(20)]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    outputs = run_step(root, tmp_path, f"tunegate curate '{tmp_path / 'data.jsonl'}'", tmp_path / "out", "false")

    assert outputs["exit-code"] == "0"
    assert Path(outputs["report"]).read_text(encoding="utf-8").startswith(MARKER)
    assert Path(outputs["page"]).read_text(encoding="utf-8").startswith("<!doctype html>")
    assert (tmp_path / "summary.md").read_text(encoding="utf-8").startswith(MARKER)


def stand_in(folder: Path, code: int) -> None:
    """A package of the program's name that keeps its words, writes a report and ends with a code."""
    (folder / "tunegate.py").write_text(
        "import json, pathlib, sys\n"
        "out = pathlib.Path(sys.argv[sys.argv.index('--out') + 1])\n"
        "out.mkdir()\n"
        "(out / 'words.json').write_text(json.dumps(sys.argv[1:]))\n"
        "(out / 'report.md').write_text('x')\n"
        f"sys.exit({code})\n"
    )


def run_step(root: Path, folder: Path, command: str, out: Path, allow: str) -> dict[str, str]:
    (folder / "output").touch()
    environment = {
        "TUNEGATE_COMMAND": command,
        "TUNEGATE_OUT": str(out),
        "TUNEGATE_ALLOW_INCONCLUSIVE": allow,
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        "PYTHONPATH": str(folder),
        "CI": "true",
    }
    start(root / ".github" / "action" / "run.py", environment)
    lines = (folder / "output").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_the_action_names_scripts_that_are_there_and_passes_inputs_by_environment(root: Path) -> None:
    """Every script exists, and no input is pasted into a shell line."""
    action = yaml.safe_load((root / "action.yml").read_text(encoding="utf-8"))
    lines = [step["run"] for step in action["runs"]["steps"] if "run" in step]
    scripts = [
        word.strip('"').split("/", 1)[1] for line in lines for word in line.split() if word.strip('"').endswith(".py")
    ]

    assert scripts == [".github/action/run.py", ".github/action/comment.py"]
    assert [script for script in scripts if not (root / script).is_file()] == []
    assert [line for line in lines if "${{" in line] == []


def test_the_hook_is_well_formed(root: Path) -> None:
    """pre-commit needs id, name, entry and language."""
    hooks = yaml.safe_load((root / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))

    assert [sorted({"id", "name", "entry", "language"} - set(hook)) for hook in hooks] == [[]]
