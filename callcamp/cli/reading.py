"""What commands that import files share: how a file is read, and how a preview is shown."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from callcamp.cli.output import err, text
from callcamp.errors import InvalidInput, NotFound
from callcamp.ports import Store

if TYPE_CHECKING:
    from callcamp.contacts.mapping import Mapping
    from callcamp.contacts.table import ReadOptions

_EXAMPLES, _PROBLEMS = 3, 10

FileArgument = Annotated[
    Path, typer.Argument(help="A .csv, .xls or .xlsx file.", exists=True, dir_okay=False)
]
MapOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="VARIABLE=COLUMN",
        help="Which column is what: --map phone=tel --map name=firstname. Left out: the "
        "phone column is found, and every other column becomes a variable.",
    ),
]
OthersOption = Annotated[
    list[str] | None,
    typer.Option(
        "--other-phone",
        metavar="COLUMN",
        help="With --map: a column with a further number of the same person; in the order in "
        "which they are tried.",
    ),
]
RestOption = Annotated[
    bool, typer.Option("--rest", help="With --map: every other column is a variable too.")
]
EncodingOption = Annotated[
    str | None, typer.Option("--encoding", help="Text encoding, if guessed wrong.")
]
DelimiterOption = Annotated[
    str | None,
    typer.Option("--delimiter", help="Character between cells, or tab, if guessed wrong."),
]
HeaderOption = Annotated[
    bool | None,
    typer.Option("--header/--no-header", help="Whether the first row has names, if guessed wrong."),
]
SheetOption = Annotated[
    str | None, typer.Option("--sheet", help="Sheet of a workbook; else the first.")
]
PresetOption = Annotated[
    str | None,
    typer.Option("--preset", metavar="NAME", help="Use this saved mapping instead of --map."),
]
ErrorsOption = Annotated[
    Path | None,
    typer.Option("--errors", help="Write the rows left out, with reasons, to this CSV file."),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only show the preview.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What becomes of a file's columns, as the command line has it.

    Args:
        mapping: from ``--map``; None: by the look of the file, or of a preset.
        preset: name of a saved mapping.
    """

    mapping: Mapping | None
    preset: str | None

    async def resolved(self, store: Store) -> Mapping | None:
        """Return the mapping, from the store if it is a saved one.

        Raises:
            NotFound: there is no preset of that name.
        """
        return self.mapping if self.preset is None else await _saved(store, self.preset)


def wanted_mapping(
    pairs: list[str] | None, others: list[str] | None, *, rest: bool, preset: str | None
) -> Wanted:
    """Read ``--map``, ``--other-phone``, ``--rest`` and ``--preset``.

    Raises:
        InvalidInput: they cannot be used, or not together.
    """
    if preset is not None and (pairs or rest or others):
        raise InvalidInput(
            "Give either --preset, or --map, --other-phone and --rest.", field="preset"
        )
    return Wanted(parse_mapping(pairs or [], rest=rest, others=others or []), preset)


def read_options(
    encoding: str | None, delimiter: str | None, header: bool | None, sheet: str | None
) -> ReadOptions:
    """Return how a file is to be read.

    Raises:
        InvalidInput: the delimiter is none.
    """
    from callcamp.contacts.table import ReadOptions

    tab = (delimiter or "").lower() == "tab"
    return ReadOptions(encoding, "\t" if tab else delimiter, header, sheet)


def parse_mapping(
    pairs: list[str], *, rest: bool = False, others: list[str] | None = None
) -> Mapping | None:
    """Read ``VARIABLE=COLUMN`` pairs; None when there are none.

    Raises:
        InvalidInput: one is something else, a variable is given twice, or none is ``phone``.
    """
    from callcamp.contacts.mapping import Mapping

    columns: dict[str, str] = {}
    for pair in pairs:
        variable, equals, column = pair.partition("=")
        variable, column = variable.strip(), column.strip()
        if not equals or not variable or not column or variable in columns or not _is_text(pair):
            raise InvalidInput(
                f"--map {pair!r} cannot be used; give each variable once, as VARIABLE=COLUMN.",
                field="map",
                value=pair,
            )
        columns[variable] = column
    further = [name.strip() for name in others or ()]
    if not all(name and _is_text(name) for name in further):
        raise InvalidInput("--other-phone needs the name of a column.", field="other_phone")
    if not columns and not further:
        return None
    if "phone" not in columns:
        raise InvalidInput(
            "Say which column holds the phone numbers: --map phone=COLUMN.", field="map"
        )
    return Mapping(columns.pop("phone"), columns, rest, tuple(further))


def _is_text(given: str) -> bool:
    # Bytes of the command line that are no text come as halves of characters.
    return not any("\ud800" <= c <= "\udfff" for c in given)


async def _saved(store: Store, name: str) -> Mapping:
    from callcamp.contacts.mapping import Mapping

    presets = await store.mapping_presets()
    for preset in presets:
        if preset.name == name:
            return Mapping.from_dict(preset.mapping)
    known = ", ".join(repr(preset.name) for preset in presets) or "none"
    raise NotFound(
        f"There is no mapping preset {name!r}; there are: {known}.", kind="mapping_preset", key=name
    )


def copy_errors(source: Path, target: Path) -> None:
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
    country = f" (country {report['region']})" if report["region"] else ""
    line(f"Phone numbers: column {report['mapping']['phone']}{country}")
    if report["others"]:
        line(f"Further numbers: {', '.join(report['others'])}")
    line(f"Variables: {mapping or 'none'}")
    if report["unmapped"]:
        line(f"Columns not used: {', '.join(report['unmapped'])}")
    for remark in report["notes"]:
        line(f"Note: {remark['text'] if isinstance(remark, dict) else remark}")
    for example in report["examples"][:_EXAMPLES]:
        values = ", ".join(f"{k}={v}" for k, v in example["variables"].items())
        numbers = ", ".join([example["phone"], *example.get("others", ())])
        line(f"  row {example['row']}: {numbers}  {values}", "dim")
    there = (
        f"{report['in_directory']:,} are in the directory already, and are updated."
        if "in_directory" in report
        else f"{report['duplicates_in_campaign']:,} are in the campaign already."
    )
    line(
        f"{report['rows']:,} rows: {report['valid']:,} can be called, {report['invalid']:,} "
        f"cannot, {report['duplicates_in_file']:,} repeat a number of the file; {there}"
    )
    problems = report["problems"]
    for problem in problems[:_PROBLEMS]:
        line(f"  row {problem['row']}: {problem['text']} ({problem['value']})", "yellow")
    hidden = report["invalid"] + report["duplicates_in_file"] - len(problems[:_PROBLEMS])
    if hidden > 0:
        line(f"  and {hidden:,} more; --errors FILE writes them all", "yellow")
