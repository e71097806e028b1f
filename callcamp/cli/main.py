"""The command ``callcamp``: global options, serve, demo, and how failures end it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from callcamp import __version__
from callcamp.cli import (
    agent,
    call,
    campaign,
    consent,
    contacts,
    directory,
    dnc,
    filters,
    lab,
    legal,
    members,
    number,
    outcome,
    token,
    trunk,
    user,
    webhook,
)
from callcamp.cli.campaign_records import audit
from callcamp.cli.doctor import doctor
from callcamp.cli.logs import set_up_logs
from callcamp.cli.output import emit_json, note, say
from callcamp.cli.session import JsonOption, Session, load_settings, session
from callcamp.cli.setup import init, migrate
from callcamp.cli.simulate import simulate
from callcamp.core.agent_settings import DialMethod
from callcamp.errors import CallcampError, Conflict, InvalidInput

app = typer.Typer(
    name="callcamp",
    help="Outbound call campaigns for people who run Asterisk.",
    no_args_is_help=True,
    # An unexpected error shows Python's own traceback, without the values of variables:
    # those may hold the secret and people's numbers.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        say(f"callcamp {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option(help="Settings file instead of ./callcamp.toml.")
    ] = None,
    _show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Read what stands before the command."""
    session(context).config = config


@app.command()
def serve(context: typer.Context) -> None:
    """Run the engine and the web pages until SIGTERM or Ctrl-C."""
    import asyncio

    from callcamp.app import serve as serve_forever

    settings = load_settings(session(context).config)
    set_up_logs(settings)
    asyncio.run(serve_forever(settings, on_ready=lambda address: say(f"Pages: {address}")))


@app.command()
def demo(
    context: typer.Context,
    contact_count: Annotated[
        int, typer.Option("--contacts", help="How many people to call.")
    ] = 300,
    concurrency: Annotated[int, typer.Option(help="Calls at the same time.")] = 20,
    exit_when_done: Annotated[
        bool, typer.Option("--exit", help="End when the campaign has, instead of serving on.")
    ] = False,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="Without Asterisk: calls are made up.")
    ] = False,
    speed: Annotated[
        float, typer.Option(help="With --simulated: how many times faster than life.")
    ] = 1.0,
    agents: Annotated[
        int, typer.Option(help="With --simulated: how many agents take the calls.")
    ] = 0,
    method: Annotated[
        str, typer.Option(help="With --agents: how calls and agents come together.")
    ] = "predictive",
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start anew even when an earlier demo was cut off.")
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the page; 0 picks a free one.")
    ] = 0,
    json: JsonOption = False,
) -> None:
    """Run a campaign over the lab's real Asterisk: pretend people, real calls, live page."""
    session(context).json = json
    from callcamp.demo import DemoOptions, run_demo

    known = {one.value: one for one in DialMethod}
    if method not in known:
        raise InvalidInput(
            f"method is {method}; give one of {', '.join(known)}.", field="method", value=method
        )
    options = DemoOptions(
        contacts=contact_count,
        concurrency=concurrency,
        exit=exit_when_done,
        json=json,
        simulated=simulated,
        speed=speed,
        agents=agents,
        method=known[method],
        fresh=fresh,
        port=port,
    )
    # Only JSON may go to stdout, and a progress bar is no place for logs.
    set_up_logs(load_settings(session(context).config), level="error")
    raise typer.Exit(run_demo(options))


app.command()(init)
app.command()(migrate)
app.command()(doctor)
app.command()(simulate)
app.command("export")(contacts.export)
app.command()(audit)
contacts.app.command()(members.add)
contacts.app.command("list")(members.list_contacts)
contacts.app.command()(members.exclude)
contacts.app.command()(members.delete)
contacts.app.command()(members.review)
app.add_typer(trunk.app, name="trunk")
app.add_typer(campaign.app, name="campaign")
app.add_typer(contacts.app, name="contacts")
app.add_typer(directory.app, name="directory")
app.add_typer(filters.app, name="filter")
app.add_typer(dnc.app, name="dnc")
app.add_typer(consent.app, name="consent")
app.add_typer(number.app, name="number")
app.add_typer(outcome.app, name="outcome")
app.add_typer(call.app, name="call")
app.add_typer(agent.app, name="agent")
app.add_typer(legal.app, name="legal")
app.add_typer(webhook.app, name="webhook")
app.add_typer(user.app, name="user")
app.add_typer(token.app, name="token")
app.add_typer(lab.app, name="lab")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process: 0 done, 1 failed, 2 wrong use."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    current = Session(json="--json" in given)
    try:
        app(args=given, obj=current, prog_name="callcamp")
    except CallcampError as error:
        _tell(current, error)
        note(f"Error: {error.message}", "red")
        sys.exit(2 if isinstance(error, InvalidInput) else 1)
    except KeyboardInterrupt:
        note("Interrupted.")
        sys.exit(130)
    except SystemExit as ended:
        # Typer has told people; what it ended for is the context of its exit.
        if isinstance(ended.__context__, typer.Abort):
            _tell(current, Conflict("Nothing was done: the question was not answered with yes."))
        elif words := getattr(ended.__context__, "format_message", None):
            _tell(current, InvalidInput(words()))
        raise
    except Exception:
        _tell(current, CallcampError("Something went wrong inside callcamp."))
        raise
    raise AssertionError("typer always exits")


def _tell(current: Session, error: CallcampError) -> None:
    if current.json:
        emit_json({"error": error.as_dict()})
