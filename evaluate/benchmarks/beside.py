"""Chosen benchmarks to scored rows, read by a process beside this one while it loads the model, or right here.

    this process    torch, transformers, tokenizer, model    answers              answers
    beside it       lm-eval, documents, requests ────────────┘     └ rows, requests ┘     └ …

Neither side needs what the other imports, and imports are most of the time until the first item is scored. Only plain
data goes between them: lm-eval's tasks stay where they were opened, so nothing is done twice.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from ...core.collector import collector_at_rest, own_process
from ...core.errors import IntegrityError, TunegateError
from ..config import EvaluateConfig
from ..scoring.request import Answer
from .scored import Ask, Measured, chosen_benchmarks, open_benchmarks, score_benchmarks


class Benchmarks(Protocol):
    """The chosen benchmarks, wherever they are read."""

    def open(self) -> None:
        """Have every benchmark ready to be asked; raises what `open_benchmarks` does."""

    def score(self, ask: Ask, *, tokenizer: Any) -> Measured:
        """Rows and facts of all of them; with a tokenizer prompts are wrapped in its chat template."""


@contextmanager
def benchmarks_of(config: EvaluateConfig, *, seed: int, share: float) -> Iterator[Benchmarks]:
    """The benchmarks of a config, read beside this process where that saves time; afterwards only this one is left."""
    if not chosen_benchmarks(config) or config.apply_chat_template or not _may_fork():
        yield Here(config, seed, share)
        return
    beside = Beside(config, seed, share)
    try:
        yield beside
    finally:
        beside.close()


def _may_fork() -> bool:
    """Whether a copy of this process is cheap and safe: Linux, no other thread, and torch not here.

    Without torch no accelerator is in use; with it, there would be nothing left to do meanwhile.
    """
    is_plain = threading.active_count() == 1 and not multiprocessing.current_process().daemon
    return sys.platform == "linux" and "torch" not in sys.modules and is_plain


class Here:
    """Benchmarks that this process reads itself."""

    def __init__(self, config: EvaluateConfig, seed: int, share: float) -> None:
        self._config, self._seed, self._share = config, seed, share

    def open(self) -> None:
        """See `Benchmarks`."""
        with collector_at_rest(importing=True):
            self._opened = open_benchmarks(self._config, seed=self._seed)

    def score(self, ask: Ask, *, tokenizer: Any = None) -> Measured:
        """See `Benchmarks`."""
        return score_benchmarks(self._opened, ask, tokenizer=tokenizer, share=self._share)


class Beside:
    """Benchmarks that a copy of this process reads; it asks through a pipe, and never outlives this process."""

    def __init__(self, config: EvaluateConfig, seed: int, share: float) -> None:
        context = multiprocessing.get_context("fork")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, Here(config, seed, share)))
        with _interrupts_held(), warnings.catch_warnings():
            # Python 3.12 warns of threads in C libraries; numpy's and Arrow's stop before a fork and start again.
            warnings.filterwarnings("ignore", message=".*fork", category=DeprecationWarning)
            self._process.start()
        theirs.close()  # so that its end is noticed here

    def open(self) -> None:
        """See `Benchmarks`."""
        self._received()

    def score(self, ask: Ask, *, tokenizer: Any = None) -> Measured:
        """See `Benchmarks`; a chat template needs this process's tokenizer, so that is work for `Here`."""
        if tokenizer is not None:
            raise ValueError("a process beside has no tokenizer")
        while True:
            kind, content = self._received()
            if kind == "scored":
                return content  # type: ignore[no-any-return]
            answers = ask(*content)
            with self._end_told():
                self._pipe.send(answers)

    def close(self) -> None:
        """End the other process, whatever it does, and leave nothing of it."""
        self._process.kill()
        self._process.join()
        self._process.close()
        self._pipe.close()

    def _received(self) -> tuple[str, Any]:
        with self._end_told():
            kind, content = self._pipe.recv()
        if kind == "failed":
            raise content[0] from RuntimeError(content[1])
        return kind, content

    @contextmanager
    def _end_told(self) -> Iterator[None]:
        """A pipe whose other end is gone becomes a message: the system may have ended its process."""
        try:
            yield
        except (EOFError, ConnectionError) as error:
            self._process.join()
            raise IntegrityError(
                f"the process that reads the benchmarks has ended (exit code {self._process.exitcode}), perhaps for "
                "lack of memory; the same command goes on where this one stopped"
            ) from error


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """No interrupt inside: a process that is being forked would answer it in a way of its own."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Any, benchmarks: Here) -> None:
    """What the process beside does: open, then score, asking through the pipe."""
    own_process()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both; the other process answers it
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def ask(*asked: Any) -> Sequence[Answer]:
        pipe.send(("asked", asked))
        answers: Sequence[Answer] = pipe.recv()
        return answers

    try:
        benchmarks.open()
        pipe.send(("opened", None))
        pipe.send(("scored", benchmarks.score(ask)))
    except Exception as error:  # noqa: BLE001  the other process raises it
        pipe.send(("failed", _portable(error)))


def _end_with_parent() -> None:
    """A parent that was killed closes nothing."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _portable(error: Exception) -> tuple[Exception, str]:
    """An error as the other process can read it, which may not know its class, and where it came from."""
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    with suppress(Exception):  # what cannot be sent, or not be made anew from what it says
        if isinstance(error, TunegateError) or type(error).__module__ == "builtins":
            return pickle.loads(pickle.dumps(error)), text  # noqa: S301  it is our own
    return RuntimeError(f"{type(error).__name__}: {error}"), text
