"""Options that several commands share, so that one word means one thing everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..core.errors import InputError
from ..core.store import require_writable

Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Change a key of the settings; may be repeated.", show_default=False
    ),
]
RecipeFile = Annotated[
    Path | None, typer.Option("--recipe", help="Take the settings of this recipe.", show_default=False)
]
Kind = Annotated[
    str | None,
    typer.Option(help="label, completion, chat or preference; none: recognised.", show_default=False),
]
Columns = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="NAME=COLUMN", help="Such as input=text or target=intent.", show_default=False),
]
AllowPartial = Annotated[bool, typer.Option("--allow-partial", help="Use the readable part of a file that breaks off.")]


def read_columns(columns: list[str] | None) -> dict[str, str]:
    """`input=text` options as a mapping.

    Raises:
        InputError: one of them has no equals sign.
    """
    for column in columns or []:
        if "=" not in column:
            raise InputError(f"--column {column!r}: write it as name=column, such as input=text")
    return dict(column.split("=", 1) for column in columns or [])


def refuse_existing(out: Path, *, remedy: str = "choose another --out") -> Path:
    """The path itself, if nothing is there yet and something can be written there.

    Raises:
        InputError: there is, or the folder around it cannot be written.
    """
    require_writable(out.parent)
    if out.exists():
        raise InputError(f"{out}: exists already; {remedy}")
    return out
