"""Numbers that must not be called, one by one and from files; imported registers."""

from __future__ import annotations

from pathlib import Path

import pytest
from lists_kit import (  # noqa: F401 - fixtures
    ANN,
    BOB,
    BROKEN,
    CID,
    DAY,
    HOSTILE_LINES,
    NOW,
    Office,
    empty_database,
    office,
)

from callcamp.core.reasons import Reason
from callcamp.engine.phones import NumberFile
from callcamp.errors import InvalidInput, LimitExceeded, NotFound


async def test_a_suppressed_number_is_on_the_list_and_its_contact_skipped(office: Office) -> None:  # noqa: F811
    done = await office.lists.suppress(
        ["06 12 34 56 78", ANN], region="fr", reason="asked", source="cli", expires_at=NOW + DAY
    )
    assert (done.added, done.contacts_skipped) == (1, 1)
    (entry,) = await office.lists.suppressions()
    assert (entry.phone, entry.reason, entry.source) == (ANN, "asked", "cli")
    assert (entry.campaign_id, entry.expires_at) == (None, NOW + DAY)
    assert await office.status(ANN) == ("skipped", Reason.DO_NOT_CALL)
    assert await office.status(BOB) == ("pending", None)
    assert office.suppressed == [(None, [ANN])]
    assert office.changed == [None]


async def test_an_exclusion_holds_in_its_campaign_only(office: Office) -> None:  # noqa: F811
    other = await office.campaign(ANN)
    await office.lists.suppress([ANN], source="cli", campaign_id=other)
    assert await office.status(ANN) == ("pending", None)
    (entry,) = await office.lists.suppressions(campaign_id=other)
    assert entry.campaign_id == other
    assert await office.lists.suppressions(campaign_id=office.campaign_id) == []
    assert office.suppressed == [(other, [ANN])]
    assert office.changed == [other]


async def test_one_bad_number_suppresses_none(office: Office) -> None:  # noqa: F811
    with pytest.raises(InvalidInput, match="hello"):
        await office.lists.suppress([ANN, "hello"], source="cli")
    assert await office.lists.suppressions() == []
    assert office.changed == office.suppressed == []


async def test_a_number_of_an_unknown_range_can_be_suppressed_and_found(office: Office) -> None:  # noqa: F811
    await office.lists.suppress(["+999 123 456 78", "+12025550"], source="cli")
    await office.lists.suppress(["069 000 00 00"], region="FR", source="cli")
    phones = {entry.phone for entry in await office.lists.suppressions()}
    assert phones == {"+12025550", "+99912345678", "+33690000000"}
    (found,) = await office.lists.suppressions(phone="0690000000", region="FR")
    assert found.phone == "+33690000000"


@pytest.mark.parametrize("text", ["", " ", "+", "+1", "abc", "+1234567890123456", "1" * 300, "\0"])
async def test_what_can_be_no_number_is_refused(office: Office, text: str) -> None:  # noqa: F811
    with pytest.raises(InvalidInput) as caught:
        await office.lists.suppress([text], source="cli")
    assert caught.value.details["field"] == "phone"
    caught.value.message.encode("ascii")


@pytest.mark.parametrize("text", BROKEN[1:])
async def test_a_reason_is_one_line(office: Office, text: str) -> None:  # noqa: F811
    with pytest.raises(InvalidInput):
        await office.lists.suppress([ANN], reason=text, source="cli")
    with pytest.raises(InvalidInput):
        await office.lists.suppress([ANN], source=text)
    assert await office.lists.suppressions() == []


@pytest.mark.parametrize("text", HOSTILE_LINES)
async def test_hostile_reasons_are_kept_as_they_are(office: Office, text: str) -> None:  # noqa: F811
    await office.lists.suppress([ANN], reason=text, source="cli")
    assert (await office.lists.suppressions(phone=ANN))[0].reason == text


async def test_an_entry_that_is_over_already_is_refused(office: Office) -> None:  # noqa: F811
    for end in (NOW, NOW - DAY, (NOW + DAY).replace(tzinfo=None)):
        with pytest.raises(InvalidInput, match="expires_at"):
            await office.lists.suppress([ANN], source="cli", expires_at=end)


