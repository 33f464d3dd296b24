"""Metrics to the trackers that a person asked for; each library is an extra of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..core.console import note
from ..core.errors import InputError, MissingExtraError

Report = Callable[[int, Mapping[str, float]], None]


def require_trackers(names: Sequence[str]) -> None:
    """Refuse a tracker whose library is absent, before anything is trained.

    Raises:
        MissingExtraError: naming what to install.
    """
    for name in names:
        if find_spec(name) is None:
            raise MissingExtraError(name, name)


@contextmanager
def open_trackers(names: Sequence[str], out: Path, rank: int) -> Iterator[Report]:
    """A function that sends a step's metrics to every tracker; only the first process reports.

    Raises:
        InputError: a tracker cannot be opened, as where its server is not to be reached.
    """
    with ExitStack() as stack:
        opened = [untiring(name, _open(name, out, stack)) for name in names] if rank == 0 else []

        def report(step: int, metrics: Mapping[str, float]) -> None:
            for send in opened:
                send(step, metrics)

        yield report


def untiring(name: str, send: Report) -> Report:
    """`send` until it fails once: a tracker's trouble is told, and does not cost a training run."""
    is_broken = False

    def send_while_it_works(step: int, metrics: Mapping[str, float]) -> None:
        nonlocal is_broken
        if is_broken:
            return
        try:
            send(step, metrics)
        except Exception as error:  # noqa: BLE001  each library has errors of its own
            is_broken = True
            note(f"warning: {name} takes no metrics from step {step} on ({_first_line(error)}); training goes on")

    return send_while_it_works


def _open(name: str, out: Path, stack: ExitStack) -> Report:
    try:
        return OPENERS[name](out, stack)
    except Exception as error:
        raise InputError(f"train.report_to: {name} cannot be opened ({_first_line(error)})") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _tensorboard(out: Path, stack: ExitStack) -> Report:
    from torch.utils.tensorboard import SummaryWriter

    writer: Any = SummaryWriter(str(out.with_name(out.name + ".tensorboard")))
    stack.callback(writer.close)

    def send(step: int, metrics: Mapping[str, float]) -> None:
        for name, value in metrics.items():
            writer.add_scalar(name, value, step)

    return send


def _wandb(out: Path, stack: ExitStack) -> Report:
    import wandb  # type: ignore[import-not-found]

    run = wandb.init(name=out.name)
    stack.callback(run.finish)
    return lambda step, metrics: run.log(dict(metrics), step=step)


def _mlflow(out: Path, stack: ExitStack) -> Report:
    import mlflow  # type: ignore[import-not-found]

    stack.enter_context(mlflow.start_run(run_name=out.name))
    return lambda step, metrics: mlflow.log_metrics(dict(metrics), step=step)


OPENERS: Mapping[str, Callable[[Path, ExitStack], Report]] = {
    "tensorboard": _tensorboard,
    "wandb": _wandb,
    "mlflow": _mlflow,
}
