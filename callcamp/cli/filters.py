"""``callcamp filter``: saved filters over the contact directory."""

from __future__ import annotations

from typing import Annotated

import typer

from callcamp.cli.output import count, emit_json, say, table
from callcamp.cli.records import with_lists
from callcamp.cli.session import JsonOption
from callcamp.core.policies import Match
from callcamp.core.rule_text import describe

app = typer.Typer(help="Saved filters over the contact directory.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(help="Name of the filter.")]
WhereOption = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="CONDITION",
        help="'city = Paris', 'age >= 18', 'email is set'; several times for several.",
    ),
]
AnyOption = Annotated[
    bool, typer.Option("--any", help="One condition is enough; left out: all have to hold.")
]


@app.command()
def save(
    context: typer.Context,
    name: NameArgument,
    where: WhereOption = None,
    any_: AnyOption = False,
    json: JsonOption = False,
) -> None:
    """Save a filter under a name, or put other conditions in place of its own."""
    saved = with_lists(
        context,
        lambda lists: lists.save_filter(name, where or [], match=match_of(any_)),
        json=json,
    )
    if json:
        emit_json(saved)
    else:
        say(f"Saved the filter {saved.name}.")


@app.command("list")
def list_filters(context: typer.Context, json: JsonOption = False) -> None:
    """List the saved filters."""
    found = with_lists(context, lambda lists: lists.filters(), json=json)
    if json:
        emit_json({"items": found})
    elif not found:
        say("No saved filters; `callcamp filter save NAME --where …` makes one.")
    else:
        table(
            ("NAME", "CONDITIONS"),
            ((f.name, _WORDS[f.match].join(map(describe, f.conditions))) for f in found),
        )


@app.command()
def show(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Name of the filter; or --where.")] = None,
    where: WhereOption = None,
    any_: AnyOption = False,
    json: JsonOption = False,
) -> None:
    """Show how many people a filter, saved or not, chooses now, and the first ten."""
    found = with_lists(
        context,
        lambda lists: lists.preview_filter(name, where or [], match=match_of(any_)),
        json=json,
    )
    if json:
        emit_json(found)
        return
    if found.first:
        table(("ID", "NUMBER", "DATA"), ((p.id, p.phone, data(p.variables)) for p in found.first))
    say(f"{found.count:,} of {count(found.total, 'contact')} chosen.")


@app.command()
def remove(context: typer.Context, name: NameArgument, json: JsonOption = False) -> None:
    """Delete a saved filter; campaigns that were filled with it stay as they are."""
    with_lists(context, lambda lists: lists.delete_filter(name), json=json)
    if json:
        emit_json({"name": name, "deleted": True})
    else:
        say(f"Deleted the filter {name}.")


def match_of(any_: bool) -> Match:
    """Return what ``--any`` means."""
    return Match.ANY if any_ else Match.ALL


def data(variables: dict[str, str]) -> str:
    """Return variables on one line."""
    return ", ".join(f"{name}={value}" for name, value in variables.items())


_WORDS = {Match.ALL: " and ", Match.ANY: " or "}
