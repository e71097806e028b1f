"""What every command shares: settings, the open store, and how failures are told."""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import tomllib
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsConfigDict

from callcamp.cli.logs import set_up_logs
from callcamp.engine.commands import Commands
from callcamp.errors import InvalidInput
from callcamp.ports import Store, acting_as
from callcamp.settings import Settings

T = TypeVar("T")

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
"""``--json``, of everything that lists or shows."""


@dataclass
class Session:
    """One run of the command line.

    Args:
        config: file given by ``--config``.
        json: whether the command prints JSON, so that a failure does as well.
    """

    config: Path | None = None
    json: bool = False


def session(context: typer.Context) -> Session:
    """Return the session of a command."""
    found = context.find_object(Session)
    return found if found is not None else Session()


def login_name() -> str:
    """Return the name of whoever logged in, also behind ``sudo``; never fails."""
    try:
        # Refused without a terminal, as in a container or under cron.
        return os.getlogin()
    except OSError:
        pass
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid-{os.getuid()}"


def load_settings(config: Path | None) -> Settings:
    """Read the settings.

    Args:
        config: a file instead of ``callcamp.toml`` in the working directory.

    Raises:
        InvalidInput: the file is not there or not TOML, or a value is unusable.
    """
    kind: type[Settings] = Settings
    if config is not None:
        if not config.is_file():
            raise InvalidInput(f"There is no file {config}.", field="config", value=str(config))

        class Chosen(Settings):
            model_config = SettingsConfigDict(toml_file=config)

        kind = Chosen
    try:
        return kind()
    except ValidationError as error:
        problems = {
            ".".join(map(str, problem["loc"])): (
                "there is no such setting"
                if problem["type"] == "extra_forbidden"
                else problem["msg"]
            )
            for problem in error.errors()
        }
        raise InvalidInput(
            "The settings cannot be used: "
            + "; ".join(f"{name}: {why}" for name, why in problems.items())
            + ". Look into callcamp.toml and at variables that begin with CALLCAMP_.",
            fields=problems,
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        name = config or "callcamp.toml"
        raise InvalidInput(f"{name} is not TOML: {error}", field="config") from None
    except OSError as error:
        raise InvalidInput(f"The settings cannot be read: {error}", field="config") from None


def run(
    context: typer.Context,
    work: Callable[[Settings], Coroutine[Any, Any, T]],
    *,
    json: bool = False,
) -> T:
    """Run ``work`` with the settings, in an event loop, and return what it returns.

    What it changes is audited as done by ``cli:NAME``, NAME being who logged in.
    """
    current = session(context)
    current.json = json
    settings = load_settings(current.config)
    # What a command does is told by its output; logs are for serve and demo.
    set_up_logs(settings, level="error")
    with _termination_as_interrupt(), acting_as(f"cli:{login_name()}"):
        return asyncio.run(work(settings))


def ask(question: str) -> None:
    """Ask on the terminal; go on only after a yes.

    Raises:
        Abort: typer's; the answer was no, there was none, or Ctrl-C was pressed.
    """
    # An event loop notes Ctrl-C for later, and a question knows no later.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        typer.confirm(question, abort=True, err=True)
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """Take SIGTERM as Ctrl-C for the time of a block, so that what was begun is tidied up."""
    before = signal.signal(
        signal.SIGTERM, lambda _number, _frame: signal.raise_signal(signal.SIGINT)
    )
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def with_store(
    context: typer.Context, work: Callable[[Store], Awaitable[T]], *, json: bool = False
) -> T:
    """Run ``work`` with the open store and return what it returns."""
    return over_store(context, lambda store, _settings: work(store), json=json)


def with_commands(
    context: typer.Context, work: Callable[[Commands], Awaitable[T]], *, json: bool = False
) -> T:
    """Run ``work`` with the use-cases over the open store and return what it returns."""
    return over_store(
        context, lambda store, settings: work(Commands(store, settings=settings)), json=json
    )


def over_store(
    context: typer.Context, work: Callable[[Store, Settings], Awaitable[T]], *, json: bool = False
) -> T:
    """Run ``work`` with the open store and the settings, and return what it returns."""
    # Here and not above: `callcamp --help` should not wait for web and database libraries.
    from callcamp.app import open_store

    async def opened(settings: Settings) -> T:
        async with open_store(settings) as store:
            return await work(store, settings)

    return run(context, opened, json=json)
