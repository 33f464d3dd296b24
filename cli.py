"""The command line: registers the commands, runs one, and turns whatever comes out into a message and an exit code."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from typing import Annotated, Any, NoReturn

import typer

from .commands import data, judgement, model, report, run
from .core.console import enable, fail
from .core.errors import TunegateError

LIBRARY_SETTINGS = {"TOKENIZERS_PARALLELISM": "false"}
"""Environment variables of libraries, where the user set none."""
if sys.platform == "linux":
    # Arrow's own allocator gives memory back and takes it again: a tenth of a curation went into clearing its pages.
    LIBRARY_SETTINGS["ARROW_DEFAULT_MEMORY_POOL"] = "system"

INTERNAL_ERROR = 4
INTERRUPTED = 130
RESUMED = {"run", "demo", "train"}
"""Commands that find what an interrupted call of theirs has done."""
SECONDS_TO_REPEAT = 3.0
"""After these an interrupt that has not arrived in `main` is raised again: cleaning up takes less."""

UsageError: type[Any] = typer.BadParameter.__mro__[1]
"""Typer's usage error, which it does not export: the parent of BadParameter."""

app = typer.Typer(
    name="tunegate",
    help="Clean the data, tune the model, prove nothing broke.",
    epilog="Exit codes: 0 pass, 1 fail, 2 bad input, 3 inconclusive, 4 broken integrity, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (
    run.run,
    run.demo,
    run.init,
    data.curate,
    model.train,
    model.evaluate,
    model.merge,
    model.mirror,
    judgement.compare,
    judgement.gate,
    judgement.plan,
    judgement.accept,
    report.report,
    report.diff,
):
    app.command()(command)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"tunegate {version('tunegate')}")
        raise typer.Exit


@app.callback()
def before_commands(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Print the version and stop.")
    ] = False,
) -> None:
    """What belongs to no command."""


def main() -> NoReturn:
    """Run one command and leave with its exit code."""
    enable()
    for name, value in LIBRARY_SETTINGS.items():
        os.environ.setdefault(name, value)
    _repeat_interrupts()
    code = _run()
    _stop_repeating()
    if code == INTERRUPTED:
        fail(f"interrupted; the same command {_after_interrupt()}")
        sys.stdout.flush()
        # An interrupt in code that a C library ran leaves the interpreter a mark: it would end by the signal itself.
        os._exit(INTERRUPTED)
    sys.exit(code)


def _after_interrupt() -> str:
    """What comes of calling the interrupted command again."""
    command = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    if command in RESUMED:
        return "goes on where this one stopped"
    return "goes on from the answers that are kept" if command == "evaluate" else "starts from the beginning"


def _repeat_interrupts() -> None:
    """Raise an interrupt again and again until it arrives: a library that catches everything may swallow it."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return  # whoever started us wants no interrupts

    def interrupt(*_: object) -> None:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, SECONDS_TO_REPEAT)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, interrupt)


def _stop_repeating() -> None:
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)


def _run() -> int:
    try:
        return app(standalone_mode=False) or 0
    except TunegateError as error:
        return _fail(str(error), error.exit_code)
    except UsageError as error:
        if not sys.argv[1:]:  # no mistake to tell: its message is the help
            typer.echo(error.format_message())
            return 2
        return _fail(f"{error.format_message()} (see tunegate --help)", 2)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED  # Typer itself returns it where it caught the interrupt
    except BrokenPipeError:
        return 0
    except OSError as error:
        return _system_error(error)
    except Exception:  # noqa: BLE001  the last resort: an unknown fault must not look like a verdict
        return _internal_error()


def _system_error(error: OSError) -> int:
    """What the system refused, where it says so; a library's own error of that kind is none of the user's."""
    if error.errno is None or not error.strerror:
        return _internal_error()
    place = error.filename if error.filename is not None else "a file or the output"
    return _fail(f"{place}: {error.strerror}; mend this (room on the disk, rights, the path) and try again", 2)


def _internal_error() -> int:
    traceback.print_exc()
    return _fail("this is a fault of tunegate itself; please report it with the lines above", INTERNAL_ERROR)


def _fail(message: str, code: int) -> int:
    fail(message)
    return code
