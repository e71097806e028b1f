"""``callcamp contacts`` and ``callcamp export``: files in and out."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from callcamp.cli.filters import AnyOption, WhereOption, match_of
from callcamp.cli.output import count, emit_json, err, note, out, say, table, text, when
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
from callcamp.cli.records import with_lists
from callcamp.cli.session import JsonOption, ask, run, with_store
from callcamp.errors import InvalidInput
from callcamp.ports import AddResult, ContactImport, MappingPreset, OnDuplicate
from callcamp.settings import Settings

if TYPE_CHECKING:
    from callcamp.engine.lists import Lists

app = typer.Typer(help="Contacts: import files, undo imports, save mappings.", no_args_is_help=True)
CampaignArgument = Annotated[int, typer.Argument(help="Number of the campaign.")]
OnDuplicateOption = Annotated[
    OnDuplicate, typer.Option(help="What to do with a number the campaign has already.")
]


@app.command("import")
def import_file(
    context: typer.Context,
    campaign_id: CampaignArgument,
    file: FileArgument,
    map_: MapOption = None,
    other_phone: OthersOption = None,
    rest: RestOption = False,
    encoding: EncodingOption = None,
    delimiter: DelimiterOption = None,
    header: HeaderOption = None,
    sheet: SheetOption = None,
    preset: PresetOption = None,
    save_preset: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Save the mapping under this name once it is imported."),
    ] = None,
    errors: ErrorsOption = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Delete the contacts of the draft first.")
    ] = False,
    on_duplicate: OnDuplicateOption = OnDuplicate.SKIP,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Preview a file, ask, and add its contacts to a campaign."""
    wanted = wanted_mapping(map_, other_phone, rest=rest, preset=preset)
    options = read_options(encoding, delimiter, header, sheet)

    async def work(settings: Settings) -> ContactImport:
        from callcamp.app import open_store
        from callcamp.engine.commands import utc_now
        from callcamp.engine.imports import Imports

        if save_preset is not None:
            MappingPreset(save_preset, {}, utc_now())  # Refused now, not after the import.
        async with open_store(settings) as store:
            imports = Imports(store, settings, utc_now)
            mapping = await wanted.resolved(store)
            with progress("Reading") as on_progress:
                preview = await imports.preview(
                    campaign_id, file, file.name, mapping, options=options, on_progress=on_progress
                )
            confirmed = False
            try:
                show_preview(preview.report, err() if json else out())
                if errors is not None:
                    copy_errors(await imports.error_file(preview.id), errors)
                if dry_run or not preview.report["valid"]:
                    return preview
                if not yes:
                    ask("Import them?")
                with progress("Importing") as on_progress:
                    done = await imports.confirm(
                        preview.id,
                        replace=replace,
                        on_duplicate=on_duplicate,
                        on_progress=on_progress,
                    )
                confirmed = True
                if save_preset is not None:
                    used = _used(preview.report)
                    await store.save_mapping_preset(save_preset, used, now=utc_now())
                return done
            finally:
                if not confirmed:
                    await imports.discard(preview.id)

    done = run(context, work, json=json)
    if json:
        emit_json(done)
    elif done.status == "confirmed":
        say(f"Import {done.id} added {count(done.added, 'contact')}.")
        _say_fates(done.report["done"])
        note(f"To take them back: callcamp contacts undo {done.id}")
        if save_preset is not None:
            note(f"The mapping is saved: --preset {shlex.quote(save_preset)}")
    elif not dry_run:
        say("There is nothing to import.")
    if not dry_run and done.status != "confirmed":
        raise typer.Exit(1)


def _used(report: dict[str, Any]) -> dict[str, Any]:
    """Return the mapping that a preview used; one that was found is written out in full."""
    if not report["mapping_proposed"]:
        return dict(report["mapping"])
    return {
        "phone": report["mapping"]["phone"],
        "variables": report["variables"],
        "rest": False,
    }


