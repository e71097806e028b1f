"""``callcamp dnc``: who must not be called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from callcamp.cli.output import count, emit_json, say, table, when
from callcamp.cli.records import (
    AfterOption,
    ColumnOption,
    FileOption,
    LimitOption,
    RegionOption,
    instant,
    one_way,
    tell_refused,
    with_lists,
)
from callcamp.cli.session import JsonOption, ask

app = typer.Typer(help="Do-not-call: numbers and imported lists.", no_args_is_help=True)
CampaignOption = Annotated[
    int | None, typer.Option("--campaign", help="Only in this campaign; left out: everywhere.")
]
NameArgument = Annotated[str, typer.Argument(help="Name of the list; campaigns name it so.")]


@app.command()
def add(
    context: typer.Context,
    phones: Annotated[list[str] | None, typer.Argument(help="Numbers.")] = None,
    file: FileOption = None,
    column: ColumnOption = None,
    region: RegionOption = None,
    campaign: CampaignOption = None,
    reason: Annotated[str, typer.Option(help="Why, in words.")] = "",
    until: Annotated[
        str | None,
        typer.Option(help="From when they may be called again; left out: never."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Put numbers on the do-not-call list; contacts waiting with them are skipped."""
    one_way("phones", phones, file)
    expires_at = instant("until", until)
    if file is None:
        done = with_lists(
            context,
            lambda lists: lists.suppress(
                phones or [],
                region=region,
                reason=reason,
                source="cli",
                campaign_id=campaign,
                expires_at=expires_at,
            ),
            json=json,
        )
        if json:
            emit_json(done)
        else:
            _tell(done.added, done.contacts_skipped)
        return
    read = with_lists(
        context,
        lambda lists: lists.suppress_file(
            file,
            region=region,
            column=column,
            reason=reason,
            source="cli",
            campaign_id=campaign,
            expires_at=expires_at,
        ),
        json=json,
    )
    if json:
        emit_json(read)
    else:
        tell_refused(read.problems, read.refused)
        _tell(read.added, read.contacts_skipped)


def _tell(added: int, skipped: int) -> None:
    say(
        f"{count(added, 'number')} put on the do-not-call list; {count(skipped, 'waiting contact')}"
        " skipped."
    )


@app.command()
def remove(
    context: typer.Context,
    phone: Annotated[str, typer.Argument(help="Number.")],
    region: RegionOption = None,
    campaign: CampaignOption = None,
    json: JsonOption = False,
) -> None:
    """Take a number off the list; contacts that were skipped stay so until added again."""
    number = with_lists(
        context,
        lambda lists: lists.unsuppress(phone, region=region, campaign_id=campaign),
        json=json,
    )
    if json:
        emit_json({"phone": number, "removed": True})
    else:
        say(f"{number} may be called again.")


@app.command("list")
def list_numbers(
    context: typer.Context,
    phone: Annotated[str | None, typer.Option(help="Only this number.")] = None,
    region: RegionOption = None,
    campaign: Annotated[
        int | None, typer.Option(help="Only what holds in this campaign alone.")
    ] = None,
    after: AfterOption = 0,
    limit: LimitOption = 100,
    json: JsonOption = False,
) -> None:
    """List the numbers that must not be called, by ID; imported lists are left out."""
    found = with_lists(
        context,
        lambda lists: lists.suppressions(
            phone=phone, region=region, campaign_id=campaign, after_id=after, limit=limit
        ),
        json=json,
    )
    if json:
        emit_json({"items": found})
    elif not found:
        say("No numbers.")
    else:
        table(
            ("ID", "NUMBER", "WHERE", "SINCE", "UNTIL", "SOURCE", "REASON"),
            (
                (
                    one.id,
                    one.phone,
                    "everywhere" if one.campaign_id is None else f"campaign {one.campaign_id}",
                    when(one.created_at),
                    when(one.expires_at),
                    one.source,
                    one.reason,
                )
                for one in found
            ),
        )


@app.command("import")
def import_list(
    context: typer.Context,
    name: NameArgument,
    file: Annotated[
        Path,
        typer.Argument(
            help="A text file of numbers: one a line, or a CSV column.",
            exists=True,
            dir_okay=False,
        ),
    ],
    as_of: Annotated[
        str, typer.Option(help="Of when the copy is: 2026-11-21. The law may limit its age.")
    ],
    region: RegionOption = None,
    column: ColumnOption = None,
    json: JsonOption = False,
) -> None:
    """Import a do-not-call register, or put a fresh copy in place of the old one."""
    date = instant("as-of", as_of)
    if date is None:
        raise AssertionError("as_of is not None")
    done = with_lists(
        context,
        lambda lists: lists.import_dnc_list(name, file, as_of=date, region=region, column=column),
        json=json,
    )
    if json:
        emit_json(done)
    else:
        tell_refused(done.problems, done.refused)
        say(f"The list {done.list.name} has {count(done.list.numbers, 'number')}.")


@app.command("lists")
def list_lists(context: typer.Context, json: JsonOption = False) -> None:
    """List the imported do-not-call registers."""
    found = with_lists(context, lambda lists: lists.dnc_lists(), json=json)
    if json:
        emit_json({"items": found})
    elif not found:
        say("No lists; `callcamp dnc import` brings one in.")
    else:
        table(
            ("NAME", "NUMBERS", "COPY OF", "IMPORTED"),
            ((one.name, one.numbers, when(one.as_of), when(one.imported_at)) for one in found),
        )


@app.command("drop-list")
def drop_list(
    context: typer.Context,
    name: NameArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: JsonOption = False,
) -> None:
    """Delete an imported register; campaigns that have to check it stop calling."""
    if not yes:
        ask(f"Delete the do-not-call list {name!a}?")
    with_lists(context, lambda lists: lists.delete_dnc_list(name), json=json)
    if json:
        emit_json({"name": name, "deleted": True})
    else:
        say(f"Deleted the do-not-call list {name}.")
