"""``callcamp outcome``: custom dispositions."""

from __future__ import annotations

from typing import Annotated

import typer

from callcamp.cli.output import emit_json, say, table
from callcamp.cli.records import with_lists
from callcamp.cli.session import JsonOption

app = typer.Typer(
    help="Custom dispositions: what bots and agents may say of a call.", no_args_is_help=True
)


@app.command("set")
def set_outcome(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(help="Lower case letters, digits, underscores: not_interested.")
    ],
    label: Annotated[str, typer.Option(help="Words for people; left out: the name's.")] = "",
    refused: Annotated[
        bool, typer.Option("--refused", help="The person refused further calls for now.")
    ] = False,
    opt_out: Annotated[
        bool, typer.Option("--opt-out", help="The person wants never to be called again.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Add a custom disposition, or put another in place of the one of that name."""
    outcome = with_lists(
        context,
        lambda lists: lists.save_outcome(name, label=label, refused=refused, opt_out=opt_out),
        json=json,
    )
    if json:
        emit_json(outcome)
    else:
        say(f"Saved the disposition {outcome.name}: {outcome.label}.")


@app.command("list")
def list_outcomes(context: typer.Context, json: JsonOption = False) -> None:
    """List the custom dispositions."""
    found = with_lists(context, lambda lists: lists.outcomes(), json=json)
    if json:
        emit_json({"items": found})
    elif not found:
        say("No custom dispositions; add one with `callcamp outcome set`.")
    else:
        table(
            ("NAME", "LABEL", "REFUSED", "OPTS OUT"),
            (
                (o.name, o.label, "yes" if o.refused else "no", "yes" if o.opt_out else "no")
                for o in found
            ),
        )
