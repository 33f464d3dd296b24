"""Another back end computes, and the rows stay the same; what it needs is said before anything is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from tunegate.core.errors import ModelError, RecipeError
from tunegate.core.formats import load_examples
from tunegate.core.models import load_causal, load_tokenizer
from tunegate.core.prompts import PromptConfig
from tunegate.evaluate import EvaluateConfig, evaluate_model

ROWS = [{"prompt": f"Question: {n} + 1 = ?\nAnswer:", "completion": f" {n + 1}"} for n in range(4)]
LABELS = [{"text": f"The number {n} is", "label": "even" if n % 2 == 0 else "odd"} for n in range(4)]


def measure(model: Path, rows: list[dict[str, str]], **config: Any) -> Any:
    settings = EvaluateConfig.model_validate({"max_new_tokens": 6, "stop": ["\n"], **config})
    return evaluate_model(str(model), task=load_examples(rows), config=settings, prompts=PromptConfig())


def completion(model: Any, tokenizer: Any, asked: dict[str, Any], number: int, prompt: Any) -> dict[str, Any]:
    """What an OpenAI-compatible server answers to one prompt: its echoed log-probabilities, or a written text."""
    import torch

    ids = prompt if isinstance(prompt, list) else tokenizer(prompt)["input_ids"]
    tokens = torch.tensor([ids])
    with torch.inference_mode():
        if asked.get("echo"):
            scores = model(tokens).logits[0].log_softmax(-1)
            own = [None, *(scores[n, token].item() for n, token in enumerate(ids[1:]))]
            best = [None, *(line.max().item() for line in scores[:-1])]
            top = [None if o is None else {"own": o, "best": b} for o, b in zip(own, best, strict=True)]
            last = scores[-1].max().item()  # `max_tokens: 1` writes one token more
            logprobs = {"token_logprobs": [*own, last], "top_logprobs": [*top, {"best": last}]}
            return {"index": number, "text": "", "logprobs": logprobs}
        written = model.generate(tokens, max_new_tokens=asked["max_tokens"], do_sample=False, pad_token_id=0)
    text = tokenizer.decode(written[0, len(ids) :], skip_special_tokens=True)
    for stop in asked.get("stop") or ():
        text = text.split(stop)[0]
    return {"index": number, "text": text}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Address of a server that speaks the completions protocol for the shipped model."""
    base = Path(__file__).resolve().parents[2] / "examples" / "quickstart" / "base"
    model, tokenizer = load_causal(base), load_tokenizer(base)

    class Completions(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            prompts = asked["prompt"]
            several = isinstance(prompts, list) and prompts and not isinstance(prompts[0], int)
            choices = [
                completion(model, tokenizer, asked, *one) for one in enumerate(prompts if several else [prompts])
            ]
            body = json.dumps({"choices": choices}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Completions)
    Thread(target=listening.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{listening.server_port}/v1/completions"
    listening.shutdown()
    listening.server_close()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("rows", [LABELS, ROWS], ids=["label", "completion"])
def test_a_server_gives_the_same_rows(quickstart_base: Path, server: str, rows: list[dict[str, str]]) -> None:
    """Labels by log-likelihood and written answers of an OpenAI-compatible server are those of the model itself."""
    pytest.importorskip("tenacity", reason="lm-eval's adapter for servers needs it: pip install 'lm-eval[api]'")
    ours = measure(quickstart_base, rows)
    theirs = measure(quickstart_base, rows, backend="server", backend_options={"base_url": server, "model": "small"})

    assert theirs.rows.drop_columns(["logprobs"]).equals(ours.rows.drop_columns(["logprobs"]))
    for a, b in zip(ours.rows["logprobs"].to_pylist(), theirs.rows["logprobs"].to_pylist(), strict=True):
        assert a == pytest.approx(b, abs=1e-3)


def test_a_back_end_that_is_not_installed_is_named(quickstart_base: Path) -> None:
    """The message has the command that installs it."""
    if find_spec("vllm") is not None:
        pytest.skip("vllm is installed here")
    with pytest.raises(RecipeError, match=r"'vllm' needs 'vllm'; run: pip install 'lm-eval\[vllm\]'"):
        measure(quickstart_base, LABELS, backend="vllm")


def test_a_server_needs_an_address(quickstart_base: Path) -> None:
    """Without base_url nothing is asked."""
    words = "needs to know where|needs 'tenacity'"
    with pytest.raises(RecipeError, match=words):
        measure(quickstart_base, LABELS, backend="server")


@pytest.mark.filterwarnings("ignore")
def test_a_server_is_asked_every_time(quickstart_base: Path, server: str, tmp_path: Path) -> None:
    """It does not tell which weights it serves: what it said before may be another model's answer."""
    pytest.importorskip("tenacity", reason="lm-eval's adapter for servers needs it: pip install 'lm-eval[api]'")
    options = {"backend": "server", "backend_options": {"base_url": server, "model": "small"}}
    config = EvaluateConfig.model_validate(options)
    asked = [
        evaluate_model(
            str(quickstart_base), task=load_examples(LABELS), config=config, prompts=PromptConfig(), cache=tmp_path
        ).extras["requests_asked"]
        for _ in range(2)
    ]

    assert asked == [8, 8]


@pytest.mark.filterwarnings("ignore")
def test_a_server_that_is_down_is_named(quickstart_base: Path) -> None:
    """With its address and what to look at."""
    pytest.importorskip("tenacity", reason="lm-eval's adapter for servers needs it: pip install 'lm-eval[api]'")
    options = {"base_url": "http://127.0.0.1:9/v1/completions", "model": "small", "max_retries": 1}
    with pytest.raises(ModelError, match=r"server at http://127\.0\.0\.1:9/v1/completions does not answer.*base_url"):
        measure(quickstart_base, LABELS, backend="server", backend_options=options)
