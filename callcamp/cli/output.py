"""Printing, so that no name or file content can play tricks on the terminal.

Whatever comes from outside goes through :func:`clean` (escape sequences become visible) and
reaches rich as :class:`~rich.text.Text`, never as markup.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from enum import Enum
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

# Wide enough that nothing is cut when the output goes into a file or a pipe.
_PIPE_WIDTH = 240


def _visible(character: str) -> str:
    # Cc: control; Cf: format, such as the marks that turn the writing direction round;
    # Zl, Zp: line ends that only some terminals know; Cs: halves of a character.
    if unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp", "Cs"}:
        return character.encode("unicode_escape").decode("ascii")
    return character


def clean(value: object) -> str:
    """Return ``value`` as one line in which control characters are written out."""
    return "".join(map(_visible, "" if value is None else str(value)))


def text(value: object, style: str = "") -> Text:
    """Return ``value`` for rich, safe to print."""
    return Text(clean(value), style=style)


def out() -> Console:
    """Return the console for results (stdout)."""
    return _console(stderr=False)


def err() -> Console:
    """Return the console for errors and progress (stderr)."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    # Made at each use: stdout may have been replaced since (tests do), and costs nothing.
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PIPE_WIDTH
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def say(message: str, style: str = "") -> None:
    """Print a message to stdout; its own line ends stay."""
    for line in message.split("\n"):
        out().print(text(line, style), soft_wrap=True)


def note(message: object, style: str = "dim") -> None:
    """Print one line to stderr: progress and hints, nothing that programs read."""
    err().print(text(message, style), soft_wrap=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table to stdout."""
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        grid.add_column(text(column))
    for row in rows:
        grid.add_row(*(cell if isinstance(cell, Text) else text(cell) for cell in row))
    out().print(grid)


def pairs(rows: Mapping[str, object]) -> None:
    """Print names with their values, one a line, to stdout."""
    width = max(map(len, rows))
    for name, value in rows.items():
        line = Text.assemble(text(f"{name:<{width}}  ", "bold"), text(value))
        out().print(line, soft_wrap=True)


def plain(value: object) -> Any:
    """Turn what :mod:`json` does not know into what it does."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, frozenset | set):
        return sorted(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def emit_json(value: object) -> None:
    """Print ``value`` as JSON to stdout; plain ASCII, so it is harmless on any terminal."""
    text = json.dumps(value, indent=2, default=plain)
    if "NaN" in text or "Infinity" in text:
        # JSON has no such numbers; as texts every program can read them.
        text = json.dumps(json.loads(text, parse_constant=str), indent=2)
    print(text, flush=True)  # noqa: T201 - no wrapping


def count(number: int, thing: str) -> str:
    """Return so many things in words: ``1 contact``, ``2,000 contacts``."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def share(value: float | None) -> str:
    """Return a share from 0 to 1 in per cent; a dash while it is undefined."""
    return "–" if value is None else f"{value:.1%}"


def when(value: datetime | None) -> str:
    """Return an instant in the zone of whoever looks; a dash when there is none."""
    return "–" if value is None else value.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
