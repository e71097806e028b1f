"""``callcamp contacts`` and ``callcamp export``: files in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from callcamp.cli.output import emit_json, err, note, say, table, text, when
from callcamp.cli.session import JsonOption, run, with_store
from callcamp.errors import InvalidInput
from callcamp.ports import ContactImport
from callcamp.settings import Settings

app = typer.Typer(help="Contacts: import files, undo imports.", no_args_is_help=True)
CampaignArgument = Annotated[int, typer.Argument(help="Number of the campaign.")]


@app.command("import")
def import_file(
    context: typer.Context,
    campaign_id: CampaignArgument,
    file: Annotated[
        Path,
        typer.Argument(help="A .csv, .xls or .xlsx file.", exists=True, dir_okay=False),
    ],
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="VARIABLE=COLUMN",
            help="Which column is what: --map phone=tel --map name=firstname. Left out: the "
            "phone column is found, and every other column becomes a variable.",
        ),
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Text encoding, if guessed wrong.")] = None,
    delimiter: Annotated[
        str | None, typer.Option(help="Character between cells, if guessed wrong; 'tab' works.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of a workbook; else the first.")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Delete the contacts of the draft first.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the preview.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: JsonOption = False,
) -> None:
    """Preview a file, ask, and add its contacts to a campaign."""
    mapping = parse_mapping(map_ or [])

    async def work(settings: Settings) -> ContactImport:
        from callcamp.app import open_store
        from callcamp.engine.commands import utc_now
        from callcamp.engine.imports import Imports

        async with open_store(settings) as store:
            imports = Imports(store, settings, utc_now)
            with err().status("Reading the file"):
                preview = await imports.preview(campaign_id, file, file.name, mapping)
            if not json:
                show_preview(preview)
            if dry_run:
                return preview
            if not yes:
                typer.confirm("Import them?", abort=True, err=True)
            if replace:
                gone = await store.delete_contacts(campaign_id)
                note(f"{gone} contacts were deleted.")
            with err().status("Importing"):
                return await imports.confirm(preview.id)

    done = run(context, work, json=json)
    if json:
        emit_json(done)
    elif done.status == "confirmed":
        say(f"{done.added} contacts were added by import {done.id}.")
        note(f"To take them back: callcamp contacts undo {done.id}")


def parse_mapping(pairs: list[str]) -> dict[str, str] | None:
    """Read ``VARIABLE=COLUMN`` pairs; None when there are none.

    Raises:
        InvalidInput: one is something else, or a variable is given twice.
    """
    mapping: dict[str, str] = {}
    for pair in pairs:
        variable, equals, column = pair.partition("=")
        variable, column = variable.strip(), column.strip()
        if not equals or not variable or not column or variable in mapping:
            raise InvalidInput(
                f"--map {pair!r} cannot be used; give each variable once, as VARIABLE=COLUMN.",
                field="map",
                value=pair,
            )
        mapping[variable] = column
    return mapping or None


def show_preview(preview: ContactImport) -> None:
    """Print what an import would do."""
    report: dict[str, Any] = preview.report
    for key, value in report.items():
        if not isinstance(value, list | dict):
            say(f"{key.replace('_', ' ')}: {value}")


@app.command("imports")
def list_imports(
    context: typer.Context, campaign_id: CampaignArgument, json: JsonOption = False
) -> None:
    """List the imports of a campaign, newest first."""
    found = with_store(context, lambda store: store.imports(campaign_id), json=json)
    if json:
        emit_json({"items": found})
    elif not found:
        say("No imports.")
    else:
        table(
            ("ID", "FILE", "STATUS", "ADDED", "WHEN"),
            ((i.id, text(i.filename), i.status, i.added, when(i.created_at)) for i in found),
        )


@app.command()
def undo(
    context: typer.Context,
    import_id: Annotated[int, typer.Argument(help="Number of the import.")],
    json: JsonOption = False,
) -> None:
    """Take an import back, as long as none of its contacts was called."""

    async def work(settings: Settings) -> int:
        from callcamp.app import open_store
        from callcamp.engine.commands import utc_now
        from callcamp.engine.imports import Imports

        async with open_store(settings) as store:
            return await Imports(store, settings, utc_now).undo(import_id)

    gone = run(context, work, json=json)
    if json:
        emit_json({"id": import_id, "removed": gone})
    else:
        say(f"{gone} contacts were removed.")


def export(
    context: typer.Context,
    campaign_id: CampaignArgument,
    file: Annotated[Path, typer.Argument(help="Where to write: a name in .csv or .xlsx.")],
    json: JsonOption = False,
) -> None:
    """Write a campaign's contacts and calls to a .csv or .xlsx file."""
    kind = file.suffix.lower().lstrip(".")
    if kind not in {"csv", "xlsx"}:
        raise InvalidInput(
            f"{file.name} says neither .csv nor .xlsx.", field="file", value=file.name
        )

    async def work(settings: Settings) -> None:
        from callcamp.app import open_store
        from callcamp.engine.exports import export_campaign

        async with open_store(settings) as store:
            with err().status("Writing"):
                await export_campaign(store, campaign_id, file, "csv" if kind == "csv" else "xlsx")

    run(context, work, json=json)
    if json:
        emit_json({"campaign_id": campaign_id, "file": file, "bytes": file.stat().st_size})
    else:
        say(f"Wrote {file} ({file.stat().st_size:,} bytes).")
