"""People from files into the contact directory, through child processes."""

from __future__ import annotations

import csv
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from contacts_kit import SEED_E, SEED_E_PHONES
from lists_kit import (  # noqa: F401 - fixtures
    ANN,
    BOB,
    CID,
    NOW,
    Office,
    empty_database,
    office,
)

from callcamp.contacts.mapping import Mapping
from callcamp.contacts.table import ReadOptions
from callcamp.engine import children
from callcamp.engine.children import ChildFailed
from callcamp.engine.directory_imports import DirectoryImports, PeopleImported
from callcamp.errors import InvalidInput, NotFound
from callcamp.ports import acting_as

FILE = "tel,work,city\n0612345678,0140000001,Paris\n0612345679,x,Oslo\nabc,,Bern\n"


def imports_of(office: Office) -> DirectoryImports:  # noqa: F811
    return DirectoryImports(office.settings, lambda: NOW)


def left(office: Office) -> list[Path]:  # noqa: F811
    parent = office.settings.data_dir / "imports"
    return sorted(parent.rglob("*")) if parent.exists() else []


async def test_from_file_to_directory(office: Office) -> None:  # noqa: F811
    await office.lists.add_person(BOB, variables={"age": "40"})
    imports = imports_of(office)
    told: list[float] = []
    mapping = Mapping("tel", {"city": "city"}, others=("work",))
    preview = await imports.preview(
        office.file(FILE),
        "people.csv",
        mapping,
        region="fr",
        on_progress=lambda done, _rows: told.append(done),
    )
    assert {p.phone for p in await office.lists.people()} == {BOB}
    report = preview.report
    assert (report["valid"], report["invalid"], report["in_directory"]) == (2, 1, 1)
    assert told[-1] == 1.0
    assert await imports.previewed(preview.token) == preview
    with imports.error_file(preview.token).open(encoding="utf-8-sig", newline="") as file:
        assert [row["tel"] for row in csv.DictReader(file)] == ["abc"]
    with acting_as("cli:ann"):
        assert await imports.confirm(preview.token) == PeopleImported(1, 1)
    people = {p.phone: p for p in await office.lists.people()}
    assert people[ANN].others == ("+33140000001",)
    assert people[BOB].variables == {"age": "40", "city": "Oslo"}
    (entry, *_rest) = await office.store.audit(kind="person")
    assert entry.actor == "cli:ann"
    with pytest.raises(NotFound):
        await imports.confirm(preview.token)


async def test_a_workbook_and_the_sample_of_the_seed(office: Office) -> None:  # noqa: F811
    from openpyxl import Workbook

    book = Workbook()
    for row in (("phone", "name"), ("+442079460018", "=1+1")):
        book.active.append(row)
    book.active["B2"].data_type = "s"
    book.save(office.folder / "people.xlsx")
    imports = imports_of(office)
    preview = await imports.preview(office.folder / "people.xlsx", "people.xlsx")
    assert await imports.confirm(preview.token) == PeopleImported(1, 0)
    preview = await imports.preview(office.file(SEED_E), "seed.csv", region="FR")
    assert await imports.confirm(preview.token) == PeopleImported(2, 0)
    people = await office.lists.people()
    assert [p.phone for p in people] == [CID, *SEED_E_PHONES]
    assert people[0].variables == {"name": "=1+1"}


async def test_a_preview_is_made_again_as_it_was_read(office: Office) -> None:  # noqa: F811
    imports = imports_of(office)
    one = await imports.preview(
        office.file("0612345678;0612345679;x\n"),
        "people.csv",
        region="FR",
        options=ReadOptions(delimiter=";"),
    )
    two = await imports.remap(one.token, Mapping("column 2", {"who": "column 3"}))
    assert (two.report["region"], two.report["options"]["delimiter"]) == ("FR", ";")
    assert two.report["examples"][0]["phone"] == BOB
    for gone in (imports.previewed(one.token), imports.confirm(one.token)):
        with pytest.raises(NotFound):
            await gone
    await imports.discard(two.token)
    assert [path for path in left(office) if path.is_file()] == []


@pytest.mark.parametrize("token", ["", "..", "../../etc", "x" * 32, "0" * 32, "0" * 32 + "\n"])
async def test_there_is_no_such_preview(office: Office, token: str) -> None:  # noqa: F811
    imports = imports_of(office)
    for call in (imports.previewed(token), imports.confirm(token)):
        with pytest.raises(NotFound):
            await call


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("tel\n0612345678\n", {"region": "Utopia"}),
        ("tel\n0612345678\n", {"mapping": Mapping("nope")}),
        ("", {}),
        ("a,b\nx,y\n", {}),
    ],
)
async def test_a_refused_file_leaves_nothing(
    office: Office,  # noqa: F811
    text: str,
    more: dict[str, Any],
) -> None:
    with pytest.raises(InvalidInput):
        await imports_of(office).preview(office.file(text), "people.csv", **more)
    assert [path for path in left(office) if path.is_file()] == []


async def test_a_file_with_nobody_to_call_cannot_be_confirmed(office: Office) -> None:  # noqa: F811
    imports = imports_of(office)
    # Without a country there is no telling what 06… is.
    preview = await imports.preview(office.file("tel\n0612345678\n"), "people.csv")
    assert preview.report["reasons"] == {"no_country": 1}
    with pytest.raises(InvalidInput):
        await imports.confirm(preview.token)


async def test_a_confirm_that_dies_adds_nobody_and_can_be_made_again(
    office: Office,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    imports = imports_of(office)
    preview = await imports.preview(office.file(FILE), "people.csv", region="FR")
    real = children.asyncio.create_subprocess_exec

    async def killed(*arguments: Any, **more: Any) -> Any:
        process = await real(*arguments, **more)
        os.kill(process.pid, signal.SIGKILL)
        return process

    with monkeypatch.context() as patch:
        patch.setattr(children.asyncio, "create_subprocess_exec", killed)
        with pytest.raises(ChildFailed):
            await imports.confirm(preview.token)
    assert await office.lists.people() == []
    assert (await imports.confirm(preview.token)).added == 2
