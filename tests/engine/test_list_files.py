"""Files of numbers, read in child processes: the same use-cases, and what the engine is told."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from lists_kit import (  # noqa: F401 - fixtures
    ANN,
    BOB,
    DAY,
    NOW,
    Office,
    empty_database,
    office,
)

from callcamp.core.reasons import Reason
from callcamp.engine import list_files
from callcamp.engine.children import ChildFailed
from callcamp.engine.list_files import ListFiles
from callcamp.errors import InvalidInput, LimitExceeded, NotFound
from callcamp.ports import acting_as

FILE = "tel,name\n0612345678,Ann\n0612345679,Bob\nabc,Cid\n"


def files_of(office: Office, **settings: object) -> ListFiles:  # noqa: F811
    return ListFiles(
        office.settings.model_copy(update=settings),
        lambda: NOW,
        on_change=office.changed.append,
        on_suppressed=lambda campaign_id, phones: office.suppressed.append((campaign_id, phones)),
    )


async def test_numbers_of_a_file_are_suppressed(office: Office) -> None:  # noqa: F811
    with acting_as("token:crm"):
        done = await files_of(office).suppress(
            office.file(FILE), "out.csv", region="FR", reason="asked", source="api",
            expires_at=NOW + DAY,
        )  # fmt: skip
    assert (done.added, done.rows, done.refused) == (2, 3, 1)
    assert [(p.row, p.value) for p in done.problems] == [(4, "abc")]
    found = await office.lists.suppressions()
    assert {(one.phone, one.source, one.expires_at) for one in found} == {
        (ANN, "api", NOW + DAY),
        (BOB, "api", NOW + DAY),
    }
    assert await office.status(ANN) == ("skipped", Reason.DO_NOT_CALL)
    # Any number may be among them, so whoever waits is judged again.
    assert (office.suppressed, office.changed) == ([(None, None)], [None])
    assert (await office.store.audit())[0].actor == "token:crm"


async def test_a_register_is_imported_and_replaced(office: Office) -> None:  # noqa: F811
    files = files_of(office)
    done = await files.import_dnc_list(
        "bloctel", office.file(FILE), "register.csv", as_of=NOW - DAY, region="FR"
    )
    assert (done.list.name, done.list.numbers, done.list.as_of) == ("bloctel", 2, NOW - DAY)
    assert (done.rows, done.refused) == (3, 1)
    with pytest.raises(InvalidInput, match="not imported") as caught:
        await files.import_dnc_list(
            "bloctel", office.file("tel\n0612345678\nx\ny\n"), "r.csv", as_of=NOW, region="FR"
        )
    assert caught.value.details["field"] == "file"
    assert [one.numbers for one in await office.lists.dnc_lists()] == [2]
    assert office.suppressed == [(None, None)] * 2


async def test_the_same_consent_is_recorded_for_a_file(office: Office) -> None:  # noqa: F811
    done = await files_of(office).record_consents(
        office.file(FILE), "fair.csv", region="FR", column="tel", scope="sales", source="fair",
        given_at=NOW - DAY,
    )  # fmt: skip
    assert (done.recorded, done.rows, done.refused, done.revoked) == (2, 3, 1, 0)
    (consent,) = await office.lists.consents(ANN)
    assert (consent.scope, consent.given_at) == ("sales", NOW - DAY)
    assert office.changed == [None]


async def test_what_cannot_be_done_is_told_as_it_is(office: Office) -> None:  # noqa: F811
    files = files_of(office)
    path = office.file(FILE)
    with pytest.raises(NotFound):
        await files.suppress(path, "a.csv", region="FR", source="api", campaign_id=99)
    with pytest.raises(InvalidInput, match="column"):
        await files.suppress(path, "a.csv", region="FR", source="api", column="none")
    with pytest.raises(InvalidInput, match="as_of"):
        await files.import_dnc_list("x", path, "a.csv", as_of=NOW + DAY, region="FR")
    assert await office.lists.suppressions() == []
    assert await office.lists.dnc_lists() == []


async def test_too_much_memory_is_a_refusal(office: Office) -> None:  # noqa: F811
    path = office.file("".join(f"+3361{n:07}\n" for n in range(1_500_000)))
    files = files_of(office, import_memory_mib=128)
    with pytest.raises(LimitExceeded) as caught:
        await files.import_dnc_list("big", path, "big.csv", as_of=NOW)
    assert caught.value.details["limit"] == "import_memory_mib"
    assert await office.lists.dnc_lists() == []


async def test_a_child_that_dies_leaves_the_dialer_told(
    office: Office,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    dead = tmp_path / "dead.py"
    dead.write_text("import os\nos._exit(9)\n")
    monkeypatch.setattr(list_files, "_CHILD", (str(dead),))
    with pytest.raises(ChildFailed):
        await files_of(office).suppress(office.file(FILE), "a.csv", region="FR", source="api")
    assert (office.suppressed, office.changed) == ([(None, None)], [None])


async def test_a_register_of_given_numbers_takes_all_or_none(office: Office) -> None:  # noqa: F811
    lists = office.lists
    made = await lists.replace_dnc_list("own", [ANN, "06 12 34 56 79"], as_of=NOW, region="FR")
    assert (made.name, made.numbers) == ("own", 2)
    with pytest.raises(InvalidInput) as caught:
        await lists.replace_dnc_list("own", [ANN, "hello"], as_of=NOW)
    assert caught.value.details["field"] == "phones[1]"
    with pytest.raises(InvalidInput):
        await lists.replace_dnc_list("own", [], as_of=NOW)
    with pytest.raises(InvalidInput):
        await lists.replace_dnc_list("own", [ANN], as_of=NOW + DAY)
    again = await asyncio.gather(
        *(lists.replace_dnc_list("own", [n], as_of=NOW) for n in (ANN, BOB))
    )
    assert [one.numbers for one in again] == [1, 1]
    assert [one.numbers for one in await lists.dnc_lists()] == [1]
    assert office.suppressed == [(None, None)] * 3
