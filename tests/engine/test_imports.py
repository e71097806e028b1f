"""Imports through child processes into a real database."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from contacts_kit import SEED_E, SEED_E_PEOPLE, SEED_E_PHONES, xlsx_with_cells
from database_kit import make_database

from callcamp.contacts.mapping import Mapping
from callcamp.contacts.staging import ROWS_FILE
from callcamp.contacts.table import ReadOptions
from callcamp.core.campaign_settings import CampaignMode, CampaignSettings
from callcamp.core.model import NewContact
from callcamp.core.reasons import Reason
from callcamp.core.states import CampaignEvent, ContactStatus
from callcamp.engine import children
from callcamp.engine import imports as module
from callcamp.engine.children import ChildFailed, ChildTimeout
from callcamp.engine.imports import LOCKED, Imports
from callcamp.errors import Conflict, InvalidInput, LimitExceeded, NotFound
from callcamp.ports import OnDuplicate
from callcamp.settings import Settings
from callcamp.store import SqlStore

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class Place:
    """A database with one draft campaign, and imports into it."""

    def __init__(self, folder: Path, store: SqlStore, settings: Settings) -> None:
        self.folder = folder
        self.store = store
        self.settings = settings
        self.imports = Imports(store, settings, lambda: NOW)
        self.campaign_id = 0

    def file(self, text: str, name: str = "people.csv") -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    async def preview(self, text: str, **more: Any) -> Any:
        return await self.imports.preview(self.campaign_id, self.file(text), "people.csv", **more)

    async def phones(self) -> list[str]:
        return [c.phone for c in await self.store.contacts(self.campaign_id, limit=1000)]

    def dump(self) -> list[str]:
        """Return all that is in the database."""
        path = self.settings.database_url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path)) as db:
            return list(db.iterdump())

    def left(self) -> list[Path]:
        """Return the folders of imports."""
        parent = self.settings.data_dir / "imports"
        return sorted(parent.iterdir()) if parent.exists() else []


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    url = f"sqlite:///{tmp_path}/callcamp.sqlite3"
    make_database(url)
    settings = Settings(database_url=url, data_dir=tmp_path / "data")
    store = SqlStore(url)
    await store.open()
    try:
        one = Place(tmp_path, store, settings)
        trunk = await store.save_trunk("t", dial_string="PJSIP/{number}@t", cps=1)
        wanted = CampaignSettings(name="c", trunk_id=trunk.id, default_region="FR")
        one.campaign_id = (await store.create_campaign(wanted, now=NOW)).id
        yield one
    finally:
        await store.close()


async def test_from_file_to_contacts_and_back(place: Place) -> None:
    told: list[tuple[float, int]] = []
    preview = await place.preview(SEED_E, on_progress=lambda *step: told.append(step))
    assert preview.status == "previewed"
    assert preview.report["valid"] == 2
    assert preview.report["duplicates_in_campaign"] == 0
    assert told[-1] == (1.0, 2)
    assert await place.phones() == [], "nothing is imported before the confirm"

    done = await place.imports.confirm(preview.id)
    assert (done.status, done.added, done.confirmed_at) == ("confirmed", 2, NOW)
    contacts = await place.store.contacts(place.campaign_id)
    assert [c.phone for c in contacts] == SEED_E_PHONES
    assert [c.variables for c in contacts] == SEED_E_PEOPLE
    assert [p.name for p in place.left()[0].iterdir()] == ["errors.csv"]

    assert await place.imports.undo(preview.id) == 2
    assert await place.phones() == []
    with pytest.raises(Conflict):
        await place.imports.undo(preview.id)


async def test_duplicates_against_the_campaign_are_counted_and_left_out(place: Place) -> None:
    one = await place.preview("phone\n0612345678\n0612345679\n")
    await place.imports.confirm(one.id)
    two = await place.preview("phone\n0612345679\n0612345670\n0612345670\n")
    assert two.report["valid"] == 2
    assert two.report["duplicates_in_campaign"] == 1
    assert two.report["duplicates_in_file"] == 1
    assert (await place.imports.confirm(two.id)).added == 1
    assert await place.imports.undo(two.id) == 1
    assert await place.phones() == ["+33612345678", "+33612345679"]


@pytest.mark.parametrize(
    ("on_duplicate", "done", "data"),
    [
        (OnDuplicate.SKIP, (0, 0), {"city": "Paris"}),
        (OnDuplicate.UPDATE, (1, 0), {"city": "Lyon"}),
        (OnDuplicate.CALL_AGAIN, (0, 1), {"city": "Lyon"}),
    ],
)
async def test_what_becomes_of_duplicates_can_be_chosen(
    place: Place, on_duplicate: OnDuplicate, done: tuple[int, int], data: dict[str, str]
) -> None:
    one = await place.preview("phone,city\n0612345678,Paris\n")
    await place.imports.confirm(one.id)
    (contact,) = await place.store.contacts(place.campaign_id)
    await place.store.skip_contact(contact.id, Reason.FAILED, now=NOW)
    two = await place.preview(
        "phone,city,home\n0612345678,Lyon,0140000001\n0612345679,Nice,\n",
        mapping=Mapping("phone", {"city": "city"}, others=("home",)),
    )
    told = await place.imports.confirm(two.id, on_duplicate=on_duplicate)
    updated, reopened = done
    assert told.added == 1
    assert told.report["done"] == {
        "duplicates": 1 - updated - reopened,
        "updated": updated,
        "reopened": reopened,
        "suppressed": 0,
    }
    (contact,) = await place.store.contacts(place.campaign_id, phone="+33612345678")
    assert contact.variables == data
    assert contact.others == (("+33140000001",) if data["city"] == "Lyon" else ())
    assert (contact.status is ContactStatus.PENDING) == bool(reopened)
    assert await place.store.recount(place.campaign_id) == {}
    assert await place.imports.undo(two.id) == 1
    assert await place.phones() == ["+33612345678"]


async def test_a_draft_may_be_replaced(place: Place) -> None:
    await place.imports.confirm((await place.preview("phone\n0612345678\n")).id)
    two = await place.preview("phone\n0612345678\n0612345679\n")
    assert (await place.imports.confirm(two.id, replace=True)).added == 2
    assert await place.phones() == ["+33612345678", "+33612345679"]


async def test_a_campaign_that_has_run_is_locked(place: Place) -> None:
    preview = await place.preview("phone\n0612345679\n")
    await place.store.move_campaign(place.campaign_id, CampaignEvent.STARTED, now=NOW)
    await place.store.move_campaign(place.campaign_id, CampaignEvent.PAUSED, now=NOW)
    with pytest.raises(Conflict, match="Use Clone"):
        await place.imports.confirm(preview.id)
    assert await place.phones() == []


async def test_an_always_on_campaign_takes_more_while_it_runs(place: Place) -> None:
    campaign = await place.store.campaign(place.campaign_id)
    await place.store.change_settings(
        place.campaign_id,
        replace(campaign.settings, mode=CampaignMode.ALWAYS_ON),
        expected_version=campaign.version,
        now=NOW,
    )
    await place.store.add_contacts(place.campaign_id, [NewContact("+33612345678")], now=NOW)
    await place.store.move_campaign(place.campaign_id, CampaignEvent.STARTED, now=NOW)
    preview = await place.preview("phone\n0612345679\n")
    with pytest.raises(Conflict) as caught:
        await place.imports.confirm(preview.id, replace=True)
    assert caught.value.message == LOCKED
    assert (await place.imports.confirm(preview.id)).added == 1
    assert await place.phones() == ["+33612345678", "+33612345679"]


async def test_a_campaign_that_is_over_is_locked(place: Place) -> None:
    preview = await place.preview("phone\n0612345679\n")
    await place.store.move_campaign(place.campaign_id, CampaignEvent.STARTED, now=NOW)
    await place.store.move_campaign(place.campaign_id, CampaignEvent.STOPPED, now=NOW)
    before = place.dump()
    for refused in (place.imports.confirm(preview.id), place.preview("phone\n0612345678\n")):
        with pytest.raises(Conflict, match="Use Clone"):
            await refused
    assert place.dump() == before


async def test_a_preview_is_confirmed_once(place: Place) -> None:
    preview = await place.preview("phone\n0612345679\n")
    results = await asyncio.gather(
        *(place.imports.confirm(preview.id) for _ in range(3)), return_exceptions=True
    )
    assert sum(not isinstance(r, BaseException) for r in results) >= 1
    assert len(await place.phones()) == 1
    with pytest.raises(Conflict):
        await place.imports.confirm(preview.id)


async def test_a_preview_is_confirmed_by_another_process_later(place: Place) -> None:
    preview = await place.preview("phone\n0612345679\n")
    other = Imports(place.store, place.settings, lambda: NOW)
    assert (await other.confirm(preview.id)).added == 1


async def test_a_preview_can_be_made_again_with_another_mapping(place: Place) -> None:
    one = await place.preview("tel;name;home\n0612345678;Zoë;0112345678\n")
    (place.folder / "people.csv").unlink()
    two = await place.imports.remap(
        one.id, Mapping("home", {"who": "name"}), options=ReadOptions(delimiter=";")
    )
    assert two.report["examples"] == [
        {"row": 2, "phone": "+33112345678", "variables": {"who": "Zoë"}}
    ]
    with pytest.raises(NotFound, match="upload the file again"):
        await place.imports.confirm(one.id)
    await place.imports.confirm(two.id)
    with pytest.raises(Conflict):
        await place.imports.remap(two.id, None)
    assert await place.phones() == ["+33112345678"]


async def test_options_last_until_others_are_given(place: Place) -> None:
    path = place.folder / "people.csv"
    path.write_bytes("tel;name\n0612345678;Zoë\n".encode("cp437"))
    one = await place.imports.preview(
        place.campaign_id, path, path.name, options=ReadOptions(encoding="cp437")
    )
    two = await place.imports.remap(one.id, Mapping("tel", {"who": "name"}))
    assert two.report["examples"][0]["variables"] == {"who": "Zoë"}
    three = await place.imports.remap(two.id, None, options=ReadOptions(encoding="cp1252"))
    assert three.report["examples"][0]["variables"] == {"name": "Zo‰"}


async def test_rows_left_out_can_be_had_as_a_file(place: Place) -> None:
    preview = await place.preview("phone,name\n0612345678,A\n12,=B\n")
    text = (await place.imports.error_file(preview.id)).read_text(encoding="utf-8-sig")
    assert text.splitlines() == [
        "row,reason,explanation,in column,phone,name",
        "3,too_short,too short for a phone number,phone,12,'=B",
    ]


async def test_old_files_are_removed(place: Place) -> None:
    old = await place.preview("phone\n0612345678\n")
    for folder in place.left():
        os.utime(folder, (0, 0))
    new = await place.preview("phone\n0612345679\n")
    assert await place.imports.purge_older_than(timedelta(hours=1)) == 1
    with pytest.raises(NotFound):
        await place.imports.confirm(old.id)
    with pytest.raises(NotFound):
        await place.imports.error_file(old.id)
    await place.imports.discard(new.id)
    assert place.left() == []
    with pytest.raises(NotFound):
        await place.imports.discard(new.id)


async def test_nothing_to_purge_is_fine(place: Place) -> None:
    assert await place.imports.purge_older_than(timedelta(0)) == 0


@pytest.mark.parametrize(
    ("text", "more", "error"),
    [
        ("", {}, InvalidInput),
        ("name\nAnn\n", {}, InvalidInput),
        ("phone\n", {}, InvalidInput),
        ("%PDF-1.4", {}, InvalidInput),
        ("phone\n0612345678\n", {"mapping": Mapping("nope")}, InvalidInput),
        ("phone\nZoë\n", {"options": ReadOptions(encoding="ascii")}, InvalidInput),
        ("phone\n" + "0612345678\n" * 11, {}, LimitExceeded),
        ("phone\n0612345678\n" + "x" * 1_100_000, {}, LimitExceeded),
    ],
)
async def test_a_refusal_leaves_everything_as_it_was(
    place: Place, text: str, more: dict[str, Any], error: type[Exception]
) -> None:
    tight = place.settings.model_copy(update={"import_max_rows": 10, "import_max_mib": 1})
    place.imports = Imports(place.store, tight, lambda: NOW)
    before = place.dump()
    with pytest.raises(error):
        await place.preview(text, **more)
    assert place.dump() == before
    assert place.left() == []


async def test_a_missing_file_is_refused(place: Place) -> None:
    with pytest.raises(Exception, match="cannot be read"):
        await place.imports.preview(place.campaign_id, place.folder / "gone.csv", "gone.csv")
    assert place.left() == []


async def test_a_small_workbook_that_would_take_gigabytes(place: Place) -> None:
    path = place.folder / "bomb.xlsx"
    xlsx_with_cells(path, {"A1": "phone", "A2": "0612345678", "XFD1048576": "x"})
    assert path.stat().st_size < 5000
    before = place.dump()
    with pytest.raises(LimitExceeded, match="600 MiB of memory") as caught:
        await place.imports.preview(place.campaign_id, path, "bomb.xlsx")
    assert caught.value.details["limit"] == "import_memory_mib"
    assert place.dump() == before
    assert place.left() == []


async def test_a_workbook_with_cells_just_too_far_away(place: Place) -> None:
    path = place.folder / "bomb.xlsx"
    xlsx_with_cells(path, {"A1": "phone", "A2": "0612345678", "HZ1000000": "x"})
    with pytest.raises(LimitExceeded, match="600 MiB of memory"):
        await place.imports.preview(place.campaign_id, path, "bomb.xlsx")


def _child_of_ours() -> int | None:
    """Return the id of an import's child process of this process, if there is one.

    Other tests of the same worker may have left other children, such as the resource
    tracker of multiprocessing.
    """
    for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if b"callcamp.contacts.child" in command or b"imports_child.py" in command:
            return int(pid)
    return None


async def _kill_a_child(how: int) -> None:
    while (pid := _child_of_ours()) is None:  # noqa: ASYNC110 - /proc tells nobody
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.05)
    os.kill(pid, how)


BIG = "phone,name\n" + "".join(f"06{i:08},n{i}\n" for i in range(12_000_000, 12_150_000))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
async def test_a_reader_that_dies_leaves_nothing(place: Place, how: int) -> None:
    before = place.dump()
    with pytest.raises(ChildFailed, match="Nothing was imported") as caught:
        await asyncio.gather(place.preview(BIG), _kill_a_child(how))
    assert caught.value.details["status"] == -how
    assert place.dump() == before
    assert place.left() == []


@pytest.mark.parametrize("after", [0.0, 0.4])
async def test_a_confirm_that_is_killed_adds_nothing_and_can_be_done_again(
    place: Place, after: float
) -> None:
    preview = await place.preview(BIG)
    killed = asyncio.Event()

    def kill(fraction: float, rows: int) -> None:
        if fraction >= after and not killed.is_set():
            killed.set()
            pid = _child_of_ours()
            assert pid is not None
            os.kill(pid, signal.SIGKILL)

    with pytest.raises(ChildFailed):
        await place.imports.confirm(preview.id, on_progress=kill)
    assert killed.is_set()
    assert (await place.store.contact_import(preview.id)).status == "previewed"
    assert await place.phones() == []
    assert (await place.imports.confirm(preview.id)).added == 150_000
    assert (await place.store.counts(place.campaign_id)).total == 150_000


async def test_a_preview_that_takes_too_long_is_given_up(place: Place) -> None:
    place.imports = Imports(place.store, place.settings, lambda: NOW, timeout_s=0.2)
    with pytest.raises(ChildTimeout):
        await place.preview(BIG)
    assert place.left() == []
    assert _child_of_ours() is None


async def test_a_preview_that_nobody_waits_for_ends(place: Place) -> None:
    task = asyncio.create_task(place.preview(BIG))
    while not place.left():  # noqa: ASYNC110 - a folder tells nobody
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert place.left() == []
    assert _child_of_ours() is None


async def test_a_commit_whose_news_got_lost_is_still_a_success(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    preview = await place.preview("phone\n0612345678\n")

    async def committed_then_died(*args: Any, **more: Any) -> None:
        await children.ask_child(*args, **more)
        raise ChildFailed("gone", status=-9, stderr="")

    monkeypatch.setattr(module, "ask_child", committed_then_died)
    assert (await place.imports.confirm(preview.id)).added == 1


async def test_a_file_in_the_way_of_the_folder_is_told(place: Place) -> None:
    place.settings.data_dir.write_text("")
    with pytest.raises(InvalidInput, match="cannot be made"):
        await place.preview("phone\n0612345678\n")


async def test_rows_go_to_the_staging_file_of_their_import(place: Place) -> None:
    one, two = await asyncio.gather(
        place.imports.preview(
            place.campaign_id, place.file("phone\n0612345678\n", "a.csv"), "a.csv"
        ),
        place.imports.preview(
            place.campaign_id, place.file("phone\n0612345679\n", "b.csv"), "b.csv"
        ),
    )
    assert all((folder / ROWS_FILE).exists() for folder in place.left())
    assert (await place.imports.confirm(two.id)).added == 1
    assert await place.phones() == ["+33612345679"]
    assert one.report["token"] != two.report["token"]