@app.command("from-directory")
def from_directory(
    context: typer.Context,
    campaign_id: CampaignArgument,
    filter_: Annotated[
        str | None, typer.Option("--filter", metavar="NAME", help="Whom this saved filter chooses.")
    ] = None,
    where: WhereOption = None,
    any_: AnyOption = False,
    phone: Annotated[
        list[str] | None, typer.Option(help="Whose first number this is; several times.")
    ] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody.")] = False,
    on_duplicate: OnDuplicateOption = OnDuplicate.SKIP,
    json: JsonOption = False,
) -> None:
    """Add people of the contact directory to a campaign, all or none."""

    async def work(lists: Lists) -> AddResult:
        return await lists.add_from_directory(
            campaign_id,
            filter_name=filter_,
            conditions=where or [],
            match=match_of(any_),
            phones=phone or [],
            everybody=everybody,
            on_duplicate=on_duplicate,
        )

    done = with_lists(context, work, json=json)
    if json:
        emit_json(done)
        return
    say(f"Added {count(done.added, 'contact')}.")
    _say_fates(asdict(done))


def _say_fates(numbers: dict[str, int]) -> None:
    """Say what became of those who were not simply added."""
    for name, what in (
        ("suppressed", "of them must not be called and are skipped"),
        ("updated", "were there already and are updated"),
        ("reopened", "were there already and wait for a call again"),
        ("duplicates", "were there already and stay as they are"),
    ):
        if numbers[name]:
            say(f"{numbers[name]:,} {what}.")


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
        say(f"Removed {count(gone, 'contact')}.")


@app.command("presets")
def list_presets(context: typer.Context, json: JsonOption = False) -> None:
    """List the saved mappings of columns."""
    found = with_store(context, lambda store: store.mapping_presets(), json=json)
    if json:
        emit_json({"items": found})
    elif not found:
        say("No mapping presets; `callcamp contacts import … --save-preset NAME` makes one.")
    else:
        table(
            ("NAME", "PHONE", "VARIABLES"),
            ((text(p.name), text(p.mapping["phone"]), text(_variables(p.mapping))) for p in found),
        )


def _variables(mapping: dict[str, Any]) -> str:
    """Return the variables of a saved mapping on one line."""
    pairs = [f"{name}={column}" for name, column in mapping["variables"].items()]
    return ", ".join([*pairs, *(["and every other column"] if mapping["rest"] else [])])


@app.command("preset-delete")
def delete_preset(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the saved mapping.")],
    json: JsonOption = False,
) -> None:
    """Delete a saved mapping; what was imported with it stays."""
    with_store(context, lambda store: store.delete_mapping_preset(name), json=json)
    if json:
        emit_json({"name": name, "deleted": True})
    else:
        say(f"Deleted the mapping preset {name}.")


class What(StrEnum):
    """What an export holds."""

    CONTACTS = "contacts"
    CALLS = "calls"
    BOTH = "both"


def export(
    context: typer.Context,
    campaign_id: CampaignArgument,
    file: Annotated[Path, typer.Argument(help="Where to write: a name in .csv or .xlsx.")],
    what: Annotated[
        What | None,
        typer.Option(help="Left out: both sheets of a workbook, or the contacts as CSV."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Write a campaign's contacts and calls to a .csv or .xlsx file."""
    kind = file.suffix.lower().lstrip(".")
    if kind not in {"csv", "xlsx"}:
        raise InvalidInput(
            f"{file.name} says neither .csv nor .xlsx.", field="file", value=file.name
        )
    if not file.absolute().parent.is_dir():
        raise InvalidInput(f"There is no folder {file.parent}.", field="file", value=str(file))

    async def work(settings: Settings) -> list[Path]:
        from callcamp.app import open_store
        from callcamp.engine.exports import export_campaign

        async with open_store(settings) as store:
            return await export_campaign(
                store,
                campaign_id,
                file,
                "csv" if kind == "csv" else "xlsx",
                what=None if what is None else what.value,
            )

    written = run(context, work, json=json)
    if json:
        files = [{"path": path, "bytes": path.stat().st_size} for path in written]
        emit_json({"campaign_id": campaign_id, "files": files})
    for path in () if json else written:
        say(f"Wrote {path} ({path.stat().st_size:,} bytes).")