async def test_unknown_campaigns_and_countries_are_refused(office: Office) -> None:  # noqa: F811
    with pytest.raises(NotFound):
        await office.lists.suppress([ANN], source="cli", campaign_id=99)
    with pytest.raises(InvalidInput, match="country"):
        await office.lists.suppress([ANN], region="Utopia", source="cli")
    with pytest.raises(InvalidInput):
        await office.lists.suppress([], source="cli")


async def test_a_number_comes_off_the_list_it_is_on(office: Office) -> None:  # noqa: F811
    await office.lists.suppress([ANN], source="cli")
    with pytest.raises(NotFound):
        await office.lists.unsuppress(ANN, campaign_id=office.campaign_id)
    assert await office.lists.unsuppress("0612345678", region="FR") == ANN
    assert await office.lists.suppressions() == []
    with pytest.raises(NotFound):
        await office.lists.unsuppress(ANN)
    assert (await office.status(ANN))[0] == "skipped"


async def test_the_list_is_paged(office: Office) -> None:  # noqa: F811
    await office.lists.suppress([ANN, BOB, CID], source="cli")
    first = await office.lists.suppressions(limit=2)
    rest = await office.lists.suppressions(after_id=first[-1].id)
    assert {entry.phone for entry in (*first, *rest)} == {ANN, BOB, CID}
    assert (len(first), len(rest)) == (2, 1)
    assert [e.phone for e in await office.lists.suppressions(phone=BOB)] == [BOB]


async def test_a_file_of_numbers_counts_and_tells_what_it_cannot_use(office: Office) -> None:  # noqa: F811
    path = office.file("tel;why\n0612345678;a\n\nhello;b\n+442079460018;c\n06 12 34 56 78;d\n")
    done = await office.lists.suppress_file(path, region="FR", source="cli")
    assert (done.added, done.contacts_skipped, done.rows, done.refused) == (2, 2, 4, 1)
    (problem,) = done.problems
    assert (problem.row, problem.value, problem.why) == (4, "hello", "not a phone number")
    assert office.suppressed == [(None, [ANN, CID])]
    assert await office.status(CID) == ("skipped", Reason.DO_NOT_CALL)


@pytest.mark.parametrize(
    "text",
    [
        "0612345678\n+442079460018",
        "\ufeff0612345678\r\n+442079460018\r\n",
        "number\n0612345678\n+442079460018\n",
        'id,phone,note\n1,0612345678,"a, b"\n2,+442079460018,\n',
        "6123456781;x;0612345678\n442079460;y;+442079460018\n",
    ],
)
def test_a_file_may_look_like_this(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text, encoding="utf-8")
    column = "column 3" if ";" in text else None
    file = NumberFile(path, "x.csv", region="FR", column=column, most=100)
    assert list(file.numbers()) == [ANN, CID]
    assert (file.rows, file.refused) == (2, 0)


def test_a_register_of_area_code_and_number_is_read(tmp_path: Path) -> None:
    path = tmp_path / "register.txt"
    path.write_text("202,4561111\n202,4561112\n212,5551234\n")
    file = NumberFile(path, "register.txt", region="US", most=100)
    assert list(file.numbers()) == ["+12024561111", "+12024561112", "+12125551234"]


def test_a_table_with_an_id_is_no_number_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("1,2024561111\n2,2024561112\n")
    file = NumberFile(path, "table.csv", region="US", most=100)
    assert list(file.numbers()) == ["+12024561111", "+12024561112"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b"", "x.csv"),
        (b"\n\n", "x.csv"),
        (b"phone\n", "x.csv"),
        (b"phone\nabc\n", "x.csv"),
        (b"%PDF-1.7 0612345678", "x.csv"),
        (b"0612345678", "x.pdf"),
        (b"name,city\nAnn,Rome\n", "x.csv"),
    ],
)
async def test_a_file_without_a_usable_number_changes_nothing(
    office: Office,  # noqa: F811
    text: bytes,
    name: str,
) -> None:
    path = office.file(text, name)
    with pytest.raises(InvalidInput):
        await office.lists.suppress_file(path, region="FR", source="cli")
    with pytest.raises(InvalidInput):
        await office.lists.import_dnc_list("x", path, region="FR", as_of=NOW)
    assert await office.lists.suppressions() == []
    assert await office.lists.dnc_lists() == []


