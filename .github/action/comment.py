"""Write the report into the pull request as one comment, and update that comment on the next push.

Reads GITHUB_EVENT_PATH, GITHUB_REPOSITORY, GITHUB_API_URL, GITHUB_TOKEN and TUNEGATE_REPORT. The comment is found
again by the hidden marker in its first line. A token that may not write (a pull request from a fork) is a warning, not
a failure: the summary of the job has the same text.
"""

# ruff: noqa: S310, T201 - the address is checked in `ask`; the runner reads what is printed
from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE_SIZE = 100
FORBIDDEN = (401, 403, 404)


def main() -> int:
    """Create or update; nothing to do outside a pull request."""
    body = Path(os.environ["TUNEGATE_REPORT"]).read_text(encoding="utf-8")
    event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    number = (event.get("pull_request") or event.get("issue") or {}).get("number")
    if not number:
        print("no pull request in this event: the report is in the job summary only")
        return 0
    marker = body.split("\n", 1)[0]
    issues = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/issues"
    try:
        known = find(f"{issues}/{number}/comments", marker)
        if known is None:
            ask("POST", f"{issues}/{number}/comments", {"body": body})
        else:
            ask("PATCH", f"{issues}/comments/{known}", {"body": body})
    except urllib.error.HTTPError as error:
        if error.code not in FORBIDDEN:
            raise
        print(f"::warning title=tunegate::no comment was written ({error}); grant the job pull-requests: write")
        return 0
    print(f"comment {'updated' if known else 'written'} in pull request {number}")
    return 0


def find(url: str, marker: str) -> int | None:
    """The id of the comment that a bot wrote with the marker on its first line, the oldest if there are several."""
    for comment in comments(url):
        if comment["user"]["type"] == "Bot" and comment["body"].startswith(marker):
            return int(comment["id"])
    return None


def comments(url: str) -> Iterator[dict[str, Any]]:
    """All comments, page by page."""
    page = 1
    while True:
        batch = ask("GET", f"{url}?per_page={PAGE_SIZE}&page={page}")
        yield from batch
        if len(batch) < PAGE_SIZE:
            return
        page += 1


def ask(method: str, url: str, payload: dict[str, str] | None = None) -> Any:
    """One call of the REST API."""
    if not url.startswith(("https://", "http://127.0.0.1")):
        raise ValueError(f"GITHUB_API_URL: {url!r} is not an https address")
    request = urllib.request.Request(
        url,
        data=json.dumps(payload).encode() if payload else None,
        method=method,
        headers={
            "Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


if __name__ == "__main__":
    sys.exit(main())
