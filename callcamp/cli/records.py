"""What the commands on lists and records share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from callcamp.cli.output import note
from callcamp.cli.session import with_commands
from callcamp.errors import InvalidInput

if TYPE_CHECKING:
    from callcamp.engine.lists import Lists
    from callcamp.engine.phones import RefusedRow

T = TypeVar("T")
_SHOWN = 10

RegionOption = Annotated[
    str | None,
    typer.Option("--region", help="Country of numbers written without one: US, GB, FR."),
]
FileOption = Annotated[
    Path | None,
    typer.Option(
        "--file",
        exists=True,
        dir_okay=False,
        help="A text file of numbers: one a line, or a CSV column.",
    ),
]
ColumnOption = Annotated[
    str | None,
    typer.Option("--column", help="Column of the file with the numbers, if it is not found."),
]
AfterOption = Annotated[int, typer.Option("--after", help="Only entries after this ID.")]
LimitOption = Annotated[
    int, typer.Option("--limit", min=1, max=10_000, help="How many entries at most.")
]


def with_lists(
    context: typer.Context, work: Callable[[Lists], Awaitable[T]], *, json: bool = False
) -> T:
    """Run ``work`` with the use-cases on lists and records and return what it returns."""
    return with_commands(context, lambda commands: work(commands.lists), json=json)


def instant(field: str, text: str | None) -> datetime | None:
    """Read an instant: a date (its first moment) or a date with a time.

    Without a zone it is of the zone of whoever types.

    Raises:
        InvalidInput: it is none.
    """
    if text is None:
        return None
    try:
        # Dates far away overflow when they are put into a zone.
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(
            f"--{field} is {text[:64]!r}; give a date such as 2026-11-21, or with a time such as "
            "2026-11-21T09:30+01:00.",
            field=field,
            value=text[:64],
        ) from None


def one_way(field: str, *ways: object) -> None:
    """Refuse anything but exactly one of several ways to say what is meant.

    Raises:
        InvalidInput: none is given, or more than one.
    """
    if sum(map(bool, ways)) != 1:
        raise InvalidInput(
            "Give numbers, or a file of numbers with --file, and not both.", field=field
        )


def tell_refused(problems: Sequence[RefusedRow], refused: int) -> None:
    """Print rows of a file that could not be used to stderr."""
    for problem in problems[:_SHOWN]:
        note(f"  row {problem.row}: {problem.why} ({problem.value})", "yellow")
    hidden = refused - len(problems[:_SHOWN])
    if hidden > 0:
        note(f"  and {hidden:,} more rows that could not be used", "yellow")