async def test_a_workbook_is_no_file_of_numbers(office: Office) -> None:  # noqa: F811
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["0612345678"])
    book.save(office.folder / "x.xlsx")
    with pytest.raises(InvalidInput, match="CSV"):
        await office.lists.suppress_file(office.folder / "x.xlsx", region="FR", source="cli")


def test_a_file_may_be_too_long(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("+33612345678\n" * 11)
    assert len(list(NumberFile(path, "x", region=None, most=11).numbers())) == 11
    with pytest.raises(LimitExceeded):
        list(NumberFile(path, "x", region=None, most=10).numbers())


async def test_a_column_that_is_not_there_is_told_with_those_there_are(office: Office) -> None:  # noqa: F811
    path = office.file("a,b\n+33612345678,1\n")
    with pytest.raises(InvalidInput, match="'a', 'b'"):
        await office.lists.suppress_file(path, column="c", source="cli")


async def test_a_register_is_imported_and_a_fresh_copy_takes_its_place(office: Office) -> None:  # noqa: F811
    path = office.file("+33612345678\n+33612345679\n+33612345679\n")
    done = await office.lists.import_dnc_list("FR", path, as_of=NOW - DAY)
    assert (done.list.numbers, done.rows, done.refused) == (2, 3, 0)
    assert (done.list.as_of, done.list.imported_at) == (NOW - DAY, NOW)
    await office.lists.import_dnc_list("FR", office.file(CID), as_of=NOW)
    assert [(one.name, one.numbers) for one in await office.lists.dnc_lists()] == [("FR", 1)]
    assert office.changed == [None, None]
    await office.lists.delete_dnc_list("FR")
    assert await office.lists.dnc_lists() == []
    with pytest.raises(NotFound):
        await office.lists.delete_dnc_list("FR")


async def test_a_copy_that_mostly_cannot_be_read_does_not_take_the_place_of_a_good_one(
    office: Office,  # noqa: F811
) -> None:
    await office.lists.import_dnc_list("FR", office.file(f"{ANN}\n{BOB}\n"), as_of=NOW)
    with pytest.raises(InvalidInput, match="2 of 3"):
        await office.lists.import_dnc_list("FR", office.file(f"{CID}\nx\ny\n"), as_of=NOW)
    assert [one.numbers for one in await office.lists.dnc_lists()] == [2]
    done = await office.lists.import_dnc_list("FR", office.file(f"{CID}\nx\n"), as_of=NOW)
    assert (done.list.numbers, done.refused) == (1, 1)


async def test_a_copy_of_the_future_is_refused(office: Office) -> None:  # noqa: F811
    for date in (NOW + DAY, NOW.replace(tzinfo=None)):
        with pytest.raises(InvalidInput, match="as_of"):
            await office.lists.import_dnc_list("FR", office.file(ANN), as_of=date)


@pytest.mark.parametrize("name", BROKEN)
async def test_a_register_has_a_name_of_one_line(office: Office, name: str) -> None:  # noqa: F811
    with pytest.raises(InvalidInput):
        await office.lists.import_dnc_list(name, office.file(ANN), as_of=NOW)
    with pytest.raises((InvalidInput, NotFound)):
        await office.lists.delete_dnc_list(name)


async def test_changes_are_audited(office: Office) -> None:  # noqa: F811
    await office.lists.suppress([ANN], source="cli")
    await office.lists.unsuppress(ANN)
    await office.lists.import_dnc_list("FR", office.file(ANN), as_of=NOW)
    assert await office.actions() == [
        "suppression.added",
        "suppression.removed",
        "dnc_list.imported",
    ]
