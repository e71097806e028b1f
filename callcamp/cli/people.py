"""What the commands on accounts and tokens share: the use-cases, and how passwords come in."""

from __future__ import annotations

import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from callcamp.cli.session import over_store
from callcamp.engine.access import Access
from callcamp.errors import InvalidInput

T = TypeVar("T")
_MOST_BYTES = 4096

PasswordFileOption = Annotated[
    Path | None,
    typer.Option(
        "--password-file",
        help="File whose first line is the password; left out: it is asked for, or read from "
        "stdin where that is no terminal.",
    ),
]
"""``--password-file``; a password is never an argument, which everybody on a machine can see."""


def with_access(
    context: typer.Context, work: Callable[[Access], Awaitable[T]], *, json: bool = False
) -> T:
    """Run ``work`` with the use-cases of accounts over the open store; return what it returns."""
    return over_store(context, lambda store, settings: work(Access(store, settings)), json=json)


def read_password(file: Path | None) -> str:
    """Return a password: the first line of a file or of stdin, or what is typed twice.

    Raises:
        InvalidInput: the file cannot be read, or there is none.
        Abort: typer's; Ctrl-C was pressed.
    """
    if file is None and sys.stdin.isatty():
        return asked("Password", confirm=True, hidden=True)
    source = "stdin" if file is None else str(file)
    try:
        if file is None:
            text = sys.stdin.readline(_MOST_BYTES)
        else:
            with file.open(encoding="utf-8-sig") as opened:
                text = opened.readline(_MOST_BYTES)
    except (OSError, UnicodeError) as error:
        problem = getattr(error, "strerror", None) or "it is not text in UTF-8"
        raise InvalidInput(
            f"The password cannot be read from {source}: {problem}.",
            field="password_file",
            value=source,
        ) from None
    if not (password := text.rstrip("\r\n")):
        raise InvalidInput(
            f"There is no password on the first line of {source}; put one there, or run this on "
            "a terminal to type it.",
            field="password_file",
            value=source,
        )
    return password


def asked(question: str, *, confirm: bool = False, hidden: bool = False) -> str:
    """Ask on the terminal and return the answer.

    Raises:
        Abort: typer's; Ctrl-C was pressed.
    """
    # An event loop notes Ctrl-C for later, and a question knows no later.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        answer: str = typer.prompt(
            question, hide_input=hidden, confirmation_prompt=confirm, err=True
        )
    finally:
        signal.signal(signal.SIGINT, before)
    return answer
