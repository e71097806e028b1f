"""``callcamp trunk``: the ways out of Asterisk."""

from __future__ import annotations

from typing import Annotated

import typer

from callcamp.cli.output import emit_json, say, table
from callcamp.cli.session import JsonOption, with_commands

app = typer.Typer(help="Trunks: the ways out of Asterisk.", no_args_is_help=True)


@app.command("set")
def set_trunk(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the trunk.")],
    dial: Annotated[
        str,
        typer.Option(help="Channel to originate, with {number}: PJSIP/{number}@my-trunk."),
    ],
    cps: Annotated[float, typer.Option(help="Most new calls per second.")] = 5.0,
    max_channels: Annotated[
        int | None, typer.Option(help="Most calls at the same time; left out: no limit.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Add a trunk, or change the one of that name."""
    trunk = with_commands(
        context,
        lambda commands: commands.save_trunk(
            name, dial_string=dial, cps=cps, max_channels=max_channels
        ),
        json=json,
    )
    if json:
        emit_json(trunk)
    else:
        say(f"Trunk {trunk.name}: {trunk.dial_string}, {trunk.cps:g} calls per second.")


@app.command("list")
def list_trunks(context: typer.Context, json: JsonOption = False) -> None:
    """List the trunks."""
    trunks = with_commands(context, lambda commands: commands.trunks(), json=json)
    if json:
        emit_json({"items": trunks})
    elif not trunks:
        say("No trunks yet; add one with `callcamp trunk set`.")
    else:
        table(
            ("ID", "NAME", "DIALS", "CALLS/S", "AT ONCE"),
            ((t.id, t.name, t.dial_string, f"{t.cps:g}", t.max_channels or "–") for t in trunks),
        )
