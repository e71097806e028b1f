"""``callcamp directory``: people, apart from campaigns."""

from __future__ import annotations

from typing import Annotated

import typer

from callcamp.cli.filters import data
from callcamp.cli.given import named_values
from callcamp.cli.output import count, emit_json, err, out, pairs, say, table, when
from callcamp.cli.reading import (
    DelimiterOption,
    DryRunOption,
    EncodingOption,
    ErrorsOption,
    FileArgument,
    HeaderOption,
    MapOption,
    OthersOption,
    PresetOption,
    RestOption,
    SheetOption,
    YesOption,
    copy_errors,
    progress,
    read_options,
    show_preview,
    wanted_mapping,
)
from callcamp.cli.records import AfterOption, LimitOption, RegionOption, with_lists
from callcamp.cli.session import JsonOption, ask, run
from callcamp.core.outcome import MEANING
from callcamp.ports import TimelineCall
from callcamp.settings import Settings

app = typer.Typer(help="Contact directory: people, apart from campaigns.", no_args_is_help=True)
PhoneArgument = Annotated[str, typer.Argument(help="Number.")]


@app.command()
def add(
    context: typer.Context,
    phone: PhoneArgument,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A variable; several times for several."),
    ] = None,
    other: Annotated[
        list[str] | None, typer.Option(help="A further number; several times for several.")
    ] = None,
    region: RegionOption = None,
    json: JsonOption = False,
) -> None:
    """Add a person, or change the one with that first number."""
    variables = named_values(set_ or [])
    person = with_lists(
        context,
        lambda lists: lists.add_person(
            phone, region=region, variables=variables, others=other or []
        ),
        json=json,
    )
    if json:
        emit_json(person)
    else:
        say(f"{person.phone} is in the directory.")


@app.command("import")
def import_file(
    context: typer.Context,
    file: FileArgument,
    map_: MapOption = None,
    other_phone: OthersOption = None,
    rest: RestOption = False,
    region: RegionOption = None,
    encoding: EncodingOption = None,
    delimiter: DelimiterOption = None,
    header: HeaderOption = None,
    sheet: SheetOption = None,
    preset: PresetOption = None,
    errors: ErrorsOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Preview a file, ask, and add its people to the directory, or update them."""
    from callcamp.engine.directory_imports import PeopleImported, PeoplePreview

    wanted = wanted_mapping(map_, other_phone, rest=rest, preset=preset)
    options = read_options(encoding, delimiter, header, sheet)

    async def work(settings: Settings) -> tuple[PeoplePreview, PeopleImported | None]:
        from callcamp.app import open_store
        from callcamp.engine.commands import utc_now
        from callcamp.engine.directory_imports import DirectoryImports

        imports = DirectoryImports(settings, utc_now)
        async with open_store(settings) as store:
            mapping = await wanted.resolved(store)
        with progress("Reading") as on_progress:
            preview = await imports.preview(
                file, file.name, mapping, region=region, options=options, on_progress=on_progress
            )
        try:
            show_preview(preview.report, err() if json else out())
            if errors is not None:
                copy_errors(imports.error_file(preview.token), errors)
            if dry_run or not preview.report["valid"]:
                return preview, None
            if not yes:
                ask("Import them?")
            with progress("Importing") as on_progress:
                return preview, await imports.confirm(preview.token, on_progress=on_progress)
        finally:
            await imports.discard(preview.token)

    preview, done = run(context, work, json=json)
    if json:
        emit_json({"filename": preview.filename, "report": preview.report, "imported": done})
    elif done is not None:
        say(f"Added {count(done.added, 'contact')}, updated {done.updated:,}.")
    elif not dry_run:
        say("There is nothing to import.")
    if not dry_run and done is None:
        raise typer.Exit(1)


@app.command("list")
def list_people(
    context: typer.Context,
    filter_: Annotated[
        str | None,
        typer.Option("--filter", metavar="NAME", help="Only whom this saved filter chooses."),
    ] = None,
    after: AfterOption = 0,
    limit: LimitOption = 100,
    json: JsonOption = False,
) -> None:
    """List the people of the directory by ID."""
    found = with_lists(
        context,
        lambda lists: lists.people(after_id=after, limit=limit, filter_name=filter_),
        json=json,
    )
    if json:
        emit_json({"items": found})
    elif not found:
        say("Nobody.")
    else:
        table(
            ("ID", "NUMBER", "FURTHER NUMBERS", "DATA"),
            ((p.id, p.phone, ", ".join(p.others), data(p.variables)) for p in found),
        )


@app.command()
def show(
    context: typer.Context,
    phone: PhoneArgument,
    region: RegionOption = None,
    calls: Annotated[int, typer.Option(min=1, max=10_000, help="How many calls at most.")] = 100,
    json: JsonOption = False,
) -> None:
    """Show all that is on record about a person, and every call over all campaigns."""
    found = with_lists(
        context, lambda lists: lists.history(phone, region=region, calls=calls), json=json
    )
    if json:
        emit_json(found)
        return
    person = found.person
    pairs(
        {
            "Number": found.numbers[0],
            "Further numbers": ", ".join(found.numbers[1:]) or "–",
            "In the directory since": when(person.created_at if person else None),
            "Consents": ", ".join(
                f"{c.scope}{' (revoked)' if c.revoked_at else ''}" for c in found.consents
            )
            or "–",
            "Must not be called": ", ".join(
                "anywhere" if s.campaign_id is None else f"in campaign {s.campaign_id}"
                for s in found.suppressions
            )
            or "–",
            **{f"  {name}": value for name, value in (person.variables if person else {}).items()},
        }
    )
    if found.calls:
        say("")
        table(
            ("WHEN", "CAMPAIGN", "NUMBER", "RESULT", "TALKED"),
            (
                (
                    when(call.attempt.dialed_at or call.attempt.claimed_at),
                    f"{call.attempt.campaign_id}: {call.campaign_name}",
                    call.attempt.number,
                    _result(call),
                    _talked(call),
                )
                for call in found.calls
            ),
        )


def _result(call: TimelineCall) -> str:
    attempt = call.attempt
    if attempt.disposition is None:
        return attempt.status.value
    words = MEANING[attempt.disposition].text
    return f"{words}, {attempt.outcome}" if attempt.outcome else words


def _talked(call: TimelineCall) -> str:
    attempt = call.attempt
    if attempt.answered_at is None or attempt.ended_at is None:
        return "–"
    return f"{(attempt.ended_at - attempt.answered_at).total_seconds():.0f} s"


@app.command()
def remove(
    context: typer.Context,
    phone: PhoneArgument,
    region: RegionOption = None,
    json: JsonOption = False,
) -> None:
    """Delete a person by first number; campaigns keep their copy."""
    number = with_lists(context, lambda lists: lists.delete_person(phone, region=region), json=json)
    if json:
        emit_json({"phone": number, "deleted": True})
    else:
        say(f"Deleted {number} from the directory.")
