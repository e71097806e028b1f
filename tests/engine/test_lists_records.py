"""Consents, outbound numbers and custom dispositions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

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

from callcamp.core.campaign_settings import NumberPool
from callcamp.core.gate import Consent
from callcamp.core.outcome import Disposition
from callcamp.core.reasons import Reason
from callcamp.errors import Conflict, InvalidInput, NotFound
from callcamp.ports import CustomOutcome

OURS = "+33140000001"


async def test_a_recorded_consent_has_whoever_waited_for_it_looked_at_again(
    office: Office,  # noqa: F811
) -> None:
    await office.hold(ANN, Reason.NO_CONSENT)
    office.changed.clear()
    consent = await office.lists.record_consent(
        "06 12 34 56 78", region="FR", scope="ads", source="web form", expires_at=NOW + DAY
    )
    assert consent == Consent(ANN, "ads", "web form", NOW, NOW + DAY)
    assert await office.lists.consents(ANN) == [consent]
    assert await office.status(ANN) == ("pending", None)
    assert office.changed == [None]


async def test_a_revoked_consent_stays_on_record_and_holds_no_more(office: Office) -> None:  # noqa: F811
    await office.lists.record_consent(ANN, scope="ads", source="x", given_at=NOW - DAY)
    assert await office.lists.revoke_consent("0612345678", region="FR", scope="ads") == ANN
    (consent,) = await office.lists.consents(ANN)
    assert consent.revoked_at == NOW
    assert not consent.holds(NOW)
    for scope in ("ads", "other"):
        with pytest.raises(NotFound):
            await office.lists.revoke_consent(ANN, scope=scope)
    with pytest.raises(NotFound):
        await office.lists.revoke_consent(BOB, scope="ads")


@pytest.mark.parametrize(
    "changes",
    [
        {"phone": "hello"},
        {"phone": "+33690000000"},
        {"given_at": NOW + DAY},
        {"given_at": NOW.replace(tzinfo=None)},
        {"expires_at": NOW},
        {"given_at": NOW - DAY, "expires_at": NOW - DAY},
        {"expires_at": (NOW + DAY).replace(tzinfo=None)},
        {"region": "Utopia"},
        *({"scope": text} for text in BROKEN),
        *({"source": text} for text in BROKEN),
    ],
)
async def test_unusable_consents_are_refused(office: Office, changes: dict[str, Any]) -> None:  # noqa: F811
    values = {"phone": ANN, "scope": "ads", "source": "x", **changes}
    with pytest.raises(InvalidInput):
        await office.lists.record_consent(values.pop("phone"), **values)
    assert await office.lists.consents(ANN) == []


async def test_a_consent_that_has_ended_can_be_recorded(office: Office) -> None:  # noqa: F811
    await office.lists.record_consent(
        ANN, scope="ads", source="x", given_at=NOW - 3 * DAY, expires_at=NOW - DAY
    )
    (consent,) = await office.lists.consents(ANN)
    assert not consent.holds(NOW)


async def test_consents_of_a_whole_file(office: Office) -> None:  # noqa: F811
    await office.hold(ANN, Reason.NO_CONSENT)
    path = office.file("tel\n0612345678\n0612345678\nabc\n0690000000\n+442079460018\n")
    done = await office.lists.record_consents_file(path, region="FR", scope="ads", source="x")
    assert (done.recorded, done.rows, done.refused) == (2, 5, 2)
    assert done.contacts_released == 3
    assert [p.row for p in done.problems] == [4, 5]
    assert [c.phone for n in (ANN, CID) for c in await office.lists.consents(n)] == [ANN, CID]
    assert await office.lists.consents(BOB) == []
    with pytest.raises(InvalidInput):
        await office.lists.record_consents_file(path, region="FR", scope="\n", source="x")


async def test_consents_of_a_file_are_recorded_all_or_none(
    office: Office,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorded: list[int] = []
    record = office.store.record_consents

    async def noting(consents: Iterable[Consent]) -> int:
        whole = list(consents)
        recorded.append(len(whole))
        return await record(whole)

    monkeypatch.setattr(office.store, "record_consents", noting)
    lines = "\n".join(f"+3361234{n:04d}" for n in range(150))
    office.changed.clear()
    done = await office.lists.record_consents_file(office.file(lines), scope="ads", source="x")
    assert (done.recorded, recorded) == (150, [150])
    assert office.changed == [None]
    assert await office.actions() == ["consent.recorded"]


async def test_a_file_of_old_consents_undoes_no_revocation(office: Office) -> None:  # noqa: F811
    await office.lists.record_consent(ANN, scope="ads", source="x", given_at=NOW - 3 * DAY)
    await office.lists.revoke_consent(ANN, scope="ads")
    path = office.file(f"{ANN}\n{BOB}\n")
    old = {"scope": "ads", "source": "fair", "given_at": NOW - DAY}
    done = await office.lists.record_consents_file(path, **old)
    assert (done.recorded, done.revoked) == (1, 1)
    (kept,) = await office.lists.consents(ANN)
    assert (kept.source, kept.revoked_at) == ("x", NOW)
    with pytest.raises(Conflict):
        await office.lists.record_consent(ANN, **old)


async def test_an_outbound_number_is_added_and_changed_bit_by_bit(office: Office) -> None:  # noqa: F811
    lists = office.lists
    added = await lists.save_number("01 40 00 00 01", region="FR", label="Paris", daily_cap=100)
    assert (added.phone, added.label, added.active, added.daily_cap) == (OURS, "Paris", True, 100)
    changed = await lists.save_number(OURS, active=False)
    assert (changed.label, changed.active, changed.daily_cap) == ("Paris", False, 100)
    changed = await lists.save_number(OURS, daily_cap=0, label="")
    assert (changed.label, changed.active, changed.daily_cap) == ("", False, None)
    assert [s.number.phone for s in await lists.numbers()] == [OURS]
    assert office.changed == [None, None, None]


async def test_changes_of_numbers_have_whoever_waited_for_one_looked_at_again(
    office: Office,  # noqa: F811
) -> None:
    await office.lists.save_number(OURS)
    for change in (
        office.lists.save_number(OURS, daily_cap=5),
        office.lists.rest_number(OURS, until=NOW + DAY),
        office.lists.wake_number(OURS),
        office.lists.delete_number(OURS),
    ):
        await office.hold(ANN, Reason.NUMBER_CAPPED)
        office.changed.clear()
        await change
        assert await office.status(ANN) == ("pending", None)
        assert office.changed == [None]


@pytest.mark.parametrize(
    "changes",
    [
        {"phone": "hello"},
        {"phone": "0140000001"},
        {"phone": "+33690000000"},
        {"daily_cap": -1},
        {"daily_cap": 10_000_000},
        {"region": "Utopia"},
        *({"label": text} for text in BROKEN[1:]),
    ],
)
async def test_unusable_numbers_are_refused(office: Office, changes: dict[str, Any]) -> None:  # noqa: F811
    values = {"phone": OURS, **changes}
    with pytest.raises(InvalidInput):
        await office.lists.save_number(values.pop("phone"), **values)
    assert await office.lists.numbers() == []
    assert office.changed == []


@pytest.mark.parametrize("label", HOSTILE_LINES)
async def test_labels_are_kept_as_they_are(office: Office, label: str) -> None:  # noqa: F811
    await office.lists.save_number(OURS, label=label)
    assert (await office.lists.numbers())[0].number.label == label


async def test_a_number_rests_and_wakes(office: Office) -> None:  # noqa: F811
    await office.lists.save_number(OURS)
    resting = await office.lists.rest_number("0140000001", region="FR", until=NOW + DAY)
    assert resting.resting_until == NOW + DAY
    (status,) = await office.lists.numbers()
    assert (status.resting, status.use.calls, status.answer_rate) == (True, 0, None)
    assert (await office.lists.wake_number(OURS)).resting_until is None
    assert not (await office.lists.numbers())[0].resting
    with pytest.raises(InvalidInput):
        await office.lists.rest_number(OURS, until=NOW)
    for change in (office.lists.wake_number(ANN), office.lists.delete_number(ANN)):
        with pytest.raises(NotFound):
            await change
    with pytest.raises(NotFound):
        await office.lists.rest_number(ANN, until=NOW + DAY)


async def test_a_number_in_use_cannot_be_deleted(office: Office) -> None:  # noqa: F811
    await office.lists.save_number(OURS)
    await office.campaign(ANN, pool=NumberPool((OURS,)))
    with pytest.raises(Conflict):
        await office.lists.delete_number(OURS)
    assert len(await office.lists.numbers()) == 1


async def test_custom_dispositions(office: Office) -> None:  # noqa: F811
    made = await office.lists.save_outcome("not_interested", refused=True)
    assert made == CustomOutcome("not_interested", "Not interested", refused=True)
    made = await office.lists.save_outcome("not_interested", label="Nein danke", opt_out=True)
    assert made == CustomOutcome("not_interested", "Nein danke", opt_out=True)
    assert await office.lists.outcomes() == [made]


@pytest.mark.parametrize(
    "name",
    [*BROKEN, "Upper", "1st", "_x", "a-b", "é", "x" * 65, "a\n", *(d.value for d in Disposition)],
)
async def test_a_custom_disposition_has_a_slug_of_its_own(office: Office, name: str) -> None:  # noqa: F811
    with pytest.raises(InvalidInput) as caught:
        await office.lists.save_outcome(name)
    assert caught.value.details["field"] == "name"
    assert await office.lists.outcomes() == []


@pytest.mark.parametrize("label", BROKEN[1:])
async def test_a_label_is_one_line(office: Office, label: str) -> None:  # noqa: F811
    with pytest.raises(InvalidInput):
        await office.lists.save_outcome("fine", label=label)


async def test_changes_are_audited(office: Office) -> None:  # noqa: F811
    await office.lists.record_consent(ANN, scope="ads", source="x")
    await office.lists.revoke_consent(ANN, scope="ads")
    await office.lists.save_number(OURS)
    await office.lists.save_outcome("fine")
    assert [a.split(".")[0] for a in await office.actions()] == [
        "consent",
        "consent",
        "number",
        "outcome",
    ]
