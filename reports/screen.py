"""Lines, rules and small tables to text of a fixed width: what every terminal view is laid out with.

`rich` measures and wraps (wide East Asian characters take two cells). Nothing is asked of the terminal or the
environment, so that the same results give the same bytes. Plain mode has no colour, no box drawing and only ASCII of
our own: for screen readers and for consoles that cannot encode more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import Any, Literal

from .escape import clip, one_line, visible

STATE_STYLES = {
    "pass": "green",
    "fail": "bold red",
    "inconclusive": "yellow",
    "void": "magenta",
    "waived": "cyan",
    "advisory": "blue",
}
_PLAIN = str.maketrans(
    {"−": "-", "–": "-", "→": "to", "…": "...", "·": "-", "Δ": "change", "α": "alpha", "≥": ">=", "∞": "inf", "█": ""}
)
Column = tuple[str, Literal["left", "right"]]
"""Title and alignment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A styled piece of text; the text is made inert where it is shown."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Screen:
    """A page under construction at a fixed width; `text()` ends it."""

    width: int = 80
    colour: bool = False
    plain: bool = False
    _buffer: StringIO = field(default_factory=StringIO)

    def text(self) -> str:
        """Everything shown so far, without blanks at line ends."""
        lines = self._buffer.getvalue().split("\n")
        return "\n".join(line.rstrip() for line in lines).strip("\n") + "\n"

    def title(self, left: str, right: Cell) -> None:
        """A title, a word at the right edge, and a rule below."""
        if self.plain:
            self.line(f"{left}: {right.text}")
            return
        room = self.width - len(right.text) - 2
        self._print(self._text(clip(one_line(left), room).ljust(room + 2), "bold"), self._text(right.text, right.style))
        self._print(self._text("─" * self.width, "dim"))

    def heading(self, text: str) -> None:
        """The name of a part, after an empty line."""
        self._buffer.write("\n")
        self._print(self._text(text + (":" if self.plain else ""), "bold"))

    def line(self, text: str, style: str = "") -> None:
        """A sentence, wrapped."""
        self._print(self._text(one_line(text), style))

    def gap(self) -> None:
        """An empty line."""
        self._buffer.write("\n")

    def items(self, texts: Iterable[str], *, sign: str = "-", style: str = "", limit: int = 300) -> None:
        """Sentences behind a sign (`1.` counts), wrapped under themselves."""
        for number, text in enumerate(texts, 1):
            mark = f"{number}." if sign == "1." else sign
            self._grid([(mark, clip(one_line(text), limit))], styles=(style, ""))

    def facts(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Names and what they are, the names in one column."""
        if self.plain:
            for name, text in pairs:
                self.line(f"{name}: {text}")
        elif pairs:
            self._grid([(name, one_line(text)) for name, text in pairs], styles=("dim", ""))

    def table(self, header: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
        """Columns with a header; in plain mode a line a row, each figure with its name."""
        if self.plain:
            for row in rows:
                pairs = zip(header, row, strict=True)
                named = [f"{name} {one_line(cell.text)}".strip() for (name, _), cell in pairs if cell.text.strip()]
                self.line("- " + "; ".join(named))
            return
        from rich.table import Table

        gap = 2 if self.width >= 100 else 1
        table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="")
        for name, justify in header:
            table.add_column(self._text(one_line(name), "dim"), justify=justify, no_wrap=True, overflow="ellipsis")
        for row in rows:
            table.add_row(*(self._text(one_line(cell.text), cell.style) for cell in row))
        self._print(table)

    def _grid(self, rows: Sequence[tuple[str, str]], *, styles: tuple[str, str]) -> None:
        from rich.table import Table

        grid = Table.grid(padding=(0, 2 if len(rows) > 1 or styles[0] == "dim" else 1, 0, 0))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for name, text in rows:
            grid.add_row(self._text(name, styles[0]), self._text(text, styles[1]))
        self._print(grid)

    def _text(self, text: str, style: str) -> Any:
        from rich.text import Text

        text = visible(text).replace("\n", " ").replace("\t", " ")
        if self.plain:
            text = text.translate(_PLAIN)
        return Text(text, style=style if self.colour else "")

    def _print(self, *parts: Any) -> None:
        from rich.console import Console

        console = Console(
            file=self._buffer,
            width=self.width,
            force_terminal=self.colour,
            color_system="standard" if self.colour else None,
            no_color=not self.colour,
            legacy_windows=False,
            highlight=False,
            markup=False,
            emoji=False,
            _environ={},
        )
        console.print(*parts, sep="", soft_wrap=False)
