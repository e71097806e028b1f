"""``callcamp contacts`` and ``callcamp export``: files in and out."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from callcamp.cli.output import count, emit_json, err, note, out, say, table, text, when
from callcamp.cli.session import JsonOption, ask, run, with_store
from callcamp.errors import InvalidInput, NotFound
from callcamp.ports import ContactImport, MappingPreset, Store
from callcamp.settings import Settings

if TYPE_CHECKING:
    from callcamp.contacts.mapping import Mapping

app = typer.Typer(help="Contacts: import files, undo imports, save mappings.", no_args_is_help=True)
_EXAMPLES, _PROBLEMS = 3, 10
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
    rest: Annotated[
        bool, typer.Option("--rest", help="With --map: every other column is a variable too.")
    ] = False,
    encoding: Annotated[str | None, typer.Option(help="Text encoding, if guessed wrong.")] = None,
    delimiter: Annotated[
        str | None, typer.Option(help="Character between cells, or tab, if guessed wrong.")
    ] = None,
    header: Annotated[
        bool | None, typer.Option(help="Whether the first row has names, if guessed wrong.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of a workbook; else the first.")] = None,
    preset: Annotated[
        str | None, typer.Option(metavar="NAME", help="Use this saved mapping instead of --map.")
    ] = None,
    save_preset: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Save the mapping under this name once it is imported."),
    ] = None,
    errors: Annotated[
        Path | None, typer.Option(help="Write the rows left out, with reasons, to this CSV file.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Delete the contacts of the draft first.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the preview.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: JsonOption = False,
) -> None:
    """Preview a file, ask, and add its contacts to a campaign."""
    from callcamp.contacts.table import ReadOptions

    given = parse_mapping(map_ or [], rest=rest)
    if preset is not None and (map_ or rest):
        raise InvalidInput("Give either --preset, or --map and --rest.", field="preset")
    tab = (delimiter or "").lower() == "tab"
    options = ReadOptions(encoding, "\t" if tab else delimiter, header, sheet)

    async def work(settings: Settings) -> ContactImport:
        from callcamp.app import open_store
        from callcamp.engine.commands import utc_now
        from callcamp.engine.imports import Imports

        if save_preset is not None:
            MappingPreset(save_preset, {}, utc_now())  # Refused now, not after the import.
        async with open_store(settings) as store:
            imports = Imports(store, settings, utc_now)
            mapping = given if preset is None else await _saved(store, preset)
            with progress("Reading") as on_progress:
                preview = await imports.preview(
                    campaign_id, file, file.name, mapping, options=options, on_progress=on_progress
                )
            confirmed = False
            try:
                show_preview(preview.report, err() if json else out())
                if errors is not None:
                    _copy(await imports.error_file(preview.id), errors)
                if dry_run or not preview.report["valid"]:
                    return preview
                if not yes:
                    ask("Import them?")
                with progress("Importing") as on_progress:
                    done = await imports.confirm(
                        preview.id, replace=replace, on_progress=on_progress
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
        note(f"To take them back: callcamp contacts undo {done.id}")
        if save_preset is not None:
            note(f"The mapping is saved: --preset {shlex.quote(save_preset)}")
    elif not dry_run:
        say("There is nothing to import.")
    if not dry_run and done.status != "confirmed":
        raise typer.Exit(1)


def _copy(source: Path, target: Path) -> None:
    """Copy a file to where the caller wants it.

    Raises:
        InvalidInput: it cannot be written there.
    """
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        raise InvalidInput(
            f"{target} cannot be written: {error.strerror}.", field="errors", value=str(target)
        ) from None


async def _saved(store: Store, name: str) -> Mapping:
    """Return the mapping of a preset.

    Raises:
        NotFound: there is none of that name.
    """
    from callcamp.contacts.mapping import Mapping

    presets = await store.mapping_presets()
    for preset in presets:
        if preset.name == name:
            return Mapping.from_dict(preset.mapping)
    known = ", ".join(repr(preset.name) for preset in presets) or "none"
    raise NotFound(
        f"There is no mapping preset {name!r}; there are: {known}.", kind="mapping_preset", key=name
    )


def _used(report: dict[str, Any]) -> dict[str, Any]:
    """Return the mapping that a preview used; one that was found is written out in full."""
    if not report["mapping_proposed"]:
        return dict(report["mapping"])
    return {
        "phone": report["mapping"]["phone"],
        "variables": report["variables"],
        "rest": False,
    }


def parse_mapping(pairs: list[str], *, rest: bool = False) -> Mapping | None:
    """Read ``VARIABLE=COLUMN`` pairs; None when there are none.

    Raises:
        InvalidInput: one is something else, a variable is given twice, or none is ``phone``.
    """
    from callcamp.contacts.mapping import Mapping

    columns: dict[str, str] = {}
    for pair in pairs:
        variable, equals, column = pair.partition("=")
        variable, column = variable.strip(), column.strip()
        # Bytes of the command line that are no text come as halves of characters.
        is_text = not any("\ud800" <= c <= "\udfff" for c in pair)
        if not equals or not variable or not column or variable in columns or not is_text:
            raise InvalidInput(
                f"--map {pair!r} cannot be used; give each variable once, as VARIABLE=COLUMN.",
                field="map",
                value=pair,
            )
        columns[variable] = column
    if not columns:
        return None
    if "phone" not in columns:
        raise InvalidInput(
            "Say which column holds the phone numbers: --map phone=COLUMN.", field="map"
        )
    return Mapping(columns.pop("phone"), columns, rest)


@contextmanager
def progress(what: str) -> Iterator[Callable[[float, int], None]]:
    """Show a progress bar on stderr; yields what moves it."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}% {task.fields[rows]}"),
        console=err(),
        transient=True,
        disable=not err().is_terminal,
    ) as bar:
        task = bar.add_task(what, total=1.0, rows="")
        yield lambda done, rows: bar.update(
            task, completed=done, rows=f"{rows:,} rows" if rows else ""
        )


def show_preview(report: dict[str, Any], console: Console) -> None:
    """Print what an import would do, and row by row what it cannot use."""

    def line(words: str, style: str = "") -> None:
        console.print(text(words, style), soft_wrap=True)

    mapping = ", ".join(f"{name} = {column}" for name, column in report["variables"].items())
    line(f"Phone numbers: column {report['mapping']['phone']} (country {report['region']})")
    line(f"Variables: {mapping or 'none'}")
    if report["unmapped"]:
        line(f"Columns not used: {', '.join(report['unmapped'])}")
    for remark in report["notes"]:
        line(f"Note: {remark['text'] if isinstance(remark, dict) else remark}")
    for example in report["examples"][:_EXAMPLES]:
        values = ", ".join(f"{k}={v}" for k, v in example["variables"].items())
        line(f"  row {example['row']}: {example['phone']}  {values}", "dim")
    line(
        f"{report['rows']:,} rows: {report['valid']:,} can be called, {report['invalid']:,} "
        f"cannot, {report['duplicates_in_file']:,} repeat a number of the file; "
        f"{report['duplicates_in_campaign']:,} are in the campaign already."
    )
    problems = report["problems"]
    for problem in problems[:_PROBLEMS]:
        line(f"  row {problem['row']}: {problem['text']} ({problem['value']})", "yellow")
    hidden = report["invalid"] + report["duplicates_in_file"] - len(problems[:_PROBLEMS])
    if hidden > 0:
        line(f"  and {hidden:,} more; --errors FILE writes them all", "yellow")


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
