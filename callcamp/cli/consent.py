"""``callcamp consent``: who agreed to be called."""

from __future__ import annotations

from typing import Annotated

import typer

from callcamp.cli.output import count, emit_json, say, table, when
from callcamp.cli.records import (
    ColumnOption,
    FileOption,
    RegionOption,
    instant,
    one_way,
    tell_refused,
    with_lists,
)
from callcamp.cli.session import JsonOption

app = typer.Typer(help="Consents: who agreed to be called.", no_args_is_help=True)
PhoneArgument = Annotated[str, typer.Argument(help="Number.")]
ScopeOption = Annotated[
    str, typer.Option("--scope", help="What it is for, e.g. marketing; campaigns name it.")
]


@app.command()
def record(
    context: typer.Context,
    scope: ScopeOption,
    source: Annotated[
        str, typer.Option(help="Where it comes from, in words: web form, contract 4711.")
    ],
    phone: Annotated[str | None, typer.Argument(help="Number.")] = None,
    file: FileOption = None,
    column: ColumnOption = None,
    region: RegionOption = None,
    given: Annotated[str | None, typer.Option(help="When it was given; left out: now.")] = None,
    until: Annotated[str | None, typer.Option(help="When it ends; left out: it does not.")] = None,
    json: JsonOption = False,
) -> None:
    """Record a consent of one number, or of all numbers of a file."""
    one_way("phone", phone, file)
    given_at, expires_at = instant("given", given), instant("until", until)
    if phone is not None:
        consent = with_lists(
            context,
            lambda lists: lists.record_consent(
                phone,
                region=region,
                scope=scope,
                source=source,
                given_at=given_at,
                expires_at=expires_at,
            ),
            json=json,
        )
        if json:
            emit_json(consent)
        else:
            say(f"Recorded the consent of {consent.phone} for {consent.scope}.")
    elif file is not None:
        done = with_lists(
            context,
            lambda lists: lists.record_consents_file(
                file,
                region=region,
                column=column,
                scope=scope,
                source=source,
                given_at=given_at,
                expires_at=expires_at,
            ),
            json=json,
        )
        if json:
            emit_json(done)
        else:
            tell_refused(done.problems, done.refused)
            say(
                f"Recorded the consent of {count(done.recorded, 'number')} for {scope}; "
                f"{count(done.contacts_released, 'waiting contact')} looked at again."
            )
            if done.revoked:
                say(f"{count(done.revoked, 'number')} left out: revoked after this was given.")


@app.command()
def revoke(
    context: typer.Context,
    phone: PhoneArgument,
    scope: ScopeOption,
    region: RegionOption = None,
    json: JsonOption = False,
) -> None:
    """Note that a consent was revoked; it does not hold any more from now on."""
    number = with_lists(
        context, lambda lists: lists.revoke_consent(phone, region=region, scope=scope), json=json
    )
    if json:
        emit_json({"phone": number, "scope": scope, "revoked": True})
    else:
        say(f"The consent of {number} for {scope} is revoked.")


@app.command()
def show(
    context: typer.Context,
    phone: PhoneArgument,
    region: RegionOption = None,
    json: JsonOption = False,
) -> None:
    """Show the consents on record of a number, revoked and expired ones included."""
    found = with_lists(context, lambda lists: lists.consents(phone, region=region), json=json)
    if json:
        emit_json({"items": found})
    elif not found:
        say("No consents on record.")
    else:
        table(
            ("SCOPE", "GIVEN", "UNTIL", "REVOKED", "SOURCE"),
            (
                (c.scope, when(c.given_at), when(c.expires_at), when(c.revoked_at), c.source)
                for c in found
            ),
        )
